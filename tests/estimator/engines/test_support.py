"""What goes together, against the matrices that the engines publish."""

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from catalog.load import Catalog
from estimator.engines.support import CUT_BLOCKS, cuts_blocks, exclusions, layout_exclusion, refusal
from estimator.layout import Layout
from estimator.models.formats import WEIGHT_FORMATS, weight_format
from estimator.ranking.rank import rank
from estimator.scenario.scenario import Placement, Scenario

VOLTA, TURING, AMPERE, ADA, HOPPER = "v100-32gb", "t4", "a10g", "l40s", "h100-sxm"
BLACKWELL, AMD = "b200-sxm", "mi300x"
COLUMNS = (VOLTA, TURING, AMPERE, ADA, HOPPER, AMD)
VLLM_0_15 = {  # docs.vllm.ai v0.15.1, features/quantization: Volta, Turing, Ampere, Ada, Hopper, AMD
    "int4-awq": "-xxxxx",  # the page denies it on AMD, where published runs have it (sudoingX/qwen38-mtp)
    "int4-gptq": "xxxxx-",
    "int8": "-xxxxx",  # AMD has no row for its own INT8 kernels
    "fp8": "--xxxx",  # W8A8 from Ada on, by Marlin on Ampere
    "int8-bnb": "xxxxx-",
    "nf4": "xxxxx-",
}
VLLM_LATEST = {  # the same page, latest: CUDA 13 builds leave Volta, Marlin runs on Turing but for MXFP4
    "int4-awq": "-xxxxx",
    "int4-gptq": "-xxxx-",
    "fp8": "-xxxxx",
    "mxfp4": "--xxxx",
    "bf16": "-xxxxx",
}
TRTLLM = {  # nvidia.github.io/TensorRT-LLM, support matrix and precision: Ampere, Ada, Hopper, Blackwell
    "bf16": "xxxx",
    "fp8": "-xxx",
    "fp8-block": "--xx",
    "int4-awq": "xxxx",
    "int8": "xxxx",
    "nvfp4": "---x",
    "mxfp4": "--xx",
    "nf4": "----",
}


def row(catalog: Catalog, engine: str, version: str | None, weights: str, devices: tuple[str, ...]) -> str:
    """One line of a matrix as our table has it: x runs, - does not."""
    inventory = catalog.inventory
    profile = inventory.engine(engine, version)
    refused = (refusal(inventory.accelerators[name], profile, weight_format(weights)) for name in devices)
    return "".join("-" if each else "x" for each in refused)


@pytest.mark.parametrize(("weights", "line"), VLLM_0_15.items())
def test_vllm_0_15_runs_what_its_matrix_says(catalog: Catalog, weights: str, line: str) -> None:
    assert row(catalog, "vllm", "0.15.1", weights, COLUMNS) == line


@pytest.mark.parametrize(("weights", "line"), VLLM_LATEST.items())
def test_vllm_runs_what_its_latest_matrix_says(catalog: Catalog, weights: str, line: str) -> None:
    assert row(catalog, "vllm", None, weights, COLUMNS) == line


@pytest.mark.parametrize(("weights", "line"), TRTLLM.items())
def test_tensorrt_llm_runs_what_its_matrix_says(catalog: Catalog, weights: str, line: str) -> None:
    assert row(catalog, "trtllm", None, weights, ("a100-80gb-sxm", ADA, HOPPER, BLACKWELL)) == line


def test_sglang_has_no_block_fp8_on_ampere(catalog: Catalog) -> None:
    """Issues 7715 and 12887 of sgl-project/sglang: "type fp8e4nv not supported in this architecture"."""
    assert row(catalog, "sglang", None, "fp8-block", COLUMNS) == "---xxx"


@pytest.mark.parametrize("weights", [name for name in WEIGHT_FORMATS if name.startswith("gguf")])
def test_llama_cpp_runs_every_gguf_type_on_every_generation(catalog: Catalog, weights: str) -> None:
    """An MXFP4 file runs on V100 (spiritbuun/buun-llama-cpp issue 91)."""
    assert row(catalog, "llamacpp", None, weights, COLUMNS) == "xxxxxx"


@pytest.mark.parametrize(
    ("engine", "version", "device", "weights", "reason"),
    [
        ("trtllm", None, "a100-80gb-sxm", "fp8",
         "TensorRT-LLM from 0.20: FP8 per tensor or channel needs compute capability 8.9, NVIDIA A100"),
        ("vllm", None, VOLTA, "bf16", "vLLM from 0.29: the engine needs compute capability 7.5, NVIDIA"),
        ("vllm", "0.11.0", VOLTA, "int4-awq",
         "vLLM 0.11.0 from 0.11: AWQ INT4, groups of 128 needs compute capability 7.5, NVIDIA"),
        ("vllm", None, AMD, "nf4", "vLLM from 0.29: bitsandbytes NF4 is not supported on AMD devices"),
        ("vllm", None, "radeon-v520", "bf16", "AMD Radeon Pro V520 is supported by no serving engine"),
        ("vllm", None, "gaudi2", "bf16", "vLLM on Intel Gaudi 2 is not modelled here"),
        ("trtllm", None, AMD, "bf16", "TensorRT-LLM does not run on AMD Instinct MI300X"),
    ],
)  # fmt: skip
def test_a_refusal_names_engine_version_and_reason(
    catalog: Catalog, engine: str, version: str | None, device: str, weights: str, reason: str
) -> None:
    inventory = catalog.inventory
    text = refusal(inventory.accelerators[device], inventory.engine(engine, version), weight_format(weights))
    assert text is not None
    assert text.startswith(reason)


