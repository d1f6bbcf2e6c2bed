"""Names that published checkpoints give to the modules of a tensor, and the patterns that name some of them."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer
from estimator.models.tensors import Role, Tensor

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
_PLACES_BESIDE_MLP: dict[Role, tuple[str, ...]] = {"expert": ("experts.0",), "router": ("router",)}
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
_ROOT = re.compile(r"^(?:(?:base_model|model|language_model|backbone|transformer|text_model|gpt_neox|decoder)\.)+")
_BLOCKS = re.compile(r"^(?:h|blocks)\.(?=\d)")
_LAYER = re.compile(r"^layers\.\d+\.")
_MOST_NAMES = 1 << 18
_MOST_WILDCARDS = 64
_MOST_TRIALS = 50_000
"""Expressions tried against names before a list of exceptions counts as too involved."""


class Patterns:
    """Module names and patterns as `ignore` and `modules_to_not_convert` list them; finite work whatever they say."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.names: set[str] = set()
        self.globs: list[list[str]] = []
        self.expressions: list[re.Pattern[str]] = []
        self.trials = _MOST_TRIALS
        self.spelled = tuple(patterns)
        for pattern in self.spelled:
            stripped = _BLOCKS.sub("layers.", _ROOT.sub("", pattern)).rstrip("*").rstrip(".")
            if pattern.startswith("re:"):
                self.expressions.append(_expression(pattern[3:]))
            elif "*" in stripped:
                self.globs.append(pattern.split("*"))
            elif stripped:
                self.names.add(stripped)
        if len(self.names) > _MOST_NAMES or len(self.globs) + len(self.expressions) > _MOST_WILDCARDS:
            raise InputError("quantization_config", "more exceptions than can be followed")
        wildcards = (*("*".join(glob) for glob in self.globs), *(each.pattern for each in self.expressions))
        self.wild_by_layer = any(re.search(r"\d", each) for each in wildcards)
        self.by_layer = self.wild_by_layer or any(re.search(r"\d", name) for name in self.names)
        self.parts_of_paths = any("." in name and not name.startswith("layers.") for name in self.names)
        self.tried: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self.names or self.globs or self.expressions)

    def match(self, path: str, alias: str = "") -> bool:
        """Whether a module, or one that contains it, is named by these patterns. A bare name matches any module of that
        name.

        `alias` is the last part of a path that is another name of the module, such as the fused `qkv_proj`: a wildcard
        counts for it only where it spells the alias, since `*v_proj` does not mean q_proj.
        """
        parts = path.split(".")
        if any(part in self.names for part in parts):
            return True
        starts = range(len(parts) if self.parts_of_paths else 1)
        if any(".".join(parts[i:end]) in self.names for i in starts for end in range(i + 1, len(parts) + 1)):
            return True
        if not self.wild_by_layer:
            path = _LAYER.sub("layers.0.", path)
        if path not in self.tried:
            self.tried[path] = self._match_wildcards(path, alias.removesuffix("_proj"))
        return self.tried[path]

    def _match_wildcards(self, path: str, word: str) -> bool:
        names = (path, f"model.{path}", f"model.language_model.{path}", f"language_model.model.{path}")
        self.trials -= len(names) * (len(self.globs) + len(self.expressions))
        if self.trials < 0:
            raise InputError("quantization_config", "more wildcard exceptions by layer than can be followed")
        return any(
            any(word in "*".join(glob) and _fits(glob, name) for glob in self.globs)
            or any(word in each.pattern and each.match(name) for each in self.expressions)
            for name in names
        )


def _expression(pattern: str) -> re.Pattern[str]:
    """Raises InputError for an expression whose matching time could explode."""
    repeats = sum(pattern.count(each) for each in "*+{")
    if len(pattern) > 400 or re.search(r"\)\s*[*+{]", pattern) or repeats > 3:
        raise InputError("quantization_config", f"the pattern {pattern[:40]!a} is too involved to follow")
    try:
        return re.compile(pattern)
    except (re.error, OverflowError) as problem:
        raise InputError("quantization_config", f"{pattern[:40]!a} is not a pattern: {problem}") from None


def _fits(glob: list[str], name: str) -> bool:
    """Whether a name, or the module that contains it, has the parts between the stars in their order."""
    first, *middle, last = glob
    if not name.startswith(first):
        return False
    place = len(first)
    for part in middle:
        place = name.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return name.endswith(last, place) or f"{last}." in name[place:]


def paths(tensor: Tensor, layer: Layer, index: int) -> Iterator[tuple[str, str]]:
    """Names that checkpoints of different families give to a tensor's module, each with its alias, if it is one."""
    for place in _places(tensor.role, layer):
        yield f"layers.{index}.{place}.{tensor.name}", ""
        for alias in _ALSO_CALLED.get(tensor.name, ()):
            yield f"layers.{index}.{place}.{alias}", alias


def _places(role: Role, layer: Layer) -> tuple[str, ...]:
    """Modules of a layer, any family's, that hold tensors of a role."""
    routed = layer.mlp.routed if layer.mlp else None
    if routed and routed.beside_mlp and role in _PLACES_BESIDE_MLP:
        return _PLACES_BESIDE_MLP[role]
    return _PLACES.get(role) or (layer.mixer.module if layer.mixer else "self_attn", "mixer", "attn")


class Places(NamedTuple):
    """Modules of a kind that differ in the index of their layer alone."""

    layer: Layer | None
    """None for what stands outside the layers."""
    indices: tuple[int, ...]
    layers: int
    """How many layers each index stands for."""


def places_of(architecture: Architecture, tensor: Tensor, by_layer: bool) -> Iterator[Places]:
    """Where the tensors of a role and name stand, with every index where names by layer count."""
    if tensor.role in ("head", "embedding"):
        yield Places(None, (0,), 1)
        return
    for group in architecture.groups:
        if any(each.role == tensor.role and each.name == tensor.name for each in group.layer.tensors):
            indices = group.indices if by_layer and group.indices else (0,)
            yield Places(group.layer, indices, group.count // len(indices))


def named(patterns: Patterns, tensor: Tensor, places: Places) -> list[bool]:
    """Whether the patterns name a tensor's module, index by index."""
    layer = places.layer
    if layer is None:
        return [patterns.match("lm_head" if tensor.role == "head" else "embed_tokens")]
    looked_at = places.indices if patterns.by_layer else places.indices[:1]
    whether = [any(patterns.match(path, alias) for path, alias in paths(tensor, layer, index)) for index in looked_at]
    return whether if patterns.by_layer else whether * len(places.indices)
