"""Every input of a scenario, declared once: the command-line option, the session key and the field it sets."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from estimator.checks import rules
from estimator.errors import InputError, unknown_name
from estimator.scenario import presets, training_presets
from estimator.scenario import training_workload as training
from estimator.scenario.scenario import COMPILE_CACHES, DEPLOYMENTS, PRICE_TERMS, SAMPLINGS, Scenario
from estimator.scenario.traffic import LENGTHS, TRAFFICS, Trace
from estimator.scenario.workload import PERCENTILES
from tui.draw.figures import bound
from tui.options import values
from tui.options.synonyms import meant

if TYPE_CHECKING:
    import argparse


class Option(NamedTuple):
    """One input of a scenario: `--name VALUE` on the command line, `name: value` in a session file."""

    name: str
    field: str
    """Where it lands in a Scenario, dotted."""
    metavar: str
    help: str
    choices: tuple[str, ...] = ()
    seconds: bool = False
    """A time: plain seconds, or with a unit (800ms)."""


PRESETS = tuple(each.name for each in presets.PRESETS)
TRAINING_PRESETS = {each.name: each for each in training_presets.TRAINING_PRESETS}
NUMBERS = frozenset({"N", "F", "R", "S", "USD", "W", "X", "Y", "GIB", "SECONDS"})
"""Metavars of options that hold numbers."""


BOUNDS = frozenset({"ttft", "tpot", "latency"})
"""Options that bound a time, on its mean or on a percentile."""


def bound_text(seconds: float, percentile: int | None) -> str:
    """A bound on a latency as it is asked for: `1.5s`, `50ms@p99`."""
    return bound(seconds) + (f"@p{percentile}" if percentile else "")


class Group(NamedTuple):
    """Options that stand together in `--help`."""

    title: str
    options: tuple[Option, ...]


GROUPS = (
    Group(
        "model",
        (
            Option("model", "model", "ID|PATH", "catalogue id, Hub id, folder, config.json or .gguf"),
            Option("weights", "weights", "FORMAT", "weight format (bf16, fp8, int4-awq, mxfp4 …), or `native`"),
            Option("kv", "kv", "FORMAT", "KV-cache format: bf16, fp8 …"),
        ),
    ),
    Group(
        "workload",
        (
            Option("preset", "", "NAME", ", ".join((*PRESETS, *TRAINING_PRESETS))),
            Option("traffic", "workload.traffic", "KIND", "how requests come: " + ", ".join(TRAFFICS), TRAFFICS),
            Option("trace", "workload.trace", "FILE", "recorded requests: seconds, input tokens, output tokens"),
            Option("input-tokens", "workload.input_tokens", "N", "prompt tokens of a request"),
            Option("output-tokens", "workload.output_tokens", "N", "generated tokens of a request"),
            Option("concurrency", "workload.concurrency", "N", "requests in flight on the whole candidate"),
            Option("requests-per-second", "workload.requests_per_second", "R", "open arrivals, not a held concurrency"),
            Option("requests", "workload.requests", "N", "how many are sent, by a benchmark; left out: for ever"),
            Option("burstiness", "workload.burstiness", "X", "gamma shape of arrivals: 1 Poisson, below in clumps"),
            Option("lengths", "workload.lengths", "SHAPE", ", ".join(LENGTHS), LENGTHS),
            Option("images", "workload.images", "N[@WxH]", "images of a request, and their size in pixels"),
            Option("audio", "workload.audio_seconds", "SECONDS", "sound of a request"),
            Option("prefix-cache-hit", "workload.prefix_cache_hit", "F", "fraction of the prompt already cached"),
            Option("draft-tokens", "workload.draft_tokens", "N", "speculative decoding: tokens proposed each step"),
            Option("draft-model", "workload.draft_model", "ID", "another model or head that proposes them; ngram"),
            Option("accepted-tokens", "workload.accepted_tokens", "N", "tokens that such a step yields on average"),
            Option("length-variation", "workload.length_variation", "F", "spread of lengths over their means"),
            Option("prefill-replicas", "workload.prefill_replicas", "N", "replicas that only prefill, for the others"),
            Option("ttft", "service_level.ttft_s", "S", "longest time to first token: 800ms, 1s@p95", seconds=True),
            Option("tpot", "service_level.tpot_s", "S", "longest time per output token: 50ms, 50ms@p99", seconds=True),
            Option("latency", "service_level.latency_s", "S", "longest whole request: 20s, 20s@p99", seconds=True),
        ),
    ),
    Group(
        "engine",
        (
            Option("engine", "engine", "NAME[@VERSION]", "the newest profile where no version is said"),
            Option("memory-utilization", "settings.memory_utilization", "F", "share of device memory it may take"),
            Option("max-model-len", "settings.max_model_len", "N", "longest sequence it accepts"),
            Option("max-num-seqs", "settings.max_num_seqs", "N", "most sequences in a batch"),
            Option("max-num-batched-tokens", "settings.max_num_batched_tokens", "N", "most tokens in one step"),
            Option("admission-steps", "settings.admission_steps", "N", "steps for which it may leave requests waiting"),
            Option("decode-context-parallel", "settings.decode_context_parallel", "N", "ranks that share a sequence"),
            Option("prefix-caching", "settings.prefix_caching", "BOOL", "prompts' caches stay for others alike"),
            Option("enforce-eager", "settings.enforce_eager", "BOOL", "no CUDA graphs: more cache, slower steps"),
            Option(
                "compile-cache",
                "settings.compile_cache",
                "STATE",
                "cold: a first start; warm: kernels of an earlier one are kept",
                COMPILE_CACHES,
            ),
            Option("kv-on-host", "settings.kv_on_host", "BOOL", "cache in the host's RAM: room for it, slow attention"),
            Option("lora", "settings.lora", "N[@RANK]", "LoRA adapters that a batch may mix, and their rank (16)"),
            Option("sampling", "settings.sampling", "HOW", ", ".join(SAMPLINGS), SAMPLINGS),
        ),
    ),
    Group(
        "place",
        (
            Option("instance", "placement.instance", "TYPE", "this type only; SageMaker's ml.* names are understood"),
            Option("machines", "placement.machines", "N", "machines that work together"),
            Option("spare", "placement.spare", "N", "machines beyond what the load needs: 1 is N+1"),
            Option("most-machines", "placement.most_machines", "N", "largest fleet that is tried (64)"),
            Option(
                "accelerator", "placement.accelerator", "ID[+ID]", "this accelerator, or unlike cards of one machine"
            ),
            Option("count", "placement.count", "N", "how many accelerators"),
            Option("usable-memory", "placement.usable_memory_gib", "GIB", "memory that one device may use"),
            Option("host-memory", "placement.host_memory_gib", "GIB", "RAM of the machine, for what does not fit"),
            Option("tp", "placement.tp", "N", "tensor parallelism"),
            Option("pp", "placement.pp", "N", "pipeline parallelism"),
            Option("ep", "placement.ep", "N", "expert parallelism"),
            Option("dp", "placement.dp", "N", "data-parallel attention"),
            Option("region", "region", "ID", "AWS region"),
            Option("price-terms", "price_terms", "TERMS", ", ".join(PRICE_TERMS), PRICE_TERMS),
            Option("deployment", "deployment", "WHERE", ", ".join(DEPLOYMENTS), DEPLOYMENTS),
            Option("usd-per-gpu-hour", "ownership.usd_per_gpu_hour", "USD", "your own price of an accelerator"),
            Option("hardware-usd", "ownership.hardware_usd", "USD", "price of one owned accelerator"),
            Option("host-usd", "ownership.host_usd", "USD", "price of the host and chassis that hold them"),
            Option("amortization-years", "ownership.amortization_years", "Y", "years it is written off over"),
            Option("usd-per-kwh", "ownership.usd_per_kwh", "USD", "price of its power"),
            Option("host-watts", "ownership.host_watts", "W", "power of the host beside them"),
            Option("pue", "ownership.pue", "X", "power of the room over that of its machines"),
            Option("utilization", "ownership.utilization", "F", "share of the hours that owned hardware works"),
            Option("power-limit-watts", "ownership.power_limit_watts", "W", "power it may draw: it runs slower"),
        ),
    ),
    Group(
        "training",
        (
            Option("train", "training.method", "METHOD", ", ".join(training.METHODS), training.METHODS),
            Option("sequence-length", "training.sequence_length", "N", "tokens of one training sequence"),
            Option("micro-batch", "training.micro_batch", "N", "sequences per device and pass"),
            Option("global-batch", "training.global_batch", "N", "sequences per optimizer step"),
            Option("dataset-tokens", "training.dataset_tokens", "N", "tokens of the data set"),
            Option("epochs", "training.epochs", "N", "passes over the data set"),
            Option("optimizer", "training.optimizer", "NAME", ", ".join(training.OPTIMIZERS), training.OPTIMIZERS),
            Option("precision", "training.precision", "KIND", ", ".join(training.PRECISIONS), training.PRECISIONS),
            Option("lora-rank", "training.lora_rank", "N", "rank of the adapters"),
            Option("lora-targets", "training.lora_targets", "NAMES", "q_proj,v_proj …, attention, mlp or all-linear"),
            Option("packing", "training.packing", "BOOL", "short samples share a sequence"),
            Option(
                "checkpointing",
                "training.checkpointing",
                "KIND",
                ", ".join(training.CHECKPOINTING),
                training.CHECKPOINTING,
            ),
            Option("sharding", "training.sharding", "KIND", ", ".join(training.SHARDINGS), training.SHARDINGS),
            Option("offload", "training.offload", "WHAT", ", ".join(training.OFFLOADS), training.OFFLOADS),
            Option("compute", "training.compute", "FORMAT", ", ".join(training.COMPUTES), training.COMPUTES),
            Option("loss", "training.loss", "PATH", ", ".join(training.LOSSES), training.LOSSES),
            Option("base", "training.base", "FORMAT", ", ".join(training.BASES), training.BASES),
            Option("framework", "training.framework", "NAME", "torchtune, axolotl, llama-factory, torchtitan …"),
            Option("mean-tokens", "training.mean_tokens", "N", "tokens of an average sample, where not packed"),
            Option("train-embeddings", "training.train_embeddings", "BOOL", "embedding and head beside adapters"),
            Option("optimizer-in-backward", "training.optimizer_in_backward", "BOOL", "gradients never pile up"),
        ),
    ),
)
OPTIONS = {option.name: option for group in GROUPS for option in group.options}
SERVING_ONLY = frozenset(
    option.name for option in OPTIONS.values() if option.field.startswith(("workload.", "service_level.", "settings."))
)
"""Options that a training run has no use for."""


def order(name: str) -> int:
    """Sort key of options that builds up a scenario: a preset before what it fills, `train` before its settings."""
    return list(OPTIONS).index(name) if name in OPTIONS else -1


def add_to(parser: "argparse.ArgumentParser") -> None:
    """Adds every option to an argument parser; a value stays text until it is read against its field's own bounds."""
    for title, options in GROUPS:
        group = parser.add_argument_group(title)
        for option in options:
            group.add_argument(f"--{option.name}", dest=option.name, metavar=option.metavar, help=option.help)