@pytest.mark.parametrize(
    ("name", "version", "served"),
    [
        ("google-t5/t5-large", "0.10.0", True),
        ("google-t5/t5-large", None, False),
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", "0.10.0", True),
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", None, False),
        ("meta-llama/Llama-3.1-8B", None, True),
    ],
)
def test_vllm_serves_no_cross_attention_from_0_11(
    catalog: Catalog, name: str, version: str | None, served: bool
) -> None:
    """vllm-project/vllm pull 24907."""
    inventory, architecture = catalog.inventory, catalog.model(name).architecture
    engine, device = inventory.engine("vllm", version), inventory.accelerators[HOPPER]
    assert (refusal(device, engine, weight_format("bf16"), architecture) is None) is served


@pytest.mark.parametrize(
    ("name", "layout", "cut"),
    [
        ("Qwen/Qwen3-235B-A22B", Layout(tp=8), True),  # 1536 / 8 = 192
        ("Qwen/Qwen3-235B-A22B", Layout(tp=8, ep=8), False),
        ("Qwen/Qwen3-235B-A22B", Layout(tp=4), False),
        ("Qwen/Qwen3-30B-A3B", Layout(tp=4), True),  # 768 / 4 = 192
        ("deepseek-ai/DeepSeek-V3", Layout(tp=8), False),  # 2048 / 8 = 256
        ("meta-llama/Llama-3.1-8B", Layout(tp=8), False),
    ],
)
def test_experts_are_not_cut_inside_a_block(catalog: Catalog, name: str, layout: Layout, cut: bool) -> None:
    """ "output_size of gate's and up's weight = 192 is not divisible by weight quantization block_n = 128"."""
    architecture, weights = catalog.model(name).architecture, weight_format("fp8-block")
    assert cuts_blocks(architecture, weights, layout) is cut
    assert not cuts_blocks(architecture, weight_format("fp8"), layout)
    device = catalog.inventory.accelerators[HOPPER]
    for engine, refuses in (("vllm", cut), ("sglang", cut), ("trtllm", cut), ("llamacpp", False)):
        text = layout_exclusion(catalog.inventory.engine(engine), device, weights, architecture, layout)
        assert bool(text) is refuses


def test_no_ranked_layout_cuts_a_block(catalog: Catalog) -> None:
    name = "Qwen/Qwen3-235B-A22B"
    scenario = Scenario(name, "fp8-block", placement=Placement("p5en.48xlarge"))
    board = rank(catalog.model(name), scenario, catalog.inventory, catalog.prices(scenario.region), every_layout=True)
    layouts = {each.candidate.layout for each in board.rows}
    assert Layout(tp=8) not in layouts
    assert Layout(tp=8, ep=8) in layouts


def test_every_exclusion_has_a_source_and_names_formats_that_exist(catalog: Catalog) -> None:
    for engine in catalog.inventory.engines:
        for each in engine.program.exclusions:
            assert each.source
            assert set(each.features) <= {CUT_BLOCKS, "encoder-decoder", "cross-attention", "one pass", "any class"}
            assert each.formats or each.features or each.below_capability or each.generations
            for name in each.formats:
                of_ids = name in ("exl3*", "*-mlx*", "mxfp4-*")
                assert of_ids or any(fnmatchcase(known, name) for known in WEIGHT_FORMATS)


@pytest.mark.parametrize("weights", ["int4-mlx", "int8-mlx-g32", "mxfp4-mlx"])
@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "lmdeploy", "transformers", "llamacpp"])
def test_files_of_mlx_load_under_no_engine_of_nvidia_devices(catalog: Catalog, engine: str, weights: str) -> None:
    device = catalog.inventory.accelerators[HOPPER]
    assert refusal(device, catalog.inventory.engine(engine), weight_format(weights))
    assert not refusal(device, catalog.inventory.engine(engine), weight_format("bf16"))


def test_an_exclusion_holds_for_its_versions_alone(catalog: Catalog) -> None:
    engine = catalog.inventory.engine("vllm")
    lowest = {
        version: max(
            (each.below_capability for each in exclusions(replace(engine, version=version)) if not each.formats),
            default=0,
        )
        for version in ("0.19.9", "0.20")
    }
    assert lowest == {"0.19.9": 7.0, "0.20": 7.5}
