"""Models given by hand, and plain sizes."""

from dataclasses import replace

import pytest

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.models.by_hand import DecoderShape, by_hand, plain_size
from estimator.models.mixers import Attention
from estimator.models.mlps import DenseMlp, MixtureOfExperts

PRESETS = ("0.135B", "0.36B", "1B", "3B", "7B", "8B", "13B", "14B", "32B", "34B", "70B", "175B", "405B")


@pytest.mark.parametrize("name", PRESETS)
def test_sizes_come_out_within_one_column_per_layer(catalog: Catalog, name: str) -> None:
    shape = next(each for each in catalog.inventory.sizes.values() if each.plain_size == name)
    size = plain_size(name, catalog.inventory.sizes)
    assert size is not None
    assert shape.parameters is not None
    assert abs(size[1].parameters - shape.parameters) <= 3 * shape.hidden * shape.layers
    assert shape.source in size[1].notes[0]


@pytest.mark.parametrize(
    ("text", "name", "total"),
    [
        ("7", "7B", 7e9),
        ("70b", "70B", 70.6e9),
        ("9.5B", "9.5B", 9.5e9),
        ("350m", "0.35B", 0.35e9),
        ("24 B", "24B", 24e9),
        ("180B", "180B", 180e9),
        ("1.2T", "1200B", 1.2e12),
    ],
)
def test_a_plain_size_of_any_number_has_that_many_parameters(
    catalog: Catalog, text: str, name: str, total: float
) -> None:
    size = plain_size(text, catalog.inventory.sizes)
    assert size is not None
    assert size[0] == name
    assert size[1].parameters == pytest.approx(total, rel=0.002)


def test_a_size_between_two_presets_is_a_guess_between_their_shapes_and_says_so(catalog: Catalog) -> None:
    size = plain_size("24B", catalog.inventory.sizes)
    assert size is not None
    architecture = size[1]
    assert "a guess" in architecture.notes[0]
    assert "14B" in architecture.notes[0]
    assert "70B" in architecture.notes[0]
    assert 5120 <= architecture.hidden <= 8192
    assert 40 <= architecture.layers <= 80
    mixer = architecture.groups[0].layer.mixer
    assert isinstance(mixer, Attention)
    assert mixer.heads % mixer.kv_heads == 0


def test_a_larger_plain_size_never_caches_less_per_token(catalog: Catalog) -> None:
    """Presets with one key-value head per query head (7B, 13B, 175B) stand apart."""
    guesses = [
        plain_size(f"{billions}B", catalog.inventory.sizes) for billions in (9, 10, 12, 15, 20, 40, 60, 100, 300)
    ]
    cached = [size[1].cache_elements(1) for size in guesses if size]
    assert len(cached) == 9
    assert cached == sorted(cached)


@pytest.mark.parametrize("text", ["", "Qwen3-8B", "8B-Instruct", "-7", "0", "1e9", "7 billion", "99999999T"])
def test_what_is_no_size_is_none(catalog: Catalog, text: str) -> None:
    assert plain_size(text, catalog.inventory.sizes) is None


def test_a_size_that_its_embedding_alone_exceeds_is_refused(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="less than attention and embedding"):
        plain_size("3M", catalog.inventory.sizes)


def test_experts_from_active_parameters() -> None:
    mixtral = DecoderShape(
        parameters=46.7e9,
        hidden=4096,
        layers=32,
        heads=32,
        kv_heads=8,
        experts=8,
        active_parameters=12.9e9,
        vocabulary=32_000,
    )
    architecture = by_hand(mixtral)
    assert architecture.is_moe
    assert architecture.active_parameters == pytest.approx(12.9e9, rel=0.01)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("kv_heads", DecoderShape(parameters=8e9, hidden=4096, layers=32, heads=32, kv_heads=7)),
        ("parameters", DecoderShape(parameters=1e8, hidden=4096, layers=32, heads=32, kv_heads=8)),
        ("parameters", DecoderShape(hidden=4096, layers=32, heads=32, kv_heads=8)),
        ("experts_per_token", DecoderShape(parameters=46.7e9, hidden=4096, layers=32, heads=32, experts=8)),
    ],
)
def test_contradictions_name_the_field(field: str, wrong: DecoderShape) -> None:
    with pytest.raises(InputError) as refusal:
        by_hand(wrong)
    assert refusal.value.field == field


def test_a_stated_feed_forward_width_needs_no_total() -> None:
    """Llama-3.1-8B by its widths is Llama-3.1-8B."""
    shape = DecoderShape(hidden=4096, layers=32, heads=32, kv_heads=8, intermediate=14_336)
    assert by_hand(shape).parameters == 8_030_261_248


MIXTRAL = DecoderShape(
    layers=32, hidden=4096, heads=32, kv_heads=8, parameters=46_702_792_704, vocabulary=32_000, experts=8
)  # fmt: skip


@pytest.mark.parametrize("stated", [{"experts_per_token": 2}, {"active_parameters": 12_879_925_248}])
def test_mixtral_has_the_experts_that_its_total_leaves(stated: dict[str, int]) -> None:
    """8 x 7B: experts 14,336 wide, two of which each token visits, 12.9 B parameters in all."""
    (group,) = by_hand(replace(MIXTRAL, **stated)).groups
    mlp = group.layer.mlp
    assert isinstance(mlp, MixtureOfExperts)
    assert (mlp.intermediate, mlp.experts, mlp.per_token) == (14_336, 8, 2)
    assert by_hand(replace(MIXTRAL, **stated)).parameters == 46_702_792_704


def test_llama_2_7b_has_the_width_that_its_total_leaves() -> None:
    shape = DecoderShape(layers=32, hidden=4096, heads=32, parameters=6_738_415_616, vocabulary=32_000)
    (group,) = by_hand(shape).groups
    assert isinstance(group.layer.mlp, DenseMlp)
    assert group.layer.mlp.intermediate == 11_008
    plain = by_hand(replace(shape, gated=False)).groups[0].layer.mlp
    assert isinstance(plain, DenseMlp)
    assert plain.intermediate == 3 * 11_008 / 2