def with_option(scenario: Scenario, name: str, value: object) -> Scenario:
    """A scenario with one option set, from text or from YAML. Raises InputError for an unknown option or an unfit
    value.
    """
    option = OPTIONS.get(name)
    if option is None:
        raise InputError(name, "no such option", meant(name, OPTIONS))
    if name == "preset":
        return _with_preset(scenario, value)
    if name == "trace":
        return _with_trace(scenario, value)
    if name in BOUNDS and (value is None or isinstance(value, str)):
        scenario, value = _with_percentile(scenario, name, value)
    if name == "train" and scenario.training is None:
        scenario = replace(scenario, training=training.TrainingWorkload())
    if name == "instance" and isinstance(value, str):
        value = value.removeprefix("ml.")
    if name == "engine" and isinstance(value, str):
        value, _, version = value.partition("@")
        scenario = replace(scenario, engine_version=version or None)
    section, dot, attribute = option.field.rpartition(".")
    owner: Any = getattr(scenario, section) if dot else scenario
    if owner is None:
        raise InputError(name, f"belongs to a training run; say --train {'|'.join(training.METHODS)} as well")
    kind: Any = type(owner)
    changed: Any = replace(owner, **{attribute: values.read(option, value, rules(kind)[attribute])})
    return replace(scenario, **{section: changed}) if dot else changed


