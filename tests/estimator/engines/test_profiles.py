"""Engine profiles: which version a profile covers, and the rules of thumb beside them."""

import pytest

from catalog.load import Catalog
from estimator.advice.launch_writers import WRITERS
from estimator.engines.memory_policy import EnginePolicy
from estimator.engines.profiles import container_image
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.models.formats import WEIGHT_FORMATS, cache_format
from estimator.units import GIB
from tests.estimator.serving.memory_cases import MemoryOf, memory_in

LLAMA_13B = "meta-llama/Llama-2-13b-hf"


@pytest.fixture(scope="module")
def memory_of(catalog: Catalog) -> MemoryOf:
    return memory_in(catalog)


@pytest.mark.parametrize(
    ("asked", "profile"),
    [("0.6.1", "0.2"), ("0.6.3", "0.6.2"), ("0.7.3", "0.6.5"), ("0.10.1", "0.8"), ("0.10.2", "0.10.2"),
     ("0.11.0", "0.11"), ("0.13", "0.12"), ("0.16", "0.14"), ("0.17.1", "0.17"), ("0.19.0", "0.18"),
     ("0.20.1rc1.dev16", "0.20"),
     ("0.24", "0.21"), ("0.25.1", "0.25"),
     ("0.27.1", "0.27"), ("0.28.0", "0.28"), ("0.29.1rc1.dev17", "0.29"), ("v0.21", "0.21")],
)  # fmt: skip
def test_a_version_finds_its_profile(catalog: Catalog, asked: str, profile: str) -> None:
    assert catalog.inventory.engine("vllm", asked).version == profile


@pytest.mark.parametrize(
    ("engine", "version", "image"),
    [
        ("vllm", None, "vllm/vllm-openai:v0.29.0"),
        ("vllm", "0.27.1", "vllm/vllm-openai:v0.27.1"),
        ("vllm", "0.26", "vllm/vllm-openai:v0.26.0"),
        ("neuron", None, ""),
    ],
)
def test_the_image_is_of_the_version_that_is_asked_for(
    catalog: Catalog, engine: str, version: str | None, image: str
) -> None:
    assert container_image(catalog.inventory.engine(engine, version), version) == image


def test_every_image_has_a_tag_of_its_own(catalog: Catalog) -> None:
    images = {container_image(engine) for engine in catalog.inventory.engines} - {""}
    assert all(":" in image and not image.endswith((":latest", ":")) for image in images)


def test_an_unknown_version_is_refused(catalog: Catalog) -> None:
    with pytest.raises(InputError, match=r"no profile of vllm covers 0\.1"):
        catalog.inventory.engine("vllm", "0.1")


def test_every_program_names_formats_and_commands_that_exist(catalog: Catalog) -> None:
    for profile in catalog.inventory.engines:
        program = profile.program
        assert {cache_format(name).id for name in program.cache_formats} == set(program.cache_formats)
        assert set(program.weight_ladder) <= WEIGHT_FORMATS.keys()
        assert set(program.quantises) <= WEIGHT_FORMATS.keys()
        assert program.launch in ("", *WRITERS)


def test_a_kind_of_device_has_at_most_one_stand_in(catalog: Catalog) -> None:
    stand_ins = {(kind, profile.id) for profile in catalog.inventory.engines for kind in profile.program.stands_in_on}
    assert sorted(kind for kind, _ in stand_ins) == ["apple", "cpu", "hpu", "neuron"]


@pytest.mark.parametrize(
    ("device", "printed"), [("a10g", 22.06), ("h100-sxm", 79.19), ("h200-sxm", 139.81), ("b200-sxm", 178.36)]
)
def test_vllm_sees_a_little_less_than_the_driver_reports(catalog: Catalog, device: str, printed: float) -> None:
    memory = catalog.inventory.engine("vllm").memory
    assert isinstance(memory, EnginePolicy)
    reported = catalog.inventory.accelerators[device].memory_usable_bytes
    assert memory.visible_bytes(reported) / GIB == pytest.approx(printed, abs=0.1)
    assert memory.reported_bytes(memory.visible_bytes(reported)) == pytest.approx(reported)


def test_every_profile_has_a_source_and_a_speed(catalog: Catalog) -> None:
    inventory = catalog.inventory
    for profile in inventory.engines:
        assert profile.source
        assert profile.as_of
        assert profile.speed in inventory.efficiency.engines


