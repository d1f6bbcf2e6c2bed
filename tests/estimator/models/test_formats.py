"""Bits per weight against published files."""

import pytest
import yaml

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.conversion import conversion
from estimator.models.formats import WeightFormat, format_in_name, weight_format
from estimator.models.formats.gguf import AVERAGE_BITS
from estimator.models.model import read_model
from estimator.models.summary import stored
from tests.estimator.models.test_architecture import MODELS, model


def stored_bytes(architecture: Architecture, weights: WeightFormat) -> float:
    once = (*architecture.embedding, *(() if architecture.tied else architecture.head), *architecture.final)
    layers = sum(g.count * sum(map(weights.bytes_of, g.layer.tensors)) for g in architecture.groups)
    return sum(map(weights.bytes_of, once)) + layers


@pytest.mark.parametrize("mix", AVERAGE_BITS)
def test_gguf_mixes_of_llama_3_1_8b(mix: str) -> None:
    """Tensor by tensor against the whole-file averages of llama.cpp's README."""
    architecture = model("meta-llama/Llama-3.1-8B").architecture
    bits = stored_bytes(architecture, weight_format(f"gguf-{mix}")) * 8 / architecture.parameters
    assert bits == pytest.approx(AVERAGE_BITS[mix], rel=2e-4)


def test_a_model_of_odd_rows_takes_more_bits_than_the_mix_is_named_for() -> None:
    """Rows of 2,688 and 1,856 numbers: llama-quantize counts 6.18 bits for Q4_K_M of Nemotron's 30B-A3B, 5.00 without
    the types that it falls back to (llama.cpp pull request 28474).
    """
    architecture = model("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16").architecture
    bits = stored_bytes(architecture, weight_format("gguf-q4_k_m")) * 8 / architecture.parameters
    assert bits == pytest.approx(6.18, rel=0.015)


@pytest.mark.parametrize(
    ("model_id", "file_bytes"), [("openai/gpt-oss-20b", 13_761_264_768), ("openai/gpt-oss-120b", 65_248_815_744)]
)
def test_gpt_oss_files(model_id: str, file_bytes: int) -> None:
    """Expert weights x 4.25 bits, all else 16-bit: the sizes of the uploads' safetensors."""
    loaded = model(model_id)
    assert loaded.native_weights == "mxfp4"
    assert stored_bytes(loaded.architecture, loaded.checkpoint) == file_bytes


def test_deepseek_v3_block_scales() -> None:
    """The total counts 41,540,496 scales of the language model and its MTP module."""
    architecture = model("deepseek-ai/DeepSeek-V3").architecture
    block = weight_format("fp8-block")
    scales = sum(g.count * sum(map(block.scales_of, g.layer.tensors)) for g in architecture.groups)
    assert scales + sum(map(block.scales_of, architecture.mtp)) == 41_540_496


def test_nemotron_3_nano_nvfp4_leaves_some_layers_in_16_bit() -> None:
    """An `exclude_modules` list by layer; the upload averages 4.896 bits."""
    entry = yaml.safe_load((MODELS / "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16.yaml").read_text(encoding="utf-8"))
    mamba, full = (4, 11, 18, 25, 32, 41), (5, 12, 19, 26, 33, 42)
    kept = [f"backbone.layers.{layer}.mixer.{name}" for layer in mamba for name in ("in_proj", "out_proj")]
    kept += [f"backbone.layers.{layer}.mixer.{name}_proj" for layer in full for name in "qkvo"]
    entry["quantization"] = {"quantization": {"quant_algo": "NVFP4", "exclude_modules": ["lm_head", *kept]}}
    loaded = read_model("nvfp4", entry)
    bits = stored_bytes(loaded.architecture, loaded.checkpoint) * 8 / loaded.architecture.parameters
    assert round(bits, 3) == 4.896


@pytest.mark.parametrize(
    ("name", "format_id"),
    [
        ("int4", "int4-awq"),
        ("GPTQ-Int4", "int4-gptq"),
        ("GGUF Q4_K - Medium", "gguf-q4_k_m"),
        ("Q4_K_M", "gguf-q4_k_m"),
        ("nvfp4 (modelopt)", "nvfp4"),
        ("bnb.nf4-dq", "nf4-dq"),
    ],
)
def test_common_names(name: str, format_id: str) -> None:
    assert weight_format(name).id == format_id