def _with_preset(scenario: Scenario, name: object) -> Scenario:
    if not isinstance(name, str) or (name not in TRAINING_PRESETS and name not in PRESETS):
        raise unknown_name("preset", f"unknown {name!r}", str(name), (*PRESETS, *TRAINING_PRESETS))
    if name in TRAINING_PRESETS:
        return TRAINING_PRESETS[name].applied_to(scenario)
    return presets.preset(name).applied_to(scenario)


def _with_percentile(scenario: Scenario, name: str, value: str | None) -> tuple[Scenario, str | None]:
    """The scenario with the percentile that a bound such as `1s@p95` is on, and the bound itself; the mean without one.

    Raises InputError for a percentile that is not counted."""
    text, at, percentile = (value or "").partition("@")
    counted: Any = {f"p{each}": each for each in PERCENTILES} | {"mean": None, "": None}
    if percentile.strip() not in counted or (at and not percentile.strip()):
        raise InputError(
            name, f"{value!r} is on no percentile that is counted, expected one of {', '.join(counted)[:-2]}"
        )
    chosen: Any = {f"{name}_percentile": counted[percentile.strip()]}
    return replace(scenario, service_level=replace(scenario.service_level, **chosen)), text.strip() if value else None


def _with_trace(scenario: Scenario, value: object) -> Scenario:
    """The scenario under a recorded traffic, whose mean lengths and rate it takes; without one where it is None."""
    workload = scenario.workload
    if value is None:
        kind = None if workload.kind == "trace" else workload.traffic
        return replace(scenario, workload=replace(workload, trace=None, traffic=kind))
    from tui.options import trace_file  # few questions come with one

    if not isinstance(value, str) or not value.isprintable():
        raise InputError("trace", f"{value!r} is not the name of a file")
    return replace(scenario, workload=workload.under(trace_file.read(value)))


def given_options(scenario: Scenario) -> dict[str, object]:
    """The options that give this scenario, as a session file holds them; what is unset is left out."""
    given: dict[str, object] = {}
    for name, option in OPTIONS.items():
        section, dot, attribute = option.field.rpartition(".")
        owner = getattr(scenario, section) if dot else scenario
        value = getattr(owner, attribute, None) if attribute else None
        if value is not None:
            given[name] = value.path if isinstance(value, Trace) else value
            if name in BOUNDS and getattr(owner, f"{name}_percentile"):
                given[name] = bound_text(value, getattr(owner, f"{name}_percentile"))
    if scenario.engine_version:
        given["engine"] = f"{scenario.engine}@{scenario.engine_version}"
    return given
