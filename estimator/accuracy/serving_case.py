"""A measured serving row as a question: the scenario that a user would ask, and the machine it ran on."""

import re
from dataclasses import replace
from typing import NamedTuple

from estimator.accuracy.prose import filled
from estimator.accuracy.score import Context, Row, number, text
from estimator.engines.memory_policy import device_defaults
from estimator.engines.profiles import EngineProfile
from estimator.engines.support import layout_exclusion
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator, Machine
from estimator.layout import Layout
from estimator.layouts.legal import divisors
from estimator.models.architecture import Architecture
from estimator.models.formats import WEIGHT_FORMATS
from estimator.models.mixers import Attention
from estimator.models.model import Model
from estimator.scenario.placement import devices
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.traffic import MOST_REQUESTS
from estimator.scenario.workload import ServingWorkload

BLACKWELL = frozenset({"b200-sxm", "b300-sxm", "gb200", "gb300"})
"""Published recipes for these cache in 8 bit wherever the weights have 8 bit or fewer."""
EIGHT_BIT_CACHES = frozenset({"trtllm", "trtllm-bench", "nim"})
"""Engines whose published FP8 runs cache in FP8 as well."""
NVL72 = frozenset({"gb200", "gb300"})
MACHINE_DEVICES = 8
"""Devices that share the fast links of one machine, where no rack does."""
TASK_INPUT_TOKENS = {"chat": 140, "gpqa": 230, "code": 420, "fim": 420}
"""Prompts of the ML.ENERGY tasks, whose lengths are not published: rounded means of the public data sets."""
UNSTATED_INPUT_TOKENS, UNSTATED_OUTPUT_TOKENS = 160, 128
SATURATED = 8192
"""Requests that are sent where a published maximum load does not say how many: more than any engine runs at once."""
MOST_TOKENS, MOST_USERS, MOST_RANKS, MOST_VARIATION = 10_000_000, 1_000_000, 10_000, 3.0


class ServingCase(NamedTuple):
    """A measured serving row as the product is asked it: scenario, machine, and which statistics the row prints."""

    model: Model
    scenario: Scenario
    machine: Machine
    row: Row
    """With every column filled."""


class Lengths(NamedTuple):
    input_tokens: int
    output_tokens: int


def serving_case(row: Row, context: Context) -> ServingCase:
    """The question that a measured serving row answers. Raises InputError for what the product can not be asked."""
    row = filled(row)
    model = context.model(row)
    device = _device(row, context)
    name, _, version = text(row, "profile").partition("@")
    if not name:
        raise InputError("engine", f"no profile of {text(row, 'engine')[:40]!a}")
    engine = context.inventory.engine(name, version or None)
    weights = weights_of(row, model.architecture)
    layout = layout_of(row, model.architecture, engine)
    if layout_exclusion(engine, device, model.weights(weights), model.architecture, layout):
        layout = layout._replace(ep=layout.tp * layout.dp)  # it ran: with whole experts on each rank, as the stack says
    workload = load_of(row)
    count, machines = _count(layout, device)
    return ServingCase(
        model=model,
        scenario=Scenario(
            model=model.id,
            weights=weights,
            kv=cache_of(row, name, model.architecture),
            workload=workload,
            engine=name,
            engine_version=version or None,
            settings=settings_of(row, engine, device, workload, model.architecture.max_context),
            placement=Placement(
                accelerator=device.id,
                count=count,
                machines=machines,
                tp=layout.tp,
                pp=layout.pp,
                ep=layout.ep if model.architecture.is_moe else None,
                dp=layout.dp if model.architecture.is_moe else None,
            ),
        ),
        machine=devices(device.id, count, context.inventory),
        row=row,
    )


def settings_of(
    row: Row, engine: EngineProfile, device: Accelerator, workload: ServingWorkload, longest: int
) -> EngineSettings:
    """The engine's knobs as the row states them; a model longer than it was made for, where its requests are.

    Raises InputError for what is out of range.
    """
    beyond = workload.total_tokens if longest and workload.total_tokens > longest else None
    return EngineSettings(
        memory_utilization=in_range("memory_utilization", number(row, "memory_utilization") or 0, 1) or None,
        max_model_len=_whole(row, "max_model_len") or beyond,
        max_num_seqs=_whole(row, "max_num_seqs") or _default_sequences(engine, device, workload),
        max_num_batched_tokens=_whole(row, "max_num_batched_tokens"),
        admission_steps=_whole(row, "admission_steps"),
        decode_context_parallel=_whole(row, "dcp"),
        enforce_eager=True if text(row, "enforce_eager") == "yes" else None,
        prefix_caching=False if text(row, "prefix_caching") == "no" else None,
        sampling=text(row, "sampling") or None,
    )


