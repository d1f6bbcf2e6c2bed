"""Models given by hand."""

import pytest

from estimator.errors import InputError
from estimator.models.by_hand import SIZES, ManualModel, by_hand, size_preset


@pytest.mark.parametrize("name", SIZES)
def test_sizes_come_out_within_one_column_per_layer(name: str) -> None:
    size, architecture = SIZES[name], size_preset(name)
    assert architecture is not None
    assert abs(architecture.parameters - size.parameters) <= 3 * size.hidden * size.layers


def test_experts_from_active_parameters() -> None:
    mixtral = ManualModel(46.7e9, 4096, 32, 32, 8, experts=8, active_parameters=12.9e9, vocabulary=32_000)
    architecture = by_hand(mixtral)
    assert architecture.is_moe
    assert architecture.active_parameters == pytest.approx(12.9e9, rel=0.01)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("kv_heads", ManualModel(8e9, 4096, 32, 32, 7)),
        ("parameters", ManualModel(1e8, 4096, 32, 32, 8)),
        ("experts_per_token", ManualModel(46.7e9, 4096, 32, 32, 8, experts=8)),
    ],
)
def test_contradictions_name_the_field(field: str, wrong: ManualModel) -> None:
    with pytest.raises(InputError) as caught:
        by_hand(wrong)
    assert caught.value.field == field
