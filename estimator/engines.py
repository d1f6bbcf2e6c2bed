"""Serving engines by version: how each spends a device's memory. Values are data; see catalog/data/engines.yaml."""

import re
from dataclasses import dataclass
from typing import NamedTuple


class DeviceDefaults(NamedTuple):
    """What an engine's settings default to on devices of at least some memory."""

    min_memory_gib: float
    max_num_seqs: int
    max_num_batched_tokens: int
    except_generation: str = ""
    """A generation that stays in the class below (vLLM: A100)."""


class OutsideTorch(NamedTuple):
    """Memory of one rank that PyTorch's allocator does not see: CUDA context, NCCL, custom all-reduce."""

    ranks: int
    """Tensor-parallel ranks, at least."""
    bytes: float
    bytes_per_hidden: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class MemoryPolicy:
    """The numbers of one engine's memory budget. `kind` names the arithmetic, `serving_memory` holds it."""

    kind: str
    """budget (vLLM), static (SGLang), free (TensorRT-LLM), offload (llama.cpp), process (transformers), neuron, rule"""
    utilization: float
    """The engine's own default of the fraction it may take."""
    defaults: tuple[DeviceDefaults, ...]
    """Widest device class first."""
    hidden_from_engine_bytes: float = 0.0
    """What the driver reports less what the engine sees."""
    block_tokens: int = 16
    """Tokens of one page of the cache; 1 for a contiguous cache."""
    logit_bytes: float = 0.0
    """Sampler's peak per sequence and vocabulary entry, besides the logits in the model's own type."""
    logits_over_ranks: bool = False
    """The sampler's batch is divided over tensor-parallel ranks."""
    hidden_states: float = 0.0
    """Copies of the hidden states alive beside the sampler."""
    layer_tokens_at_model_len: bool = False
    """Profiles one prompt of full length (vLLM V0), not `max_num_batched_tokens`."""
    residual_width: float = 4.0
    """Hidden vectors per token alive inside one layer."""
    expert_workspace: bool = False
    """Keeps the fused mixture-of-experts buffers."""
    outside_torch: tuple[OutsideTorch, ...] = ()
    """By tensor-parallel ranks, ascending."""
    outside_torch_pipeline_bytes: float | None = None
    """The same at TP1 where the pipeline has several stages."""
    graph_bytes: float = 0.0
    graph_bytes_per_layer: float = 0.0
    graphs_in_budget: bool = False
    pads_mxfp4: bool = False
    """Rounds MXFP4 experts up to its kernel's tiles."""
    grouped_layers: bool = False
    """Pages span equal groups of layers (hybrid allocator)."""
    checks_model_len: bool = False
    """Refuses to start unless one sequence of `max_model_len` fits."""
    rotary_cache: bool = False
    """Keeps a cosine and sine table of every position on each rank."""
    rounds_allocations: bool = False
    """Weights come out of PyTorch's caching allocator."""
    pages: bool = True
    """False reserves the full length for every sequence (Neuron)."""
    ignores: str = ""
    """What a rule of thumb leaves out, for the reader."""


@dataclass(frozen=True, slots=True, eq=False)
class EngineProfile:
    """One engine over a range of versions."""

    id: str
    version: str
    """The first version it describes, up to the next profile of that engine."""
    name: str
    speed: str
    """Key into the efficiency table's engine constants."""
    memory: MemoryPolicy
    until: str | None = None
    """The first later version it does not describe; None is the newest."""
    tensor_parallel: tuple[int, ...] = ()
    """The only tensor-parallel degrees it runs; empty is any that the model allows."""
    pads_heads: bool = False
    """Adds idle query heads where the degree does not divide them (Neuron)."""
    device_kinds: tuple[str, ...] = ("gpu",)
    """Kinds of accelerator it runs on."""
    pipeline: bool = True
    expert_parallel: bool = True
    source: str = ""
    as_of: str = ""
    note: str = ""

    def covers(self, version: str) -> bool:
        """Whether this profile describes that version."""
        asked = version_key(version)
        return version_key(self.version) <= asked and (self.until is None or asked < version_key(self.until))


def version_key(version: str) -> tuple[int, ...]:
    """Leading numbers of a version, comparable: `0.20.1rc1.dev16` is (0, 20, 1)."""
    release = re.match(r"[vb]?([\d.]*)", version.strip()) if version else None
    numbers = [int(part) for part in release[1].split(".") if part] if release else []
    return tuple(numbers[:3])