def _whole(row: Row, column: str) -> int | None:
    return int(in_range(column, number(row, column) or 0, MOST_TOKENS)) or None


def load_of(row: Row) -> ServingWorkload:
    """The load of a measured row: number and lengths of its requests, and how they arrive. Raises InputError."""
    given, wanted = lengths(row)
    kind, requests = text(row, "traffic"), number(row, "requests")
    rate = number(row, "request_rate") if kind == "rate" else None
    if text(row, "kind") == "prefill_latency":
        wanted = 1
    users = in_range("concurrency", number(row, "concurrency") or 1.0, MOST_USERS)
    if kind not in ("closed", "burst", "rate"):
        raise InputError("traffic", f"{kind[:20]!a} is none of closed, burst, rate")
    if kind == "burst" and not requests:
        requests = users if number(row, "concurrency") else SATURATED
    sent = None if requests is None else max(int(in_range("requests", requests, MOST_REQUESTS)), 1)
    varied = in_range("length_variation", number(row, "length_variation") or 0.0, MOST_VARIATION)
    asked = ServingWorkload(
        input_tokens=given,
        output_tokens=wanted,
        requests_per_second=rate,
        length_variation=varied,
        lengths=text(row, "lengths") or "fixed",
        traffic=kind,
        requests=sent,
        prefix_cache_hit=_prompts_known(row, given),
    )
    return asked if rate else replace(asked, concurrency=max(int(users), 1))


def _prompts_known(row: Row, input_tokens: int) -> float:
    """Share of the prompts that is computed before the row's time is taken: all but the token that starts an answer,
    where a batch that starts together is timed in decoding alone (llama-batched-bench's S_TG).
    """
    timed = text(row, "traffic") == "burst" and text(row, "rate_is") == "decode"
    return 1 - 1 / input_tokens if timed else 0.0


def lengths(row: Row) -> Lengths:
    """Prompt and output tokens of a row's requests: as stated, as its printed rates imply, or as its task is known to
    have.
    """
    given, wanted = number(row, "input_tokens"), number(row, "output_tokens")
    requests, output, total = (number(row, f"{each}_per_s") for each in ("requests", "output_tokens", "total_tokens"))
    if requests and output and total and total > output:
        given = given or (total - output) / requests
        wanted = wanted or output / requests
    notes = text(row, "notes").lower()
    if given is None:
        given = next((tokens for task, tokens in TASK_INPUT_TOKENS.items() if task in notes), UNSTATED_INPUT_TOKENS)
    given = in_range("input_tokens", given, MOST_TOKENS)
    wanted = in_range("output_tokens", wanted or UNSTATED_OUTPUT_TOKENS, MOST_TOKENS)
    share = in_range("length_share", number(row, "length_share") or 1.0, 1)
    return Lengths(max(int(given * share), 1), max(int(wanted * share), 1))


def in_range(column: str, value: float, most: float) -> float:
    """The value of a column, checked: raises InputError naming the column where it is below 0 or above `most`."""
    if not 0 <= value <= most:
        raise InputError(column, f"{value:g} is out of range, expected 0 to {most:,}")
    return value


