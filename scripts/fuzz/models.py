"""Models under fuzz: configurations, and the headers of safetensors and GGUF files.

A mutant of a configuration whose shape key is another number has to have other parameters or another cache.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from catalog.load import Catalog
from catalog.sources import gguf, gguf_config, safetensors_header
from catalog.sources.checkpoint import parse_json
from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.model import read_model
from scripts.fuzz.mutations import ODD, mutated, with_odd_value
from scripts.fuzz.target import Case, Target, Wrong

CONTEXTS = (1, 300, 5000, 200_000)
"""Tokens at which caches are compared."""
SHAPES = (
    "num_hidden_layers",
    "hidden_size",
    "intermediate_size",
    "vocab_size",
    "num_key_value_heads",
    "head_dim",
    "moe_intermediate_size",
    "num_experts",
    "n_routed_experts",
    "num_local_experts",
    "kv_lora_rank",
    "q_lora_rank",
    "sliding_window",
    "shared_expert_intermediate_size",
    "qk_rope_head_dim",
    "linear_num_value_heads",
    "mamba_d_state",
)
"""Keys whose number parameters or cache depend on in every class that has them."""


def targets(catalog: Catalog, folder: Path) -> tuple[Target, ...]:
    """The readers of models; files are written into the folder."""
    entries = [catalog.model_entry(name) for name in catalog.models]
    return (
        Target("configuration", 300, lambda random: configuration(random, random.choice(entries))),
        Target("configuration text", 100, lambda random: configuration_text(random, random.choice(entries))),
        Target("safetensors header", 600, safetensors),
        Target("gguf header", 500, lambda random: gguf_header(random, folder / "mutant.gguf")),
    )


def configuration(random: Random, entry: Mapping[str, Any]) -> Case:
    """One of the catalogue's configurations with one key changed, in it or in a section of it."""
    before, after = entry["config"], json.loads(json.dumps(entry["config"]))
    sections = [after, *(value for value in after.values() if isinstance(value, dict) and value)]
    section = random.choice(sections)
    key = random.choice(sorted(section))
    changed = _change(random, section, key)

    def read() -> None:
        figures = _figures(read_model(entry["id"], {"config": after}).architecture)
        if key in SHAPES and type(changed) is int and changed > 1 and changed != before.get(key):
            unchanged = _figures(read_model(entry["id"], {"config": before}).architecture)
            if figures == unchanged and _moves(entry["id"], before, key, unchanged):
                raise Wrong("the numbers did not move")

    return Case(entry["id"], f"{key} = {changed!r:.60}", read)