def test_unknown_format_is_one_line() -> None:
    with pytest.raises(InputError, match="unknown format 'q9'"):
        weight_format("q9")


def test_names_of_checkpoints_tell_their_format() -> None:
    assert format_in_name("RedHatAI/Llama-3.3-70B-Instruct-fp8-dynamic") == "fp8"
    assert format_in_name("nvidia/DeepSeek-R1-0528-FP4-v2") == "nvfp4"
    assert format_in_name("hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4") == "int4-awq"
    assert format_in_name("Meta-Llama-3-8B.Q5_K_M.gguf") == "gguf-q5_k_m"
    assert format_in_name("bartowski/Qwen_Qwen3-14B-GGUF") == "gguf-q4_k_m"
    assert format_in_name("Qwen/Qwen3-8B") is None


@pytest.mark.parametrize(
    ("name", "format_id"),
    [
        ("mlx-community/Llama-3.3-70B-Instruct-4bit", "int4-mlx"),
        ("mlx-community/Qwen3-14B-8bit", "int8-mlx"),
        ("mlx-community/Qwen3-14B-3bit", "int3-mlx"),
        ("someone/gemma-3-27b-it-mlx-6Bit", "int6-mlx"),
        ("someone/gemma-3-27b-it-mlx", "int4-mlx"),
        ("unsloth/Llama-3.1-8B-unsloth-bnb-4bit", "nf4"),
        ("someone/Mistral-7B-bnb-8bit", "int8-bnb"),
        ("someone/Mistral-7B-4bit", "nf4"),
        ("turboderp/Qwen3-32B-exl3", "exl3-4.0bpw"),
        ("turboderp/Qwen3-32B-exl3-3.5bpw", "exl3-3.5bpw"),
        ("LoneStriker/Llama-3-70B-4.65bpw-h6-exl2", "exl2-4.65bpw"),
        ("bartowski/Mistral-Nemo-exl2-5_0", "exl2-5.0bpw"),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8", "int8-gptq"),
        ("TheBloke/Llama-2-13B-GPTQ", "int4-gptq"),
        ("OPEA/Qwen2.5-7B-int4-AutoRound", "int4-gptq"),
        ("RedHatAI/Qwen3-32B-quantized.w4a16", "int4-gptq"),
        ("amd/Llama-3.1-8B-FP8-Quark", "fp8"),
    ],
)
def test_endings_of_uploads_are_a_format_that_exists(name: str, format_id: str) -> None:
    assert format_in_name(name) == format_id
    assert weight_format(format_id).id == format_id


@pytest.mark.parametrize(
    "name", ["org/Model-7B-chat", "org/habit", "org/Model-1bit-x", "org/exl2", "org/Model-2.5-14B"]
)
def test_other_endings_announce_nothing(name: str) -> None:
    assert format_in_name(name) is None


def test_conversion_says_what_it_takes() -> None:
    assert conversion("bf16", "bf16") is None
    assert conversion("fp8-block", "fp8") is None
    assert "16-bit upload" in str(conversion("mxfp4", "bf16"))
    assert "llama-quantize" in str(conversion("bf16", "gguf-q4_k_m"))


def test_what_stays_16_bit_is_a_line_of_its_own() -> None:
    """gpt-oss: experts in MXFP4, attention, routers, embedding, head and biases in 16 bit."""
    experts, rest = stored(model("openai/gpt-oss-20b"))
    assert experts.roles == ("expert",)
    assert experts.bytes + rest.bytes == 13_761_264_768
    assert {"attention", "router", "embedding", "head"} <= set(rest.roles)


def test_experts_stored_narrower_than_the_format_are_a_line_of_their_own() -> None:
    """DeepSeek-V4-Flash: an FP8 upload, its experts in FP4 with a scale for 32."""
    upload = model("deepseek-ai/DeepSeek-V4-Flash")
    fp8, fp4, rest = stored(upload)
    assert (fp8.name, fp4.name, rest.name) == ("FP8, 128x128 blocks", "4.25-bit", "16-bit")
    experts = 43 * 256 * 3 * 4096 * 2048
    assert (fp4.roles, fp4.bytes) == (("expert",), experts * 4.25 / 8)
    assert set(fp8.roles) == {"attention", "shared expert"}
    assert fp8.bytes + fp4.bytes + rest.bytes == stored_bytes(upload.architecture, upload.checkpoint)
