"""The command that starts an engine the way it was estimated: every value that was assumed, and why."""

import shlex
from collections.abc import Callable, Iterator
from typing import NamedTuple

from estimator.engines.memory_policy import DeviceDefaults
from estimator.engines.profiles import EngineProfile
from estimator.engines.support import stand_in
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.models.formats import cache_format
from estimator.models.model import Model
from estimator.results import Evaluation, MemoryReport
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import engine_on
from estimator.scenario.scenario import Scenario
from estimator.serving.memory.budget import device_defaults


class Argument(NamedTuple):
    """One option as it is typed, and where its value comes from."""

    text: str
    why: str


class Command(NamedTuple):
    """A program, its options, and what must be true before it runs."""

    program: str
    arguments: tuple[Argument, ...]
    notes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """As a shell takes it, one option a line."""
        return " \\\n  ".join((self.program, *(argument.text for argument in self.arguments)))


class Launch(NamedTuple):
    """What the writers of every engine need."""

    model: str
    weights: str
    """Format asked for, where it is not the checkpoint's own; else empty."""
    cache: str
    layout: Layout
    replicas: int
    memory: MemoryReport
    max_model_len: int
    users: int
    """Requests in flight on one replica."""
    defaults: DeviceDefaults
    scenario: Scenario


def launch(model: Model, scenario: Scenario, row: Evaluation, inventory: Inventory) -> Command:
    """How to start one replica of a candidate that fits. Raises InputError where there is nothing to start."""
    if row.verdict != "fits" or row.memory is None:
        raise InputError("command", f"{row.candidate.machine}: {row.reason or row.verdict.replace('_', ' ')}")
    device = inventory.accelerators[row.candidate.accelerator]
    engine = engine_on(device, inventory.engine(scenario.engine, scenario.engine_version), inventory)
    writer = WRITERS.get(engine.id)
    if writer is None:
        raise InputError("engine", f"{engine.name} is no server that can be started; one of {', '.join(WRITERS)}")
    weights = stand_in(engine, scenario.weights)
    asked = Launch(
        shlex.quote(model.path or model.id),
        "" if model.weights(weights) == model.checkpoint else weights,
        cache_format(scenario.kv).id,
        row.candidate.layout,
        row.candidate.replicas,
        row.memory,
        scenario.settings.max_model_len or scenario.workload.total_tokens,
        max(1, round(scenario.workload.concurrency / max(row.candidate.replicas, 1))),
        device_defaults(
            engine.memory, device.kernels, device.memory_usable_bytes, model.architecture.whole_image_tokens
        ),
        scenario,
    )
    return Command(
        PROGRAMS[engine.id].format(model=asked.model), tuple(writer(asked)), tuple(_notes(asked, engine, model))
    )


def _notes(asked: Launch, engine: EngineProfile, model: Model) -> Iterator[str]:
    if asked.replicas > 1:
        yield f"{asked.replicas} replicas: one command for each, on {asked.layout.devices} accelerators of its own"
    if asked.weights and asked.weights not in QUANTISES.get(engine.id, {}):
        yield f"point it at a checkpoint in {asked.weights}; {model.id} is {model.native_weights}"
    if not asked.memory.cuda_graphs_in_budget and asked.memory.cuda_graph_bytes:
        yield f"{engine.name} captures CUDA graphs outside its memory fraction"


def _vllm(asked: Launch) -> Iterator[Argument]:
    yield from _ranks(asked, "--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size")
    yield from _striped(asked, "--decode-context-parallel-size")
    if asked.layout.ep > 1:
        yield Argument("--enable-expert-parallel", f"experts over {asked.layout.ep} ranks")
    yield Argument(f"--max-model-len {asked.max_model_len}", _length(asked))
    yield Argument(f"--gpu-memory-utilization {asked.memory.utilization:g}", "share of device memory the engine takes")
    yield Argument(f"--max-num-seqs {_sequences(asked)}", "sequences in a batch; sizes the sampler's buffers")
    yield Argument(f"--max-num-batched-tokens {_chunk(asked)}", "tokens in a step; sizes the activations")
    yield from _quantised(asked, "vllm")
    if asked.cache != "bf16":
        yield Argument(f"--kv-cache-dtype {asked.cache}", "format of keys and values")
    if asked.scenario.workload.prefix_cache_hit:
        yield Argument("--enable-prefix-caching", f"{asked.scenario.workload.prefix_cache_hit:.0%} of prompts repeat")


def _neuron(asked: Launch) -> Iterator[Argument]:
    yield from _ranks(asked, "--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size")
    yield Argument(f"--max-model-len {asked.max_model_len}", "compiled for this length")
    yield Argument(f"--max-num-seqs {asked.users}", "the static batch that is compiled")


