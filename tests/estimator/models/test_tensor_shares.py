"""What one rank holds of a tensor."""

import pytest

from estimator.models.tensors import Tensor


@pytest.mark.parametrize(
    ("tensor", "tp", "ep", "share"),
    [
        (Tensor("q_proj", "attention", 64, 64), 4, 1, 1 / 4),
        (Tensor("k_proj", "attention", 64, 64, ways=2), 4, 1, 1 / 2),
        (Tensor("k_proj", "attention", 64, 64, ways=8), 4, 1, 1 / 4),
        (Tensor("layernorm", "norm", 64, split="whole"), 4, 4, 1),
        (Tensor("experts", "expert", 64, 64, 8, "experts"), 2, 4, 1 / 4),
        (Tensor("experts", "expert", 64, 64, 8, "experts"), 4, 2, 1 / 4),
    ],
)
def test_a_rank_holds_its_share_of_a_tensor(tensor: Tensor, tp: int, ep: int, share: float) -> None:
    assert tensor.share(tp, ep) == share


def test_one_rank_holds_everything() -> None:
    assert Tensor("experts", "expert", 64, 64, 8, "experts").share(1) == Tensor("up", "mlp", 64, 64).share(1) == 1
