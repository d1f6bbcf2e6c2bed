"""What to change, with numbers: what makes a candidate fit, and what gives one that fits more room."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from estimator.advice.study import Study
from estimator.errors import InputError
from estimator.layouts.context_parallel import legal_context_parallel
from estimator.models.formats import CACHE_FORMATS, WEIGHT_FORMATS, cache_format, weight_format
from estimator.models.mixers import Attention
from estimator.results import Evaluation, MemoryReport
from estimator.scenario.scenario import EngineSettings, Scenario
from estimator.units import GIB, quantity

HIGHEST_UTILIZATION = 0.95
"""Above it engines run out of memory in practice: what they do not count needs the rest."""
SMALLEST_CHUNK = 2048
LADDER = ("bf16", "fp8", "int4-awq")
GGUF_LADDER = ("gguf-q8_0", "gguf-q6_k", "gguf-q5_k_m", "gguf-q4_k_m", "gguf-q3_k_m")
"""Weight formats worth trying, widest first."""
TORCH_ENGINES = ("vllm", "sglang", "transformers", "tgi")


class Change(NamedTuple):
    """A change of the scenario and what it brings in numbers; without a scenario it is a fact to know."""

    title: str
    effect: str
    scenario: Scenario | None = None


def fixes(study: Study, evaluation: Evaluation) -> list[Change]:
    """The single changes after which a candidate that does not fit does: settings first, then cache, weights, the
    request.
    """
    if evaluation.verdict != "does_not_fit":
        return []
    changes = []
    for title, scenario in _remedies(study):
        other = study.asking(scenario)
        judged = _judged(other)
        if judged:
            changes.append(Change(title, _fit(other, judged), scenario))
    return changes


def gains(study: Study, evaluation: Evaluation) -> list[Change]:
    """What a candidate that fits could hold besides (longer contexts, more users), and facts that explain its
    numbers.
    """
    if evaluation.verdict != "fits" or evaluation.memory is None:
        return []
    return [*_accepted(study), *_roomier(study, evaluation), *_facts(study, evaluation)]


def quicker(study: Study) -> list[Change]:
    """For a candidate that misses the service level: the load at which it keeps it, and the formats with which
    it does.
    """
    scenario, most = study.scenario, study.most_within_level
    changes = []
    if 0 < most < scenario.workload.concurrency:
        fewer = scenario.workload.with_users(most)
        changes.append(
            Change(quantity(most, "user"), "the most that see the service level", replace(scenario, workload=fewer))
        )
    cache = _narrower_cache(study)
    formats = [(f"KV cache in {cache}", replace(scenario, kv=cache))] if cache else []
    formats += [(f"weights in {weights}", replace(scenario, weights=weights)) for weights in _narrower(study)]
    for title, changed in formats:
        other = study.asking(changed)
        judged = _judged(other)
        if judged and judged.meets_service_level:
            changes.append(Change(title, f"keeps the service level: {_fit(other, judged)}", changed))
    return changes


def engine_message(study: Study, memory: MemoryReport) -> str:
    """The words with which the engine would refuse to start; empty where it starts, or where its words are not
    known.
    """
    if memory.shortfall_bytes <= 0:
        return ""
    tokens, left = study.scenario.workload.total_tokens, memory.left_bytes
    needed = study.memory.sequence_bytes(tokens)
    longest = study.memory.max_context(1)
    if memory.weights_bytes + memory.runtime_bytes > memory.usable_bytes:
        return "torch.OutOfMemoryError: CUDA out of memory." if study.engine.id in TORCH_ENGINES else ""
    match study.engine.id:
        case "vllm" if left <= 0:
            return (
                "ValueError: No available memory for the cache blocks. "
                "Try increasing `gpu_memory_utilization` when initializing the engine."
            )
        case "vllm":
            return (
                f"ValueError: To serve at least one request with the models's max seq len ({tokens}), "
                f"({needed / GIB:.2f} GiB KV cache is needed, which is larger than the available KV cache memory "
                f"({left / GIB:.2f} GiB). Based on the available memory, the estimated maximum model length is "
                f"{longest}. Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing "
                "the engine."
            )
        case "sglang":
            return "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static."
    return ""


def _remedies(study: Study) -> Iterator[tuple[str, Scenario]]:
    scenario, memory = study.scenario, study.memory
    settings, workload = scenario.settings, scenario.workload
    if memory.utilization < HIGHEST_UTILIZATION:
        title = f"memory utilization {memory.utilization:g} → {HIGHEST_UTILIZATION:g}"
        yield title, _with(scenario, replace(settings, memory_utilization=HIGHEST_UTILIZATION))
    sequences = _power_above(workload.concurrency / study.replicas)
    if sequences < memory.max_num_seqs:
        title = f"max_num_seqs {memory.max_num_seqs:,} → {sequences:,}"
        yield title, _with(scenario, replace(settings, max_num_seqs=sequences))
    if memory.max_num_batched_tokens > SMALLEST_CHUNK:
        title = f"chunk {memory.max_num_batched_tokens:,} → {SMALLEST_CHUNK:,} tokens"
        yield title, _with(scenario, replace(settings, max_num_batched_tokens=SMALLEST_CHUNK))
    if dcp := _more_stripes(study):
        yield f"decode context parallel {dcp}", _striped(scenario, dcp)
    if cache := _narrower_cache(study):
        yield f"KV cache in {cache}", replace(scenario, kv=cache)
    for weights in _narrower(study):
        yield f"weights in {weights}", replace(scenario, weights=weights)
    longest = memory.max_context(1)
    if workload.output_tokens + workload.media.tokens < longest < workload.total_tokens:
        shorter = replace(workload, input_tokens=longest - workload.output_tokens - workload.media.tokens)
        yield f"input of {shorter.input_tokens:,} tokens", replace(scenario, workload=shorter)


def _fit(study: Study, evaluation: Evaluation) -> str:
    users = study.most_users
    figures = [f"holds {quantity(users, 'request')}"]
    if evaluation.performance:
        seconds = evaluation.performance.tpot_s.typical
        figures.append(f"{seconds * 1000:.1f} ms a token" if seconds < 1 else f"{seconds:,.1f} s a token")
    return ", ".join(figures)


def _accepted(study: Study) -> Iterator[Change]:
    """The load and the length that the candidate as it is has room for."""
    scenario, most = study.scenario, study.most_users
    workload = scenario.workload
    if most >= 1 and most != workload.concurrency:
        full = workload.with_users(most)
        users = quantity(most, "user")
        yield Change(users, "as many as the pool holds at this length", replace(scenario, workload=full))
    longest = study.longest(workload.concurrency)
    if longest > workload.total_tokens:
        longer = replace(workload, input_tokens=longest - workload.output_tokens - workload.media.tokens)
        title = f"{longer.input_tokens:,} input tokens"
        users = quantity(workload.concurrency, "user")
        yield Change(title, f"the longest for {users}", replace(scenario, workload=longer))


def _roomier(study: Study, evaluation: Evaluation) -> Iterator[Change]:
    scenario, memory, users = study.scenario, study.memory, study.most_users
    higher = round(min(memory.utilization + 0.05, HIGHEST_UTILIZATION), 3)
    options = []
    if higher > memory.utilization:
        settings = replace(scenario.settings, memory_utilization=higher)
        options.append((f"memory utilization {higher:g}", _with(scenario, settings)))
    if dcp := _more_stripes(study):
        options.append((f"decode context parallel {dcp}", _striped(scenario, dcp)))
    if cache := _narrower_cache(study):
        options.append((f"KV cache in {cache}", replace(scenario, kv=cache)))
    options += [(f"weights in {name}", replace(scenario, weights=name)) for name in _narrower(study)[:1]]
    for title, changed in options:
        other = study.asking(changed)
        judged = _judged(other)
        if judged and other.most_users > users:
            more = quantity(other.most_users, "user")
            yield Change(title, f"{users:,} → {more}{_slower(evaluation, judged)}", changed)


def _slower(before: Evaluation, after: Evaluation) -> str:
    """How the time per token moves, where it does."""
    if before.performance is None or after.performance is None:
        return ""
    change = after.performance.tpot_s.typical / before.performance.tpot_s.typical - 1
    return f", time per token {change:+.0%}" if abs(change) >= 0.005 else ""


def _facts(study: Study, evaluation: Evaluation) -> Iterator[Change]:
    tp = evaluation.candidate.layout.tp
    heads = min(
        (
            group.layer.mixer.kv_heads
            for group in study.model.architecture.groups
            if isinstance(group.layer.mixer, Attention)
        ),
        default=0,
    )
    copies = tp // heads // study.scenario.settings.dcp if heads else 0
    if copies > 1:
        yield Change(f"TP{tp} keeps {copies} copies of the cache", f"the model has {heads} KV heads to divide")
    for note in evaluation.memory.notes if evaluation.memory else ():
        yield Change(note, f"how {study.engine.name} counts")
    device = study.node.device
    usable = device.memory_usable_bytes / GIB
    if 0 < usable < device.memory_sold_gb * 0.99:
        title = f"a device has {usable:.1f} GiB, not {device.memory_sold_gb:g}"
        yield Change(title, "what the driver reports of the memory sold")


def _narrower(study: Study) -> list[str]:
    """The engine's usual weight formats with fewer bits than the one asked, widest first."""
    bits = weight_format(study.scenario.weights).bits
    ladder = GGUF_LADDER if study.engine.id == "llamacpp" else LADDER
    return [name for name in ladder if WEIGHT_FORMATS[name].bits < 0.95 * bits]


def _narrower_cache(study: Study) -> str:
    """The next narrower cache format that the engine has; empty where there is none."""
    bits = cache_format(study.scenario.kv).bits
    names = ("q8_0", "q4_0") if study.engine.id == "llamacpp" else ("fp8",)
    return next((name for name in names if CACHE_FORMATS[name].bits < bits), "")


def _judged(study: Study) -> Evaluation | None:
    """The candidate under a changed scenario; None where that can not be asked."""
    try:
        judged = study.evaluation()
    except InputError:
        return None
    return judged if judged.verdict == "fits" else None


def _more_stripes(study: Study) -> int:
    """The most ranks that can share a sequence's tokens; 0 where they do, or there are no copies to spare."""
    most = legal_context_parallel(study.model, study.candidate.layout.tp, study.engine)[-1]
    return most if most > study.scenario.settings.dcp else 0


def _striped(scenario: Scenario, dcp: int) -> Scenario:
    return _with(scenario, replace(scenario.settings, decode_context_parallel=dcp))


def _with(scenario: Scenario, settings: EngineSettings) -> Scenario:
    return replace(scenario, settings=settings)


def _power_above(value: float) -> int:
    power = 1
    while power < value:
        power *= 2
    return power
