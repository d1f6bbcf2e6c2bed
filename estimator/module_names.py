"""What published checkpoints call the modules that hold a tensor, and which of them a pattern names."""

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from estimator.architecture import Architecture, Layer
from estimator.errors import InputError
from estimator.tensors import Role, Tensor

_PLACES: dict[Role, tuple[str, ...]] = {
    "mlp": ("mlp", "feed_forward", "mixer", "ffn"),
    "shared_expert": (
        "mlp.shared_experts",
        "mlp.shared_expert",
        "mixer.shared_experts",
        "feed_forward.shared_expert",
        "ffn.shared_experts",
    ),
    "expert": (
        "mlp.experts.0",
        "block_sparse_moe.experts.0",
        "mixer.experts.0",
        "feed_forward.experts",
        "ffn.experts.0",
    ),
    "router": ("mlp", "block_sparse_moe", "mixer", "ffn"),
}
_ALSO_CALLED = {
    "q_proj": ("qkv_proj",),
    "k_proj": ("qkv_proj",),
    "v_proj": ("qkv_proj",),
    "gate_proj": ("gate_up_proj", "w1"),
    "up_proj": ("gate_up_proj", "w3"),
    "down_proj": ("w2",),
    "router": ("gate",),
    "in_proj_qkv": ("in_proj_qkvz",),
    "in_proj_z": ("in_proj_qkvz",),
    "in_proj_a": ("in_proj_ba",),
    "in_proj_b": ("in_proj_ba",),
    "kv_a_proj_with_mqa": ("fused_qkv_a_proj",),
}
_ROOT = re.compile(r"^(?:(?:model|language_model|backbone|transformer|text_model)\.)+")
_MOST_PATTERNS = 1 << 18
_MOST_GENERAL = 64


class Patterns:
    """Module names and patterns as `ignore` and `modules_to_not_convert` list them."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.names: set[str] = set()
        self.general: list[str] = []
        for count, pattern in enumerate(patterns):
            if count >= _MOST_PATTERNS:
                raise InputError("quantization_config", f"more than {_MOST_PATTERNS} exceptions")
            stripped = _ROOT.sub("", pattern).rstrip("*").rstrip(".")
            if pattern.startswith("re:") or "*" in stripped or "?" in stripped:
                self.general.append(_bounded(pattern))
            elif stripped:
                self.names.add(stripped)
        if len(self.general) > _MOST_GENERAL:
            raise InputError("quantization_config", f"more than {_MOST_GENERAL} wildcard exceptions")
        self.by_layer = any(re.search(r"\d", name) for name in (*self.names, *self.general))

    def __bool__(self) -> bool:
        return bool(self.names or self.general)

    def match(self, path: str) -> bool:
        """Whether a module, or one that contains it, is named. A bare name matches any module of that name."""
        parts = path.split(".")
        if any(part in self.names for part in parts):
            return True
        if any(".".join(parts[:end]) in self.names for end in range(1, len(parts) + 1)):
            return True
        return any(_general(pattern, path) for pattern in self.general)


def _bounded(pattern: str) -> str:
    """Refuses expressions whose matching time could explode."""
    if len(pattern) > 400 or re.search(r"\)\s*[*+{]", pattern) or pattern.count("*") + pattern.count("+") > 4:
        raise InputError("quantization_config", f"the pattern {pattern[:40]!a} is too involved to follow")
    return pattern


def _general(pattern: str, path: str) -> bool:
    names = (path, f"model.{path}", f"model.language_model.{path}", f"language_model.model.{path}")
    if pattern.startswith("re:"):
        try:
            return any(re.match(pattern[3:], name) for name in names)
        except re.error as problem:
            raise InputError("quantization_config", f"{pattern[:40]!a} is not a pattern: {problem.msg}") from None
    return any(fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*") for name in names)


def paths(tensor: Tensor, layer: Layer, index: int) -> Iterator[str]:
    """The names that checkpoints of different families give to this tensor's module."""
    places = _PLACES.get(tensor.role) or (layer.mixer.module if layer.mixer else "self_attn", "mixer", "attn")
    for place in places:
        for name in (tensor.name, *_ALSO_CALLED.get(tensor.name, ())):
            yield f"layers.{index}.{place}.{name}"


def matched_share(architecture: Architecture, patterns: Patterns, tensor: Tensor) -> float:
    """Over the layers that hold a tensor of this role and name, the share whose tensor a pattern names."""
    if tensor.role in ("head", "embedding"):
        return float(patterns.match("lm_head" if tensor.role == "head" else "embed_tokens"))
    matched = total = 0
    for group in architecture.groups:
        if not any(each.role == tensor.role and each.name == tensor.name for each in group.layer.tensors):
            continue
        total += group.count
        places = group.indices if patterns.by_layer and group.indices else (0,)
        named = sum(any(patterns.match(path) for path in paths(tensor, group.layer, index)) for index in places)
        matched += named * group.count // len(places)
    return matched / total if total else 0.0
