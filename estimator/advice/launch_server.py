"""What a launch command is made from: options with their reasons, and one replica as every writer needs it."""

from typing import NamedTuple

from estimator.engines.memory_policy import DeviceDefaults
from estimator.layout import Layout
from estimator.models.adapters import Adapters
from estimator.models.model import Drafter
from estimator.results import MemoryReport
from estimator.scenario.scenario import Scenario

CHOSEN = "the layout that was ranked"
ENGINE_DEFAULT = "the engine's default"
LINEAR_MODULES = "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj"
"""Modules that SGLang makes slots for; its `all` would add the vocabulary's."""


class Argument(NamedTuple):
    """One option of a launch command: as it is typed, why it is there, and the input that its value comes from."""

    text: str
    why: str
    source: str = CHOSEN
    """An option of the scenario (`--kv`), the layout that was ranked, or the engine's default."""


class Start(NamedTuple):
    """What the writer of one engine makes of a candidate: a program with its options, files and remarks."""

    program: str
    arguments: tuple[Argument, ...]
    notes: tuple[str, ...] = ()
    setup: str = ""
    """Shell lines before it; each ends its line."""
    port: str = "--port {}"
    """How one of several replicas is told its port."""
    last: tuple[Argument, ...] = ()
    """What stands behind all other options."""


class Server(NamedTuple):
    """One replica of a ranked candidate, with what the launch writers of all engines need to know of it."""

    model: str
    """Name or path, quoted for a shell."""
    weights: str
    """Format that the engine loads."""
    is_own_format: bool
    """Whether the checkpoint is uploaded in that format."""
    quantisation: str
    """The engine's name for making that format of 16-bit weights while loading; empty where it does not."""
    cache: str
    layout: Layout
    layers: int
    """Layers of the model."""
    machines: int
    """Machines that the replica spans."""
    memory: MemoryReport
    max_model_len: int
    users: int
    """Requests in flight on one replica."""
    host_cache_option: str
    """The engine's own option for a cache in host memory; empty where the devices hold it."""
    eager_option: str
    """The engine's own option for capturing no graphs; empty where it has none."""
    prefix_options: tuple[str, str] | None
    """Its options by which prompts' caches are kept, and by which they are not; None where it has none."""
    defaults: DeviceDefaults
    has_prediction_modules: bool
    drafter: Drafter | None
    """What drafts beside the model's own modules."""
    drafter_operand: str
    """Its name or path, quoted for a shell; empty where there is none to load."""
    card_memory_gb: tuple[float, ...]
    """Memory of each accelerator, where they are not alike; else empty."""
    adapters: Adapters | None
    """Slots for LoRA adapters; None where only the base model is served."""
    scenario: Scenario

    @property
    def drafts(self) -> bool:
        """Whether tokens are drafted, by something that the engine can be told of."""
        return self.scenario.workload.draft_tokens > 0 and (self.drafter is not None or self.has_prediction_modules)

    @property
    def admission_steps(self) -> int:
        """Decode steps for which requests may wait, where the scenario asks for more than the next one; else 0."""
        steps = self.scenario.settings.admission_steps or 1
        return steps if steps > 1 else 0

    @property
    def ranks(self) -> int:
        """Number of devices that share the experts of a layer."""
        return self.layout.tp * self.layout.dp


def length_reason(server: Server) -> tuple[str, str]:
    """Why the longest sequence is what it is, and the options it comes from."""
    if server.scenario.settings.max_model_len:
        return "as asked", "--max-model-len"
    return "input and output tokens of a request", "--input-tokens, --output-tokens"
