"""Serving engines by version: devices they run on, formats they load, how they spend memory. Values are data."""

import re
from dataclasses import field, replace
from functools import lru_cache

from estimator.engines.memory_policy import (
    CachePolicy,
    FractionOfDevice,
    HybridBlocks,
    MemoryPolicy,
    RuleOfThumb,
    Shares,
)
from estimator.layout import HostPart
from estimator.models.architecture import AS_CONFIGURED, StateTypes
from estimator.records import record

LONGEST_VERSION = 40
"""Characters of a version that are read."""
STATE_PAGES_OF_PREFIXES = 2
"""Recurrent states of a sequence under prefix caching: the one in use, and one at a page border (vLLM pull 50991)."""


@record(frozen=True, slots=True, eq=False, kw_only=True)
class Exclusion:
    """What an engine does not run: devices, formats and models that meet every condition that is given."""

    since: str = ""
    """First version that it is true of; empty is every one."""
    before: str = ""
    """First version that it is no longer true of; empty is none."""
    vendors: tuple[str, ...] = ()
    generations: tuple[str, ...] = ()
    """Generations of accelerators, as the catalogue names them."""
    formats: tuple[str, ...] = ()
    """Names of weight formats, in which * stands for anything."""
    below_capability: float = 0.0
    """NVIDIA devices of a lower compute capability."""
    features: tuple[str, ...] = ()
    """Features of a model (encoder-decoder, cross-attention, one pass, any class) or a layout (experts cut inside a
    block)."""
    except_classes: tuple[str, ...] = ()
    """Model classes that have the feature and are served."""
    reason: str = ""
    source: str


@record(frozen=True, slots=True, eq=False, kw_only=True)
class AdapterSlots:
    """How an engine serves LoRA adapters beside their base model: slots of one rank, filled as requests come."""

    ranks: tuple[int, ...] = ()
    """Ranks that its slots can have, the next higher one counts; empty is any."""
    vocabulary: bool = False
    """Slots for the embedding and the output projection too, whether an adapter has them or not."""
    beside_expert_parallel: bool = True
    """Whether experts may be divided over ranks whole while they have adapters."""
    projection_us: float
    """Time of one projection's two narrow products beside the base model's."""
    source: str


@record(frozen=True, slots=True, eq=False, kw_only=True)
class Program:
    """What a serving engine is, whatever its version: name, family, and how it is started."""

    family: str
    """Engines of one family share messages, options and residuals of measured cases (Ollama is llama.cpp)."""
    launch: str = ""
    """Key of the command that starts it (estimator/advice/launch.py); empty is no server."""
    image: str = ""
    """The container image that its own documentation names, with its tag; `{version}` is the release that is asked for.
    Empty where there is none."""
    torch: bool = False
    """Allocates through PyTorch, whose words an out-of-memory error then has."""
    cache_formats: tuple[str, ...]
    """Formats of its cache worth comparing, widest first."""
    weight_ladder: tuple[str, ...]
    """Weight formats worth trying, widest first."""
    quantises: dict[str, str] = field(default_factory=dict)
    """Formats that it makes of 16-bit weights while it loads them -> how its option names them."""
    stands_in_on: tuple[str, ...] = ()
    """Kinds of devices on which it answers in the place of an engine that does not run there."""
    offloads: tuple[HostPart, ...] = ()
    """What it can keep in host memory where the devices are too small for the whole model."""
    exclusions: tuple[Exclusion, ...] = ()
    """Support matrix, told by what is missing."""
    splits_prefill: bool = False
    """Whether some of its replicas can prefill for the others, and hand the caches over."""
    eager_option: str = ""
    """The option by which it captures no graphs; empty where it has none."""
    eager_layer_us: float = 0.0
    """Host time of each layer of a decode step without graphs; the host runs ahead, so the longer one counts."""
    shares_chunks: bool = False
    """Whether attention replicas share the prompt tokens of a step, where others have as many each."""
    prefix_options: tuple[str, str] | None = None
    """The options by which prompts' caches are kept for others that begin alike, and by which they are not; empty where
    that is the default. None where it has no such options."""
    host_cache_option: str = ""
    """The option by which the cache stays in host memory, where the CPU attends to it; empty where it has none."""
    adapters: AdapterSlots | None = None
    """How it serves LoRA adapters; None where it has none, or where how is not modelled."""