def _sglang(asked: Launch) -> Iterator[Argument]:
    yield from _ranks(asked, "--tp-size", "--pp-size", "--dp-size")
    yield from _striped(asked, "--dcp-size")
    if asked.layout.ep > 1:
        yield Argument(f"--ep-size {asked.layout.ep}", "experts over these ranks")
    if asked.layout.dp > 1:
        yield Argument("--enable-dp-attention", "each rank attends for its own requests")
    yield Argument(f"--context-length {asked.max_model_len}", _length(asked))
    yield Argument(f"--mem-fraction-static {asked.memory.utilization:.3g}", "weights and cache together")
    yield Argument(f"--max-running-requests {_sequences(asked)}", "sequences in a batch")
    yield Argument(f"--chunked-prefill-size {_chunk(asked)}", "tokens of a prompt in one step")
    yield from _quantised(asked, "sglang")
    if asked.cache == "fp8":
        yield Argument("--kv-cache-dtype fp8_e4m3", "format of keys and values")


def _trtllm(asked: Launch) -> Iterator[Argument]:
    yield from _ranks(asked, "--tp_size", "--pp_size", "")
    if asked.layout.ep > 1:
        yield Argument(f"--ep_size {asked.layout.ep}", "experts over these ranks")
    yield Argument(f"--max_seq_len {asked.max_model_len}", _length(asked))
    yield Argument(f"--max_batch_size {_sequences(asked)}", "sequences in a batch")
    yield Argument(f"--max_num_tokens {_chunk(asked)}", "tokens in a step")
    yield Argument(f"--kv_cache_free_gpu_memory_fraction {asked.memory.utilization:g}", "of what weights leave free")


def _llamacpp(asked: Launch) -> Iterator[Argument]:
    yield Argument("--n-gpu-layers 999", "every layer on the accelerator")
    yield Argument(f"--ctx-size {asked.max_model_len * asked.users}", f"{asked.max_model_len} tokens for each slot")
    yield Argument(f"--parallel {asked.users}", "requests at once")
    if asked.layout.devices > 1:
        yield Argument("--split-mode layer", f"layers over {asked.layout.devices} devices, which take turns")
    if asked.cache != "bf16":
        yield Argument(f"--cache-type-k {asked.cache} --cache-type-v {asked.cache}", "format of keys and values")
    yield Argument("--flash-attn on", "needed for a quantised cache, faster without one")


def _tgi(asked: Launch) -> Iterator[Argument]:
    yield Argument(f"--num-shard {asked.layout.tp}", "tensor parallelism")
    yield Argument(f"--max-input-tokens {asked.scenario.workload.input_tokens}", "longest prompt")
    yield Argument(f"--max-total-tokens {asked.max_model_len}", _length(asked))
    yield Argument(f"--max-batch-prefill-tokens {_chunk(asked)}", "tokens in a prefill step")
    yield Argument(f"--cuda-memory-fraction {asked.memory.utilization:g}", "share of device memory")


WRITERS: dict[str, Callable[[Launch], Iterator[Argument]]] = {
    "vllm": _vllm,
    "sglang": _sglang,
    "trtllm": _trtllm,
    "llamacpp": _llamacpp,
    "tgi": _tgi,
    "neuron": _neuron,
}
PROGRAMS = {
    "vllm": "vllm serve {model}",
    "sglang": "python -m sglang.launch_server --model-path {model}",
    "trtllm": "trtllm-serve {model}",
    "llamacpp": "llama-server --model {model}.gguf",
    "tgi": "text-generation-launcher --model-id {model}",
    "neuron": "vllm serve {model}",
}
QUANTISES = {
    "vllm": {"fp8": "fp8", "nf4": "bitsandbytes", "nf4-dq": "bitsandbytes", "int8-bnb": "bitsandbytes"},
    "sglang": {"fp8": "fp8", "int8": "w8a8_int8"},
}
"""Formats that an engine makes of 16-bit weights while it loads them, as its option names them."""


def _ranks(asked: Launch, tp: str, pp: str, dp: str) -> Iterator[Argument]:
    layout = asked.layout
    yield Argument(f"{tp} {layout.tp}", "accelerators that share every layer")
    if layout.pp > 1:
        yield Argument(f"{pp} {layout.pp}", "stages, each with its share of the layers")
    if layout.dp > 1 and dp:
        yield Argument(f"{dp} {layout.dp}", "attention copies")


def _striped(asked: Launch, option: str) -> Iterator[Argument]:
    dcp = asked.scenario.settings.dcp
    if dcp > 1:
        yield Argument(f"{option} {dcp}", "of these, so many share the tokens of a sequence")


def _quantised(asked: Launch, engine: str) -> Iterator[Argument]:
    if asked.weights in QUANTISES[engine]:
        yield Argument(f"--quantization {QUANTISES[engine][asked.weights]}", "16-bit weights, quantised while loading")


def _length(asked: Launch) -> str:
    return "as asked" if asked.scenario.settings.max_model_len else "input and output tokens of a request"


def _sequences(asked: Launch) -> int:
    return asked.scenario.settings.max_num_seqs or asked.defaults.max_num_seqs


def _chunk(asked: Launch) -> int:
    return asked.scenario.settings.max_num_batched_tokens or asked.defaults.max_num_batched_tokens
