"""Formats of weights and cache as rows of published memory figures spell them."""

import contextlib
import re

from estimator.accuracy.score import Row, text
from estimator.errors import InputError
from estimator.models.file_mix import as_written
from estimator.models.formats import CacheFormat, WeightFormat, cache_format, format_in_name, weight_format
from estimator.models.model import Model

OPTIMIZER_RECIPES = (("Qwen3_5", "nvfp4-fp8"), ("Gemma4", "nvfp4-mlp"), ("GlmMoeDsa", "nvfp4-mlp"))


def weights_of(row: Row, model: Model) -> WeightFormat:
    """The weight format that a row's columns for quantisation, type and name spell out. Raises InputError."""
    return as_written(_spelled_out(row, model), model.architecture)


def _spelled_out(row: Row, model: Model) -> WeightFormat:
    quant, dtype = _stored_quant(row), text(row, "weight_dtype").lower()
    named = format_in_name(re.sub(r"\s*\(.*\)$", "", text(row, "model_id")).replace(" ", "-"))
    if quant and quant.lower() != "compressed-tensors":
        known = _keeping_attention(_first_known(quant, dtype, named or ""), row, model)
        return _by_model_optimizer(known, model) if "modelopt" in quant.lower() else known
    if named:
        known = _keeping_attention(model.weights(named), row, model)
        return _by_model_optimizer(known, model) if text(row, "model_id").startswith("nvidia/") else known
    if dtype in ("", "auto"):
        own = model.architecture.dtype
        return model.weights("native" if quant or model.native_weights != own else "bf16" if own == "fp32" else own)
    return weight_format(dtype)


def _stored_quant(row: Row) -> str:
    """The quantisation column; for a mix of one's own with what the file came to, not its nominal width."""
    quant, stored = text(row, "quant"), re.search(r"([\d.]+) BPW", text(row, "quantity_notes"))
    return re.sub(r"[\d.]+ bpw$", f"{stored[1]} bpw", quant) if stored and quant.lower().endswith("bpw") else quant


def option_name(weights: WeightFormat, row: Row, model: Model) -> str:
    """The name by which the product is asked for a format; `fp8` also where the checkpoint's own has blocks.

    Raises InputError where it has none.
    """
    for name in (weights.id, "native", _stored_quant(row)):
        with contextlib.suppress(InputError):
            if model.weights(name) == weights:
                return name
    model.weights(weights.id)
    return weights.id


def _keeping_attention(weights: WeightFormat, row: Row, model: Model) -> WeightFormat:
    """FP8 uploads of Llama 4, and Meta's own of Llama 3.1, are of the MLPs alone; a start with `fp8` is of all."""
    name = text(row, "model_id")
    uploaded = weights.id == "fp8" and format_in_name(name) == "fp8"
    mlps = uploaded and (name.startswith("meta-llama/") or model.architecture.class_name.startswith("Llama4"))
    return weight_format("fp8-mlp") if mlps else weights


def _by_model_optimizer(weights: WeightFormat, model: Model) -> WeightFormat:
    """NVIDIA's recipes keep the attention of some families wider than the NVFP4 of everything else."""
    recipes = (name for start, name in OPTIMIZER_RECIPES if model.architecture.class_name.startswith(start))
    recipe = next(recipes, None) if weights.id == "nvfp4" else None
    return weight_format(recipe) if recipe else weights


def _first_known(*names: str) -> WeightFormat:
    for name in names:
        with contextlib.suppress(InputError):
            return weight_format(name)
    raise InputError("quant", f"unknown weight format {names[0][:40]!a}")


def cache_of(row: Row, weights: WeightFormat) -> CacheFormat:
    """The cache format of a row; `auto` or an empty column is the model's own type. Raises InputError."""
    said = text(row, "kv_dtype").lower()
    noted = re.search(r"\b(int8|fp8)[\w -]* KV\b", text(row, "quantity_notes"))
    if not said and noted and "KV dtype" not in noted[0]:
        return cache_format(noted[1])
    if not said or said.startswith("auto"):
        return cache_format("fp32" if weights.rest_bits == 32 else "bf16")
    if re.match(r"k \S+ / v", said):  # llama.cpp's two types are read apart, see ggml_cache_bytes
        return cache_format("bf16")
    return cache_format(said.replace("_", "-"))
