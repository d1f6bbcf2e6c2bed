"""FLOPs of recurrent mixers outside their projections, and the state that they keep, as their papers have them."""

import pytest

from estimator.models.mixers.base import Mixer
from estimator.models.mixers.recurrent import GatedDeltaNet, KimiDeltaAttention, LightningAttention, ShortConvolution
from estimator.models.mixers.rwkv import GatedLinearRecurrence, Rwkv4, Rwkv7
from estimator.models.mixers.state_space import Mamba1, Mamba2

DELTA = GatedDeltaNet(hidden=2048, key_heads=16, value_heads=32, key_dim=128, value_dim=64, kernel=4)
KIMI = KimiDeltaAttention(hidden=2304, heads=32, head_dim=128, kernel=4)
LIGHTNING = LightningAttention(hidden=6144, heads=64, head_dim=96)
RWKV7 = Rwkv7(hidden=2560, head_dim=64, decay_rank=96, rate_rank=96, value_rank=64, gate_rank=320)
GRIFFIN = GatedLinearRecurrence(hidden=2560, inner=3840, heads=10, kernel=4)
MAMBA1 = Mamba1(hidden=4096, inner=8192, state=16, kernel=4, rank=256)
MAMBA2 = Mamba2(hidden=4096, heads=128, head_dim=64, groups=8, state=128, kernel=4)


@pytest.mark.parametrize(
    ("mixer", "flops_a_token"),
    [
        (DELTA, 3 * 2 * 32 * 64 * 128),  # the state is read, corrected and queried: three products with it
        (KIMI, 3 * 2 * 32 * 128 * 128),
        (RWKV7, 3 * 2 * 40 * 64 * 64),
        (MAMBA1, 3 * 2 * 8192 * 16),
        (MAMBA2, 3 * 2 * 128 * 64 * 128),
        (LIGHTNING, 2 * 2 * 64 * 96 * 96),  # updated and queried
        (Rwkv4(hidden=768, inner=768), 8 * 768),
        (GRIFFIN, 2 * 2 * 3840 * 384 + 8 * 3840),  # two block-diagonal gates, then every channel by itself
        (ShortConvolution(hidden=1024, kernel=3), 2 * 1024 * 3),
    ],
)
def test_work_is_the_same_for_every_token_whatever_came_before(mixer: Mixer, flops_a_token: int) -> None:
    assert mixer.attention_flops(1) == flops_a_token
    assert mixer.attention_flops(100, 10_000) == 100 * flops_a_token
    assert mixer.decode_flops(1, 10_000) == flops_a_token


@pytest.mark.parametrize(
    ("mixer", "state", "convolved"),
    [
        (DELTA, 32 * 64 * 128, (2 * 16 * 128 + 32 * 64) * 3),
        (KIMI, 32 * 128 * 128, 3 * 32 * 128 * 3),
        (LIGHTNING, 64 * 96 * 96, 0),
        (RWKV7, 40 * 64 * 64 + 2 * 2560, 0),  # a matrix a head, and the last token of both halves of the block
        (Rwkv4(hidden=768, inner=1024), 3 * 1024 + 2 * 768, 0),
        (GRIFFIN, 3840, 3840 * 3),
        (ShortConvolution(hidden=1024, kernel=3), 0, 1024 * 2),
        (MAMBA1, 8192 * 16, 8192 * 3),
        (MAMBA2, 128 * 64 * 128, (128 * 64 + 2 * 8 * 128) * 3),
    ],
)
def test_a_sequence_keeps_its_state_and_no_cache(mixer: Mixer, state: int, convolved: int) -> None:
    assert (mixer.state_elements, mixer.conv_state_elements) == (state, convolved)
    assert mixer.cache_elements(100_000) == 0