def _change(random: Random, section: dict[str, Any], key: str) -> Any:
    """Changes one value in place; the new one, or "absent"."""
    value = section[key]
    match random.randrange(4):
        case 0:
            del section[key]
            return "absent"
        case 1 if isinstance(value, int) and not isinstance(value, bool):
            section[key] = value * random.choice((2, 3, 1000)) + random.choice((0, 0, 1))
        case 2 if isinstance(value, list) and value:
            section[key] = value[: len(value) // 2] if random.random() < 0.5 else [*value, *value]
        case _:
            section[key] = random.choice(ODD)
    return section[key]


def _moves(name: str, config: Mapping[str, Any], key: str, unchanged: Sequence[float]) -> bool:
    """Whether twice a key's number is other figures or none: a window that is switched off, or the dense width of a
    model without dense layers, is idle."""
    if type(config.get(key)) is not int:
        return False
    try:
        return _figures(read_model(name, {"config": {**config, key: 2 * config[key]}}).architecture) != unchanged
    except InputError:
        return True


def _figures(architecture: Architecture) -> Sequence[float]:
    """What a shape may not change silently: parameters, active ones, cache and state. Raises Wrong for less than 0."""
    figures = (
        architecture.text_parameters,
        architecture.active_parameters,
        architecture.state_elements,
        *(architecture.cache_elements(tokens) for tokens in CONTEXTS),
        architecture.vision_parameters,
    )
    if any(figure is not None and not figure >= 0 for figure in figures):
        raise Wrong(f"figures {figures}")
    return figures


def configuration_text(random: Random, entry: Mapping[str, Any]) -> Case:
    """A config.json whose text is damaged."""
    text = mutated(random, json.dumps(entry["config"], indent=1).encode())

    def read() -> None:
        _figures(read_model(entry["id"], {"config": parse_json(text, "config.json")}).architecture)

    return Case(entry["id"], repr(text), read)


TENSORS = {
    "model.embed_tokens.weight": {"dtype": "BF16", "shape": [100, 64], "data_offsets": [0, 12_800]},
    "model.layers.0.mlp.up.weight": {"dtype": "F8_E4M3", "shape": [64, 96], "data_offsets": [12_800, 18_944]},
    "model.layers.0.mlp.up.scale": {"dtype": "F32", "shape": [96], "data_offsets": [18_944, 19_328]},
    "model.layers.0.q.qweight": {"dtype": "I32", "shape": [8, 64], "data_offsets": [19_328, 21_376]},
    "model.norm.weight": {"dtype": "F32", "shape": [], "data_offsets": [21_376, 21_380]},
    "__metadata__": {"format": "pt"},
}


def safetensors(random: Random) -> Case:
    """A safetensors file whose header says something odd, or whose bytes are damaged."""
    tensors = with_odd_value(random, TENSORS) if random.random() < 0.5 else TENSORS
    text = json.dumps(tensors).encode()
    file = struct.pack("<Q", len(text)) + text
    if random.random() < 0.6:
        file = mutated(random, file)
    whole = len(file) + 21_380

    def read() -> None:
        stored = safetensors_header.read(lambda start, stop: file[start:stop], "model.safetensors", whole)
        if sum(each.bytes for each in stored.values()) > whole:
            raise Wrong("more bytes stored than the file has")
        if any(each.bytes < 0 or each.elements < 0 for each in stored.values()):
            raise Wrong(f"stored {stored}")

    return Case("model.safetensors", repr(file), read)


def gguf_header(random: Random, path: Path) -> Case:
    """A GGUF file with damaged bytes, counts and texts."""
    file = mutated(random, GGUF)
    path.write_bytes(file)

    def read() -> None:
        model = gguf_config.model(gguf.read(path), path)
        _figures(model.architecture)

    return Case("model.gguf", repr(file), read)


def _gguf() -> bytes:
    """A whole little model as llama.cpp writes it: metadata, then name, shape, type and place of each tensor."""
    metadata: dict[str, str | int | float | list[str]] = {
        "general.architecture": "llama",
        "general.file_type": 1,
        "llama.block_count": 1,
        "llama.embedding_length": 64,
        "llama.feed_forward_length": 96,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.context_length": 512,
        "llama.rope.freq_base": 10_000.0,
        "tokenizer.ggml.tokens": [f"t{number}" for number in range(100)],
    }
    half, single = 1, 0
    tensors = {
        "token_embd.weight": ((64, 100), half),
        "output.weight": ((64, 100), half),
        "output_norm.weight": ((64,), single),
        "blk.0.attn_norm.weight": ((64,), single),
        "blk.0.ffn_norm.weight": ((64,), single),
        "blk.0.attn_q.weight": ((64, 64), half),
        "blk.0.attn_k.weight": ((64, 32), half),
        "blk.0.attn_v.weight": ((64, 32), half),
        "blk.0.attn_output.weight": ((64, 64), half),
        "blk.0.ffn_gate.weight": ((64, 96), half),
        "blk.0.ffn_up.weight": ((64, 96), half),
        "blk.0.ffn_down.weight": ((96, 64), half),
    }
    content = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        content += _text(key) + _typed(value)
    at = 0
    for name, (shape, code) in tensors.items():
        content += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, code, at)
        at += shape[0] * (shape[1] if len(shape) > 1 else 1) * (2 if code == half else 4)
    return content


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _typed(value: str | int | float | list[str]) -> bytes:
    """A value after the number of its type: 4 whole number, 6 fraction, 8 text, 9 list."""
    match value:
        case str():
            return struct.pack("<I", 8) + _text(value)
        case list():
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
        case float():
            return struct.pack("<If", 6, value)
        case _:
            return struct.pack("<II", 4, value)


GGUF = _gguf()
