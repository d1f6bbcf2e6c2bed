"""Bits per weight against published files."""

import pytest
import yaml

from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.conversion import conversion
from estimator.models.formats import WeightFormat, format_in_name, integer_format, weight_format
from estimator.models.formats.gguf import AVERAGE_BITS, BLOCK_BITS
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


TOKENIZER = 9_000_000
"""Bytes before the first tensor, nearly all of them the tokenizer: at most those of 262,144 words."""


@pytest.mark.parametrize(
    ("model_id", "mix", "file_bytes"),
    [
        ("meta-llama/Llama-3.2-1B", "q4_k_m", 807_694_464),
        ("meta-llama/Llama-3.2-3B", "q4_k_m", 2_019_377_696),
        ("Qwen/Qwen2.5-0.5B-Instruct", "q4_k_m", 397_808_192),
        ("Qwen/Qwen2.5-1.5B-Instruct", "q4_k_m", 986_048_768),
        ("Qwen/Qwen2.5-3B-Instruct", "q4_k_m", 1_929_903_264),
        ("Qwen/Qwen3-0.6B", "q4_k_m", 396_705_472),
        ("Qwen/Qwen3-0.6B", "q4_k_s", 383_270_592),
        ("Qwen/Qwen3-0.6B", "q8_0", 639_447_744),
        ("Qwen/Qwen3-4B", "q4_k_m", 2_497_280_736),
        ("google/gemma-3-1b-it", "q4_k_m", 806_058_272),
        ("HuggingFaceTB/SmolLM2-1.7B-Instruct", "q4_k_m", 1_055_609_824),
        ("Qwen/Qwen2.5-7B-Instruct", "q4_k_m", 4_683_074_240),
        ("mistralai/Mistral-7B-Instruct-v0.3", "q4_k_m", 4_372_812_000),
    ],
)
def test_gguf_files_of_small_models_hold_the_mix_and_a_tokenizer(model_id: str, mix: str, file_bytes: int) -> None:
    """Sizes of bartowski's, unsloth's and Qwen's uploads; tied embeddings are stored as the head would be."""
    loaded = model(model_id)
    rest = file_bytes - stored_bytes(loaded.architecture, loaded.weights(f"gguf-{mix}"))
    assert 0 < rest < TOKENIZER


@pytest.mark.parametrize(
    ("mix", "file_gb"),
    [
        ("q5_k_m", 99.96),
        ("q4_k_m", 85.58),
        ("q4_k_s", 80.47),
        ("q3_k_l", 72.57),
        ("q3_k_m", 67.78),
        ("q3_k_s", 61.49),
        ("q2_k", 52.10),
        ("iq3_m", 64.49),
        ("iq3_s", 61.49),
        ("iq3_xs", 58.22),
    ],
)
def test_beside_eight_experts_attention_is_wider(mix: str, file_gb: float) -> None:
    """The card of bartowski's Mixtral-8x22B-v0.1-GGUF; keys and values of its attention are Q8_0."""
    loaded = model("mistralai/Mixtral-8x22B-v0.1")
    size = stored_bytes(loaded.architecture, loaded.weights(f"gguf-{mix}"))
    assert size / 1e9 == pytest.approx(file_gb, rel=5e-4)


def test_one_tensor_of_query_key_and_value_takes_the_type_of_values() -> None:
    """Phi-3.5-mini-instruct-Q4_K_M.gguf of bartowski is 2,393,232,672 bytes."""
    loaded = model("microsoft/Phi-3-mini-4k-instruct")
    size = stored_bytes(loaded.architecture, loaded.weights("gguf-q4_k_m"))
    assert size == pytest.approx(2_393_232_672, rel=2e-3)


@pytest.mark.parametrize(
    ("mix", "many", "few"),
    [("q2_k", "q4_k", "q3_k"), ("iq4_xs", "q5_k", "iq4_xs"), ("iq2_m", "q4_k", "iq3_s"), ("iq1_s", "q4_k", "q2_k")],
)
def test_values_shared_by_few_heads_take_fewer_bits(mix: str, many: str, few: str) -> None:
    """llama_tensor_get_type: n_gqa of at least four, as Llama-3.1-8B has, or less, as Gemma-2-27B has."""
    values = [
        next(each for each in loaded.architecture.groups[0].layer.tensors if each.name == "v_proj")
        for loaded in (model("meta-llama/Llama-3.1-8B"), model("google/gemma-2-27b"))
    ]
    formats = [model(name).weights(f"gguf-{mix}") for name in ("meta-llama/Llama-3.1-8B", "google/gemma-2-27b")]
    bits = [weights.bits_of(tensor) for weights, tensor in zip(formats, values, strict=True)]
    assert bits == [BLOCK_BITS[many], BLOCK_BITS[few]]


@pytest.mark.parametrize(
    ("mix", "file_gb"), [("q6_k_l", 1.09), ("q5_k_l", 0.98), ("q4_k_l", 0.87), ("q3_k_xl", 0.80), ("q8_0", 1.32)]
)
def test_mixes_with_wide_tables(mix: str, file_gb: float) -> None:
    """The card of bartowski's Llama-3.2-1B-Instruct-GGUF: Q8_0 for embedding and head."""
    loaded = model("meta-llama/Llama-3.2-1B")
    rest = 1e9 * file_gb - stored_bytes(loaded.architecture, loaded.weights(f"gguf-{mix}"))
    assert -0.005e9 < rest < 0.005e9 + TOKENIZER


def test_an_encoder_stores_its_table_as_a_head() -> None:
    """BERT has no output matrix: llama.cpp takes its embedding for a tied one."""
    loaded = model("BAAI/bge-m3")
    table = next(tensor for tensor in loaded.architecture.embedding if tensor.name == "word_embeddings")
    assert loaded.weights("gguf-q4_k_m").bits_of(table) == BLOCK_BITS["q6_k"]


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
    assert format_in_name("bartowski/Qwen_Qwen3-14B-GGUF:Q4_K_L") == "gguf-q4_k_l"
    assert format_in_name("unsloth/Qwen3-14B-GGUF:UD-Q5_K_XL") == "gguf-q5_k_m"
    assert format_in_name("Qwen3-30B-A3B-UD-Q2_K_XL.gguf") == "gguf-q2_k"
    assert format_in_name("Qwen3-30B-A3B-Q7_K.gguf") is None
    assert format_in_name("unsloth/DeepSeek-R1-0528-GGUF:UD-IQ2_XXS") is None
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
        ("OPEA/Qwen2.5-14B-Instruct-int4-sym-inc", "int4-gptq"),
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


@pytest.mark.parametrize(
    ("packer", "group"),
    [("awq", 128), ("gptq", 128), ("autoround", 128), ("hqq", 64), ("mlx", 64), ("torchao", 128), ("packed", 128)],
)
def test_integers_stand_in_the_groups_that_their_tool_makes_by_default(packer: str, group: int) -> None:
    """AutoAWQ's q_group_size, GPTQModel's, AutoRound's and torchao's group_size; HQQ's and mlx-lm's are 64."""
    usual = integer_format(4, packer)
    assert usual.block == (1, group)
    assert usual.id == f"int4-{packer}" == integer_format(4, packer, group).id
    assert integer_format(4, packer, 32).id == f"int4-{packer}-g32"
    assert integer_format(4, packer, 0).id == f"int4-{packer}-channel"