@pytest.mark.parametrize(("devices", "tokens", "at_4096", "at_2048"), [(4, 85_449, 20, 41), (8, 202_637, 49, 98)])
def test_the_lmi_guide_on_g5_12xlarge_and_g5_48xlarge(
    memory_of: MemoryOf, devices: int, tokens: int, at_4096: int, at_2048: int
) -> None:
    """docs.djl.ai, LMI instance type selection: Llama-2-13B on 96 and 192 GB (its own 96 - 26 = 66 is a misprint)."""
    memory = memory_of(LLAMA_13B, Layout(devices), weights="fp16", device="a10g", engine="lmi")
    assert memory.capacity_tokens(1) == tokens
    assert sum(part.value for part in memory.tightest_rank.weights) == pytest.approx(26e9 / devices)
    assert int(memory.max_sequences(4096)) == at_4096
    assert int(memory.max_sequences(2048)) == at_2048


LMI_TABLE = [
    # model, device, devices, the guide's range of batches, whether 1,024 tokens a request reach it
    ("meta-llama/Llama-2-7b-hf", "a10g", 1, (32, 64), False),
    (LLAMA_13B, "a10g", 4, (32, 64), True),
    ("EleutherAI/gpt-neox-20b", "a10g", 4, (16, 32), True),
    ("codellama/CodeLlama-34b-hf", "a10g", 8, (32, 64), True),
    ("meta-llama/Llama-2-70b-hf", "a10g", 8, (1, 8), True),
    ("meta-llama/Llama-2-70b-hf", "a100-40gb-sxm", 8, (32, 64), True),
    ("tiiuae/falcon-180B", "a100-80gb-sxm", 8, (32, 64), True),
]


@pytest.mark.parametrize(("name", "device", "devices", "batches", "holds"), LMI_TABLE)
def test_the_lmi_table_of_model_sizes(
    memory_of: MemoryOf, name: str, device: str, devices: int, batches: tuple[int, int], holds: bool
) -> None:
    """The guide's table gives no lengths: at 1,024 tokens a request its least batch fits in six rows of seven.

    A 7B model leaves 24 - 13 = 11 GB, 20,981 tokens of 524,288 bytes: 20 requests of 1,024 tokens, 32 of 655.
    """
    memory = memory_of(name, Layout(devices), weights="fp16", device=device, engine="lmi")
    assert (memory.max_sequences(1024) >= batches[0]) is holds
    assert memory.max_sequences(512) >= batches[0]


def test_the_rules_of_thumb_add_what_they_say(memory_of: MemoryOf) -> None:
    plain = memory_of(LLAMA_13B, weights="fp16", device="h100-sxm", engine="mha-kv")
    weights = plain.tightest_rank.weights_bytes
    for engine, overhead in (("weights-x1.5", 0.5), ("weights-x1.2", 0.2)):
        memory = memory_of(LLAMA_13B, weights="fp16", device="h100-sxm", engine=engine)
        assert memory.tightest_rank.outside_torch_bytes == pytest.approx(overhead * weights)
    tenth = memory_of(LLAMA_13B, weights="fp16", device="h100-sxm", engine="overhead-10")
    assert tenth.tightest_rank.outside_torch_bytes == pytest.approx(0.1 * weights)
    small = memory_of("Qwen/Qwen2.5-0.5B-Instruct", weights="fp16", device="h100-sxm", engine="overhead-10")
    assert small.tightest_rank.outside_torch_bytes == 2e9
    grouped = memory_of("meta-llama/Llama-3.1-8B", device="h100-sxm", engine="mha-kv")
    assert grouped.plan.pool.token_bytes == 2 * 2 * 32 * 4096


def test_a_rule_of_thumb_spreads_cache_and_states_over_the_devices(memory_of: MemoryOf) -> None:
    name = "Qwen/Qwen3-Next-80B-A3B-Instruct"
    one, four = (memory_of(name, Layout(devices), engine="lmi") for devices in (1, 4))
    assert one.tightest_rank.weights_bytes == pytest.approx(4 * four.tightest_rank.weights_bytes)
    for before, after in zip(one.plan.kinds, four.plan.kinds, strict=True):
        assert before.token_bytes == 4 * after.token_bytes
        assert before.state_bytes == 4 * after.state_bytes
    assert any(kind.state_bytes for kind in one.plan.kinds)
