"""Uploads that the catalogue knows by the shape of another: what their names say of their weights."""

import pytest

from catalog.load import Catalog, load
from catalog.sources.resolve import in_catalogue
from estimator.errors import InputError
from estimator.models.model import Model
from estimator.models.summary import text_tensors


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def stored_gb(model: Model) -> float:
    return sum(count * model.checkpoint.bytes_of(tensor) for count, tensor in text_tensors(model.architecture)) / 1e9


@pytest.mark.parametrize(
    ("name", "format_id"),
    [
        ("RedHatAI/Qwen3-14B-NVFP4A16", "nvfp4"),
        ("someone/Qwen3-14B-MXFP8", "mxfp8"),
        ("someone/Qwen3-14B-MXFP4A16", "mxfp4-linear"),
        ("someone/Qwen3-14B-FP8-Static", "fp8"),
        ("someone/Qwen3-14B-FP8-static-per-tensor", "fp8"),
        ("hugging-quants/Meta-Llama-3.1-8B-Instruct-BNB-NF4", "nf4"),
        ("cyankiwi/Qwen3-14B-AWQ-8bit", "int8-packed"),
        ("amd/Llama-3.3-70B-Instruct-MXFP4-Preview", "mxfp4-linear"),
        ("mlx-community/Qwen3-14B-nvfp4", "nvfp4-mlx"),
        ("mlx-community/Qwen3-14B-mxfp8", "mxfp8-mlx"),
        ("mlx-community/Qwen3-14B-4bit-AWQ", "int4-mlx"),
        ("mlx-community/DeepSeek-R1-3bit", "int3-mlx"),  # a digit before the dash
        ("mlx-community/phi-4-6bit", "int6-mlx"),
        ("mlx-community/Qwen3-14B-4bit-DWQ-05172025", "int4-mlx"),
        ("mlx-community/Llama-3.2-3B-Instruct-q8", "int8-mlx"),
        ("someone/Qwen3-32B-GPTQ-8bit", "int8-gptq"),
        ("someone/Qwen3-32B-HQQ-4bit", "int4-hqq"),
        ("someone/Llama-3.1-70B-Instruct-FP8-W8A8", "fp8"),
        ("someone/Qwen3-14B-SmoothQuant-W8A8", "int8"),
        ("turboderp/Qwen3-14B-exl3@5.0bpw", "exl3-5.0bpw"),  # its widths are branches of one repository
        ("someone/Qwen3-14B-2.75bpw-h6-exl2", "exl2-2.75bpw"),
        ("qwen3:14b-q5_K_M", "gguf-q5_k_m"),  # a tag of Ollama's library
        ("someone/Qwen3-14B-IQ4_XS", "gguf-iq4_xs"),
        ("bartowski/Qwen_Qwen3-14B-GGUF:Q6_K", "gguf-q6_k"),
        ("unsloth/Qwen3-14B-GGUF:UD-Q2_K", "gguf-q2_k"),
    ],
)
def test_an_ending_is_read_as_its_packer_means_it(catalog: Catalog, name: str, format_id: str) -> None:
    model = in_catalogue(name, catalog)
    assert model.native_weights == format_id
    assert any("by its name alone" in note for note in model.notes)


def test_four_bit_floats_of_mlx_are_of_every_layer(catalog: Catalog) -> None:
    """All of GLM-4.5-Air's 106.85 billion parameters at 4.25 bits: 56.8 GB."""
    model = in_catalogue("mlx-community/GLM-4.5-Air-mxfp4", catalog)
    assert stored_gb(model) == pytest.approx(106.85 * 4.25 / 8, rel=0.002)


def test_a_requantised_upload_of_an_fp8_model_is_not_read_as_fp8(catalog: Catalog) -> None:
    """nvidia/DeepSeek-R1-0528-NVFP4-v2 is a 4-bit upload; its name does not lead to the 673 GB of the original."""
    model = in_catalogue("nvidia/DeepSeek-R1-0528-NVFP4-v2", catalog)
    assert model.native_weights == "nvfp4"
    assert model.id == "nvidia/DeepSeek-R1-0528-NVFP4-v2"
    assert stored_gb(model) < 400


def test_gguf_files_of_gpt_oss_keep_its_experts_and_take_the_published_12_1_gb(catalog: Catalog) -> None:
    """ggml-org/gpt-oss-20b-GGUF: one file of 12.1 GB."""
    assert stored_gb(in_catalogue("ggml-org/gpt-oss-20b-GGUF", catalog)) == pytest.approx(12.1, rel=0.002)
    assert in_catalogue("unsloth/gpt-oss-20b-GGUF:Q8_0", catalog).native_weights == "gguf-q8_0"


def test_a_dequantised_upload_of_a_quantised_model_is_16_bit(catalog: Catalog) -> None:
    model = in_catalogue("unsloth/gpt-oss-20b-BF16", catalog)
    assert model.native_weights == "bf16"
    assert stored_gb(model) == pytest.approx(20.914757184 * 2)


@pytest.mark.parametrize(
    "name",
    [
        "onnx-community/Qwen3-8B-ONNX",
        "inferencerlabs/Qwen3-8B-MLX-6.5bit",
        "someone/Qwen3-8B-W4A4",
        "mlx-community/gpt-oss-20b-MXFP4-Q8",
        "someone/Qwen3-8B-GGUF:Q9_X",
    ],
)
def test_a_name_that_says_quantised_and_not_how_gives_no_bytes(catalog: Catalog, name: str) -> None:
    model = in_catalogue(name, catalog)
    assert model.architecture.parameters > 8e9
    with pytest.raises(InputError, match="how it stores its weights is not known"):
        model.weights("native")
    assert model.weights("fp8").id == "fp8"


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen3-8B", "qwen3-8b", "google/gemma-3-27b-it-qat-int4-unquantized", "DevQuasar/Qwen3-8B-BF16"]
)
def test_names_of_16_bit_uploads_are_the_catalogues_model(catalog: Catalog, name: str) -> None:
    assert in_catalogue(name, catalog).native_weights == "bf16"
    assert not any("name" in note for note in in_catalogue(name, catalog).notes)


def test_an_upload_in_the_models_own_format_is_the_catalogues_model(catalog: Catalog) -> None:
    assert in_catalogue("unsloth/DeepSeek-V3-0324-FP8", catalog).id == "deepseek-ai/DeepSeek-V3-0324"
    assert in_catalogue("someone/gpt-oss-120b-mxfp4", catalog).id == "openai/gpt-oss-120b"