def layout_of(row: Row, architecture: Architecture, engine: EngineProfile) -> Layout:
    """Ranks of the engine that a row ran. Raises InputError where its columns contradict the number of devices."""
    count = int(in_range("accelerator_count", number(row, "accelerator_count") or 0, MOST_RANKS))
    tp, pp, ep, dp = (int(in_range(each, number(row, each) or 0, MOST_RANKS)) for each in ("tp", "pp", "ep", "dp"))
    pp, dp = max(pp, 1), max(dp, 1)
    neuron = "neuron" in engine.device_kinds
    if not tp:
        tp = max(count // (pp * dp), 1)
    if tp == 1 and pp == 1 and dp == 1 and ep > 1:
        tp = ep  # attention is tensor-parallel over the same ranks
    if min(tp, pp, dp) < 1 or (count and not neuron and tp * pp * dp > count * max(tp, 1)):
        raise InputError("tp", f"tp {tp} x pp {pp} x dp {dp} on {count} devices")
    if engine.tensor_parallel == (1,) and tp > 1 and not neuron:
        tp, pp = 1, tp * pp  # layers are split over the devices, which take turns
    if not architecture.is_moe:
        return Layout(tp=tp, pp=pp)
    if tp > 1 and dp == 1 and engine.id == "trtllm-bench" and engine.version == "1.0":
        tp, ep, dp = 1, tp, tp  # its overview copies the attention of every mixture of experts
    return Layout(tp=tp, pp=pp, ep=tp * dp if ep > 1 or dp > 1 else 1, dp=dp)


def weights_of(row: Row, architecture: Architecture) -> str:
    """Weight format of a measured row, as that engine's checkpoints of that architecture use it. Raises InputError."""
    named = text(row, "weight_format").lower() or "bf16"
    model = f"{text(row, 'model_id')} {text(row, 'base_model_id')}".lower()
    if "gpt-oss" in model and named in ("fp8", "bf16", "mxfp4"):
        return "mxfp4"
    if named == "fp8":
        if "405b" in model and model.split()[0].endswith("-fp8"):
            return "fp8-mlp"  # Meta's own: attention in 16 bit
        return "fp8-block" if _block_scaled(model) else "fp8"
    if named == "int8":
        return "int8-wo"
    stored = named if named in WEIGHT_FORMATS else next((each for key, each in _FAMILIES if re.search(key, named)), "")
    if not stored:
        raise InputError("weight_format", f"unknown format {named[:40]!a}")
    return "nvfp4-mlp" if stored == "nvfp4" and _keeps_attention(architecture) else stored


_FAMILIES = (
    (r"^(f|bf|fp)?(loat)?16|bfloat16|half", "bf16"),
    (r"fp4", "nvfp4"),
    (r"gptq", "int4-gptq"),
    (r"int4|w4|awq|exl2-4|4bit|4-bit", "int4-awq"),
    (r"exl2-5", "exl2-5.0bpw"),
    (r"int8|w8a16|8bit|8-bit", "int8-wo"),
    (r"fp8|w8a8|e4m3", "fp8"),
    (r"q8", "gguf-q8_0"),
    (r"q6", "gguf-q6_k"),
    (r"q5", "gguf-q5_k_m"),
    (r"iq4|q4", "gguf-q4_k_m"),
    (r"q3", "gguf-q3_k_m"),
    (r"q2|iq2", "gguf-q2_k"),
    (r"iq1|q1", "gguf-iq1_s"),
)


def cache_of(row: Row, engine: str, architecture: Architecture) -> str:
    """Cache format of a measured row: as stated, else what the engine chooses for such weights."""
    stated = text(row, "kv_format").lower()
    named = text(row, "weight_format").lower()
    if stated:
        return "fp8" if "8" in stated and "16" not in stated else "bf16"
    blackwell = text(row, "accelerator_id") in BLACKWELL
    # vendors' tables of maximum load run checkpoints as they come, and those in mxfp4 say nothing of the cache
    recipe = blackwell and text(row, "kind") != "throughput_max"
    low = named in ("fp8", "nvfp4") or (named == "mxfp4" and recipe)
    silicon = "silicon run" in text(row, "notes").lower() and engine == "vllm" and not architecture.is_moe
    return "fp8" if low and (blackwell or silicon or engine in EIGHT_BIT_CACHES) else "bf16"


def _device(row: Row, context: Context) -> Accelerator:
    """The device that the row names, else that of its instance type. Raises InputError."""
    machine = context.inventory.machines.get(text(row, "instance_type"))
    if text(row, "accelerator_id") or machine is None:
        return context.accelerator(row)
    return context.inventory.accelerators[machine.accelerator]


def _default_sequences(engine: EngineProfile, device: Accelerator, workload: ServingWorkload) -> int | None:
    """vLLM's own limit, where more requests come at once; who serves so many raises it, a benchmark does not."""
    if engine.id != "vllm":
        return None
    limit = device_defaults(engine.memory, device).max_num_seqs
    sent = workload.requests if workload.kind == "burst" else workload.concurrency
    return limit if sent and sent > limit else None


def _count(layout: Layout, device: Accelerator) -> tuple[int, int | None]:
    """Devices of one machine, and machines where they are several."""
    chips = -(-layout.devices // device.cores)
    if chips <= MACHINE_DEVICES or device.id in NVL72 or device.kind != "gpu":
        return chips, None
    return MACHINE_DEVICES, -(-chips // MACHINE_DEVICES)


def _block_scaled(model: str) -> bool:
    """Checkpoints released in 128 x 128 blocks: DeepSeek, MiniMax, GLM-5, Kimi, and Qwen's own FP8.

    GLM-4.5 and 4.6 have a scale a channel (compressed-tensors: github.com/HabanaAI/vllm-hpu-extension pull 350).
    """
    return bool(re.search(r"deepseek|minimax|glm-5|kimi", model) or ("qwen" in model and "-fp8" in model))


def _keeps_attention(architecture: Architecture) -> bool:
    """NVFP4 checkpoints of latent, linear-attention and 256-expert models leave attention in 16 bit."""
    mixers = [group.layer.mixer for group in architecture.groups if group.layer.mixer]
    latent = any(not isinstance(mixer, Attention) and mixer.cache_width for mixer in mixers)
    return latent or any(mixer.state_elements for mixer in mixers) or divisors(architecture).experts >= 256
