"""GGUF metadata as the config.json fields of the class it was converted from. Shapes run from the inside out."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalog.sources.gguf import Header
from catalog.sources.gguf_classic import CLASSIC
from catalog.sources.gguf_latest import LATEST
from catalog.sources.gguf_newer import NEWER
from catalog.sources.gguf_table import CONVERSIONS, FIELDS, Keys
from catalog.sources.gguf_weights import as_stored
from estimator.errors import InputError, UnsupportedArchitecture
from estimator.models.model import Model, read_model
from estimator.printable import printable

READ = {**CONVERSIONS, **CLASSIC, **NEWER, **LATEST}
"""Every GGUF architecture that is read."""
BLOCK = re.compile(r"blk\.(\d{1,9})\.")
DERIVED = ("rope_freqs", "rope_factors", "mm.", "v.")
"""Tensors that conversion adds: rotary tables, and the vision parts of multimodal files."""
TOLERANCE = 0.002
"""Share of the parameters that norms and biases come to which a conversion merges or leaves out: engineering guess,
twice the largest share found in converted models."""


def model(header: Header, path: Path) -> Model:
    """The model in a GGUF file, its weights as stored.

    Raises InputError for metadata that is missing or contradicts the tensors, UnsupportedArchitecture for a class that
    is not read; both say the bytes and parameters that the header gives all the same.
    """
    architecture, source = str(header.metadata.get("general.architecture", "")), printable(path)
    if architecture not in READ:
        reason = f"this GGUF architecture has no reader; {', '.join(READ)} are read"
        raise UnsupportedArchitecture(printable(architecture, 60), f"{_in_figures(header)}: {reason}")
    try:
        described = read_model(
            printable(path.stem, 100).lstrip("-") or "model",
            {"config": config(header, architecture, source), "source": source},
        )
        _check_parameters(described, header)
    except InputError as error:
        raise InputError(source, f"{_in_figures(header)}: {printable(architecture, 60)}: {error}") from None
    weights = as_stored(header, described.architecture)
    return replace(described, native_weights=weights.id, checkpoint=weights)


def _in_figures(header: Header) -> str:
    """The part of the answer that no architecture changes: bytes and parameters of the tensors."""
    size = sum(each.bytes for each in header.stored.values())
    elements = sum(each.elements for each in header.stored.values())
    types = ", ".join(f"{each.elements:,} {dtype}" for dtype, each in header.stored.items())
    return f"its weights take {size:,} bytes for {elements:,} parameters ({types}); its cache is not known"


def _check_parameters(described: Model, header: Header) -> None:
    """Raises InputError where the tensors hold another number of parameters than the metadata describes."""
    stored = sum(each.stored.elements for name, each in header.tensors.items() if not name.startswith(DERIVED))
    a, architecture = described.architecture, header.metadata.get("general.architecture")
    counts = [a.text_parameters, a.parameters - a.vision_parameters]  # with and without modules for drafting
    if _whole(header.metadata, f"{architecture}.nextn_predict_layers"):  # modules that the class does not describe
        blocks = ((BLOCK.match(name), each.stored.elements) for name, each in header.tensors.items())
        counts.append(a.text_parameters + sum(size for block, size in blocks if block and int(block[1]) >= a.layers))
    if architecture in CLASSIC:  # poolers are left out, tied heads stored again
        pooler = sum(tensor.parameters for tensor in a.final if tensor.name.startswith("dense"))
        counts += [a.text_parameters - pooler, a.text_parameters + sum(t.parameters for t in a.head if a.tied)]
    if all(abs(stored - count) > TOLERANCE * stored for count in counts):
        raise InputError("tensors", f"its tensors hold {stored:,} parameters, its metadata describes {counts[0]:,}")


def config(header: Header, architecture: str, source: str) -> dict[str, Any]:
    """The config.json fields that a class's reader needs, from GGUF metadata.

    Raises InputError for metadata that the class can not have.
    """
    conversion, keys = READ[architecture], Keys(header, architecture)
    fields: dict[str, Any] = {"architectures": [conversion.class_name]}
    for key, field in FIELDS.items():
        value = keys.get(key)
        if isinstance(value, list):
            value = value if conversion.extra else _uniform(value, f"{architecture}.{key}", source)
        if value is not None:
            fields[field] = value
    experts = keys.get("expert_count")
    if experts:
        if conversion.class_name == "LlamaForCausalLM":
            fields |= {"architectures": ["MixtralForCausalLM"], "num_local_experts": experts}
        else:
            fields[conversion.experts] = experts
    embedding = header.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise InputError(source, "no token_embd.weight of two dimensions")
    fields["vocab_size"] = embedding.shape[1]
    fields["tie_word_embeddings"] = "output.weight" not in header.tensors
    if architecture == "deepseek2":
        fields |= _latent(header.metadata, fields)
    if conversion.extra:
        fields |= {name: value for name, value in conversion.extra(keys).items() if value is not None}
    return fields


def _latent(metadata: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Latent attention: the file caches kv_lora_rank + rope, and names the un-absorbed widths `_mla`."""
    rope = _whole(metadata, "deepseek2.rope.dimension_count")
    key, value = (
        _whole(metadata, f"deepseek2.attention.{side}_length_mla")
        or _whole(metadata, f"deepseek2.attention.{side}_length")
        for side in ("key", "value")
    )
    correction = _whole(metadata, "deepseek2.expert_gating_func") == 2  # sigmoid routing came with V3's bias
    return {
        "architectures": ["DeepseekV3ForCausalLM" if correction else "DeepseekV2ForCausalLM"],
        "qk_rope_head_dim": rope,
        "qk_nope_head_dim": key - rope,
        "v_head_dim": value,
        "q_lora_rank": fields.get("q_lora_rank"),
        "num_key_value_heads": fields.get("num_attention_heads"),
    }


def _whole(metadata: Mapping[str, Any], key: str) -> int:
    """A whole number of the metadata; anything else counts as absent, which is 0."""
    value = metadata.get(key)
    return value if isinstance(value, int) else 0


def _uniform(values: list[Any], key: str, source: str) -> Any:
    """A per-layer list whose layers are all alike. Raises InputError where they differ, which is not described here."""
    if any(value != values[0] for value in values):
        raise InputError(source, f"{key} differs from layer to layer, which is not read from GGUF; use config.json")
    return values[0] if values else None