@record(frozen=True, slots=True, eq=False)
class EngineProfile:
    """One engine from a version on, up to the next profile of that engine."""

    id: str
    version: str
    """The first version it describes."""
    name: str
    speed: str
    """Key into the efficiency table's engine constants."""
    program: Program
    memory: MemoryPolicy
    states: StateTypes = AS_CONFIGURED
    """Types of what recurrent layers keep."""
    speed_of: dict[str, str] = field(default_factory=dict)
    """Engine constants by the vendor of the device, where its builds are a stack of their own."""
    tensor_parallel: tuple[int, ...] = ()
    """The only tensor-parallel degrees it runs; empty is any that the model allows."""
    tensor_parallel_of: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Tensor-parallel degrees by accelerator generation, where they differ."""
    architectures: tuple[str, ...] = ()
    """Model classes it has a recipe for; empty is every one."""
    pads_heads: bool = False
    """Adds idle query heads where the degree does not divide them (Neuron)."""
    device_kinds: tuple[str, ...] = ("gpu",)
    """Kinds of accelerator it runs on."""
    vendors: tuple[str, ...] = ()
    """Vendors it runs on; empty is any."""
    formats: tuple[str, ...] = ()
    """Weight formats it loads, by the beginning of their names; empty is every one but GGUF."""
    pipeline: bool = True
    one_split: bool = False
    """Splits a model by layers or by tensors, never by both at once (llama.cpp's split modes)."""
    expert_parallel: bool = True
    context_parallel: tuple[str, ...] = ()
    """Kinds of layers that models may have under decode context parallelism; empty where the engine has none of it."""
    template_ms: float = 0.0
    """Time in which its front end reads a chat template anew for each request; 0 where it keeps what it has read."""
    waits_for_host: bool = False
    """Whether it schedules a step only after the one before, where its speed class does while the device works."""
    captures_prompts: bool = False
    """Whether prompts' layers run in captured pieces (SGLang's piecewise CUDA graphs)."""
    admission: str = ""
    """How it leaves requests waiting for some steps where it is asked to: `polled`, it looks for new ones once in so
    many; `held`, it holds prompts back for as long, to take several together. Empty where it has no such setting."""
    source: str = ""
    as_of: str = ""
    note: str = ""

    def speed_on(self, vendor: str) -> str:
        """Key of this engine's speed constants on a vendor's devices."""
        return self.speed_of.get(vendor, self.speed)


@lru_cache(maxsize=64)
def reserving_no_graphs(engine: EngineProfile) -> EngineProfile:
    """A profile of an engine told to leave CUDA graphs out of its budget
    (VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS=0).
    """
    memory = engine.memory
    if not isinstance(memory, FractionOfDevice):
        return engine
    return replace(engine, memory=replace(memory, graphs_in_budget=False))


@lru_cache(maxsize=64)
def with_prefixes(engine: EngineProfile, kept: bool) -> EngineProfile:
    """A profile of an engine that keeps prompts' caches for others that begin alike, or does not.

    Then recurrent states are kept beside the one being written: vLLM's at page borders, SGLang's as its default has it.
    """
    memory = engine.memory
    if isinstance(memory, RuleOfThumb):
        return engine
    cache: CachePolicy = memory.cache
    if isinstance(cache, HybridBlocks):
        cache = replace(cache, state_pages=STATE_PAGES_OF_PREFIXES if kept else 1)
    if isinstance(cache, Shares) and not kept:
        cache = replace(cache, states=1)
    return replace(engine, memory=replace(memory, cache=cache))


@lru_cache(maxsize=64)
def without_expert_parallel(engine: EngineProfile) -> EngineProfile:
    """An engine with adapters in its experts, which it then does not divide over expert-parallel ranks."""
    return replace(engine, expert_parallel=False, name=f"{engine.name} with adapters")


def container_image(engine: EngineProfile, version: str | None = None) -> str:
    """Container image of an engine at a version, or at the first version of its profile; empty where it has none."""
    release = [*version_key(version or engine.version), 0, 0][:3]
    return engine.program.image.replace("{version}", ".".join(map(str, release)))


def version_key(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparing: `0.20.1rc1.dev16` is (0, 20, 1)."""
    release = re.match(r"[vb]?([\d.]*)", version.strip()[:LONGEST_VERSION]) if version else None
    numbers = [int(part) for part in release[1].split(".") if part] if release else []
    return tuple(numbers[:3])
