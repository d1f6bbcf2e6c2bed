"""The mix of types in one GGUF file, as exact bits of every kind of tensor.

Tensor names: llama.cpp gguf-py/gguf/constants.py (TENSOR_NAMES).
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from catalog.sources.gguf import Header
from estimator.models.architecture import Architecture
from estimator.models.formats import Stored, WeightFormat, weight_format
from estimator.models.quantization.exceptions import tensor_classes
from estimator.models.tensors import Role

TABLE: tuple[Role, str] = ("embedding", "embed_tokens")
HEAD: tuple[Role, str] = ("head", "")
REST = "…"
"""Stands for every kind of a role that has no name of its own here."""
PLACES: dict[str, tuple[Role, str]] = {
    "token_embd": TABLE,
    "per_layer_token_embd": ("embedding", "embed_tokens_per_layer"),
    "output": HEAD,
    "attn_q": ("attention", "q_proj"),
    "attn_k": ("attention", "k_proj"),
    "attn_v": ("attention", "v_proj"),
    "attn_output": ("attention", "o_proj"),
    "attn_q_a": ("attention", "q_a_proj"),
    "attn_q_b": ("attention", "q_b_proj"),
    "attn_kv_a_mqa": ("attention", "kv_a_proj_with_mqa"),
    "ffn_gate": ("mlp", "gate_proj"),
    "ffn_up": ("mlp", "up_proj"),
    "ffn_down": ("mlp", "down_proj"),
    "ffn_gate_exps": ("expert", "gate_proj"),
    "ffn_up_exps": ("expert", "up_proj"),
    "ffn_down_exps": ("expert", "down_proj"),
    "ffn_gate_shexp": ("shared_expert", "gate_proj"),
    "ffn_up_shexp": ("shared_expert", "up_proj"),
    "ffn_down_shexp": ("shared_expert", "down_proj"),
    "ffn_gate_inp": ("router", ""),
}
"""llama.cpp's tensor names -> role and name."""
FUSED: dict[str, tuple[str, tuple[str, ...]]] = {
    "attn_qkv": ("attn_q", ("q_proj", "k_proj", "v_proj")),
    "ffn_up": ("ffn_gate", ("gate_proj", "up_proj")),
    "ffn_gate_up_exps": ("ffn_gate_exps", ("gate_proj", "up_proj")),
}
"""Tensors that hold several kinds at once in files without the tensor of the first name."""
ROLES: tuple[tuple[str, Role], ...] = (
    (r"norm|_norm_|ssm_a$|ssm_d$|ssm_conv1d|sinks|exp_probs_b|\bdt\b", "norm"),
    (r"^(time|channel)_mix_(lerp|ln$|[wav]0$|k_k$|k_a$|r_k$)", "norm"),
    (r"_exps$", "expert"),
    (r"_shexp$", "shared_expert"),
    (r"^(ffn|channel_mix)_", "mlp"),
    (r"^(attn|ssm|shortconv|indexer|time_mix)", "attention"),
)
"""Roles of all other tensors: fused projections, recurrent mixers and the rest, by the first pattern that fits."""
FILE_TYPES = {
    0: "f32", 1: "f16", 2: "q4_0", 3: "q4_1", 7: "q8_0", 8: "q5_0", 9: "q5_1", 10: "q2_k", 11: "q3_k_s",
    12: "q3_k_m", 13: "q3_k_l", 14: "q4_k_s", 15: "q4_k_m", 16: "q5_k_s", 17: "q5_k_m", 18: "q6_k",
    19: "iq2_xxs", 20: "iq2_xs", 21: "q2_k_s", 22: "iq3_xs", 23: "iq3_xxs", 24: "iq1_s", 25: "iq4_nl", 26: "iq3_s",
    27: "iq3_m", 28: "iq2_s", 29: "iq2_m", 30: "iq4_xs", 31: "iq1_m", 32: "bf16", 36: "tq1_0", 37: "tq2_0", 38: "mxfp4",
}  # fmt: skip
"""`general.file_type`, llama.h's llama_ftype."""


def as_stored(header: Header, architecture: Architecture) -> WeightFormat:
    """A GGUF file's own mix as a weight format: the nominal one by name, with the exact bits of every kind of tensor.

    A kind of the architecture's without an entry of its own takes the average of what its role has besides, so that the
    bytes add up to the file's. A file without an output matrix multiplies the embedding in its place.
    """
    elements: Counter[tuple[Role, str]] = Counter()
    sizes: Counter[tuple[Role, str]] = Counter()
    bare_names = {name: re.sub(r"^blk\.\d+\.", "", name) for name in header.tensors}
    in_file = {bare.removesuffix(".weight") for bare in bare_names.values()}
    for name, tensor in header.tensors.items():
        place = _place(bare_names[name])
        if place:
            role, kind = place
            for each in {"", *_fused(bare_names[name], in_file, kind)}:
                elements[role, each] += tensor.stored.elements
                sizes[role, each] += tensor.stored.bytes
    if "output.weight" not in header.tensors:
        elements[HEAD], sizes[HEAD] = elements[TABLE], sizes[TABLE]
    by_kind = sorted((place for place in elements if elements[place]), key=lambda place: not place[1])
    exceptions = tuple(
        Stored(role=role, name=name, bits=8 * sizes[role, kind] / elements[role, kind])
        for role, kind in by_kind
        for name in (_unnamed(role, architecture, elements) if kind == REST else [kind])
    )
    nominal = weight_format(f"gguf-{_mix(header)}")
    stored = header.stored.values()
    average = 8 * sum(each.bytes for each in stored) / max(sum(each.elements for each in stored), 1)
    as_written = nominal._replace(row=0, narrow_bits=())  # the file took what narrow rows fall back to, and says so
    return as_written._replace(exceptions=(*exceptions, *nominal.exceptions), average_bits=average)


def _fused(bare: str, in_file: set[str], kind: str) -> tuple[str, ...]:
    """Kinds of tensors that one of the file holds."""
    alone, kinds = FUSED.get(bare.removesuffix(".weight"), ("", ()))
    return kinds if kinds and alone not in in_file else (kind,)


def _unnamed(role: Role, architecture: Architecture, elements: Counter[tuple[Role, str]]) -> list[str]:
    """Names of an architecture's tensors of a role that no tensor of the file has alone."""
    names = [tensor.name for tensor in tensor_classes(architecture) if tensor.role == role]
    return [name for name in names if not elements[role, name]]


def _place(name: str) -> tuple[Role, str] | None:
    """Role and name of a tensor; a bias is a vector, whatever it belongs to."""
    if name.endswith(".bias"):
        return "norm", ""
    bare = name.removesuffix(".weight")
    if bare in PLACES:
        return PLACES[bare]
    return next(((role, REST) for pattern, role in ROLES if re.search(pattern, bare)), None)


def _mix(header: Header) -> str:
    """The quantiser's preset by the name people know; else the type that most weights have, with its bits."""
    preset = FILE_TYPES.get(_file_type(header.metadata))
    if preset or not header.stored:
        return preset or "f16"
    dtype, most = max(header.stored.items(), key=lambda each: each[1].elements)
    return f"{dtype.lower()}-{8 * most.bytes / max(most.elements, 1):.2f}-bpw"


def _file_type(metadata: Mapping[str, Any]) -> int:
    value = metadata.get("general.file_type")
    return value if isinstance(value, int) else -1
