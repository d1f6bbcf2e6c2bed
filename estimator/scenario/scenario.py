"""The scenario: the question that the user edits, a session file holds and the headless verbs take."""

from dataclasses import field, replace
from typing import TYPE_CHECKING, Annotated

from estimator.bounds import Ge, Gt, Le
from estimator.checks import check
from estimator.engines.speed_constants import Calibration
from estimator.errors import InputError
from estimator.records import record
from estimator.scenario.training_workload import TrainingWorkload
from estimator.scenario.workload import Ownership, ServiceLevel, ServingWorkload

if TYPE_CHECKING:
    from estimator.models.model import Model

Count = Annotated[int, Ge(1), Le(100_000)]

PRICE_TERMS = ("on-demand", "spot", "reserved-1y", "reserved-3y", "savings-1y", "savings-3y", "capacity-block")
TOP_P = "top-p"
SAMPLINGS = ("greedy", TOP_P)
DEPLOYMENTS = ("cloud", "local", "edge")
COMPILE_CACHES = ("cold", "warm")


@record(frozen=True, slots=True)
class EngineSettings:
    """Settings of a serving engine that the user states; None leaves the engine's default."""

    memory_utilization: Annotated[float, Gt(0), Le(1)] | None = None
    max_model_len: Annotated[int, Ge(1), Le(100_000_000)] | None = None
    max_num_seqs: Annotated[int, Ge(1), Le(1_000_000)] | None = None
    max_num_batched_tokens: Annotated[int, Ge(1), Le(100_000_000)] | None = None
    admission_steps: Annotated[int, Ge(1), Le(100_000)] | None = None
    """Decode steps for which an engine may leave new requests waiting; 1 begins them at the next step."""
    decode_context_parallel: Annotated[int, Ge(1), Le(1024)] | None = None
    """Tensor-parallel ranks that share the tokens of a sequence; 1 is none."""
    enforce_eager: bool | None = None
    """Whether kernels are launched one by one: nothing is compiled, no CUDA graph captured."""
    prefix_caching: bool | None = None
    """Whether the cache of a prompt stays for others that begin like it; None is the engine's default."""
    compile_cache: str | None = None
    """`warm` where an earlier start with the same settings left its compiled kernels; None is a first start, cold."""
    kv_on_host: bool | None = None
    """Whether the cache stays in the host's RAM, where the CPU attends to it (llama.cpp's `--no-kv-offload`)."""
    lora: str | None = None
    """LoRA adapters that a batch may mix, `N` or `N@RANK`; None serves the base model alone."""
    sampling: str | None = None
    """How requests choose their tokens: `top-p` (or top-k) sorts the vocabulary; greedy where nothing is said."""

    @property
    def compiles(self) -> bool:
        """Whether the engine compiles while it measures how much memory it needs."""
        return not self.enforce_eager and self.compile_cache != "warm"

    @property
    def dcp(self) -> int:
        """Ranks of decode context parallelism, which each keep every n-th token of a sequence; 1 is none."""
        return self.decode_context_parallel or 1


@record(frozen=True, slots=True)
class Placement:
    """Where a scenario insists to run: machine, devices, layout; None leaves a choice to the ranking."""

    instance: str | None = None
    machines: Count | None = None
    accelerator: str | None = None
    count: Count | None = None
    tp: Count | None = None
    pp: Count | None = None
    ep: Count | None = None
    dp: Count | None = None
    spare: Annotated[int, Ge(0), Le(64)] = 0
    """Machines beyond what the load needs: with one of them, any one may fail."""
    most_machines: Annotated[int, Ge(1), Le(4096)] = 64
    """Largest fleet that is tried, where the number of machines is left open."""
    usable_memory_gib: Annotated[float, Gt(0), Le(10_000)] | None = None
    """What one device may use, where its owner knows better than the catalogue: unified memory, another size."""
    host_memory_gib: Annotated[float, Gt(0), Le(100_000)] | None = None
    """RAM of the machine, for what does not fit its devices."""


@record(frozen=True, slots=True)
class Scenario:
    """One question: model, formats, workload, service level, engine, region and price terms."""

    model: str = "meta-llama/Llama-3.3-70B-Instruct"
    weights: str = "fp8"
    kv: str = "bf16"
    workload: ServingWorkload = field(default_factory=ServingWorkload)
    service_level: ServiceLevel = field(default_factory=ServiceLevel)
    engine: str = "vllm"
    engine_version: str | None = None
    """None is the newest profile."""
    settings: EngineSettings = field(default_factory=EngineSettings)
    placement: Placement = field(default_factory=Placement)
    region: str = "us-east-1"
    price_terms: str = "on-demand"
    deployment: str = "cloud"
    ownership: Ownership = field(default_factory=Ownership)
    """For local and edge deployments."""
    training: TrainingWorkload | None = None
    """A run to train the model instead of serving it; None serves."""
    calibrations: tuple[Calibration, ...] = ()
    """The user's own measurements."""

    @property
    def steady(self) -> "Scenario":
        """This scenario with its requests as a stream that goes on for ever, in the place of a finite run."""
        workload = self.workload.steady
        return self if workload is self.workload else replace(self, workload=workload)


def check_place(scenario: Scenario) -> None:
    """Raises InputError where a scenario's placement, ownership or price terms can not be asked, serving or
    training.
    """
    check(scenario.placement)
    check(scenario.ownership)
    placement = scenario.placement
    if placement.instance and placement.accelerator:
        raise InputError("accelerator", f"the instance {placement.instance} is named already; say one of the two")
    if placement.count and not placement.accelerator:
        raise InputError("count", "counts accelerators; say which accelerator as well")
    if "+" in (placement.accelerator or ""):
        _check_unlike_cards(scenario)
    if placement.usable_memory_gib and not (placement.accelerator or placement.instance):
        raise InputError("usable_memory", "is what one device may use; say which accelerator or instance as well")
    if scenario.price_terms not in PRICE_TERMS:
        raise InputError("price_terms", f"unknown terms {scenario.price_terms!r}; one of {', '.join(PRICE_TERMS)}")


def _check_unlike_cards(scenario: Scenario) -> None:
    placement = scenario.placement
    if scenario.training:
        raise InputError("accelerator", "training over cards that are not alike is not modelled; name one kind")
    if placement.usable_memory_gib:
        raise InputError("usable_memory", "is what each of the devices may use, and these are not alike")
    if any((placement.tp, placement.pp, placement.ep, placement.dp)):
        raise InputError("accelerator", "unlike cards take their layers by their memory: leave tp, pp, ep and dp out")


def request_tokens(scenario: Scenario, model: "Model") -> int:
    """Tokens of one whole request, prompt and answer. Raises InputError where the model can not hold it."""
    tokens = scenario.workload.total_tokens
    limit = scenario.settings.max_model_len or model.architecture.max_context
    if limit and tokens > limit:
        field = "max_model_len" if scenario.settings.max_model_len else "input_tokens"
        raise InputError(field, f"{tokens:,} tokens a request, but {model.id} holds {limit:,}")
    return tokens
