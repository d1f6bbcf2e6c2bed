"""One writer for each engine: the options by which it is started with the values of an estimate.

Source of the options: vLLM docs/serving/parallelism_scaling.md and data_parallel_deployment.md; SGLang
docs/advanced_features/server_arguments.md and dp_dpa_router_guide.md; TensorRT-LLM trtllm-serve reference and
examples/llm-api/llm_mgmn_trtllm_serve.sh; llama.cpp tools/server/README.md; TGI launcher reference; vLLM on Neuron
user guide.
"""

from collections.abc import Callable, Iterator

from estimator.advice.launch_drafts import sglang_drafts, vllm_drafts
from estimator.advice.launch_gguf import llamacpp, ollama
from estimator.advice.launch_server import (
    CHOSEN,
    ENGINE_DEFAULT,
    LINEAR_MODULES,
    Argument,
    Server,
    Start,
    length_reason,
)
from estimator.serving.speed.admission import HELD_SHARE
from estimator.units import GIB

HEAD_PORT = 29_500
"""Port on which the machines of one engine find each other; PyTorch's own default for a rendezvous."""
RANK, HEAD = '"$NODE_RANK"', '"$HEAD_ADDRESS"'
"""Shell variables of a machine's number and of the first machine's address."""


def vllm(server: Server) -> Start:
    """The `vllm serve` command of a replica on each of its machines; all but the first run without an HTTP server."""
    return Start(f"vllm serve {server.model}", tuple(_vllm_arguments(server)))


def _vllm_arguments(server: Server) -> Iterator[Argument]:
    layout = server.layout
    yield from _ranks(server, tp="--tensor-parallel-size", pp="--pipeline-parallel-size")
    if layout.dp > 1:
        yield Argument(f"--data-parallel-size {layout.dp}", "attention replicas", _source(server, "dp"))
    yield from _context_parallel(server, "--decode-context-parallel-size")
    if layout.ep > 1:
        yield Argument("--enable-expert-parallel", f"experts over {layout.ep} ranks", _source(server, "ep"))
    if server.machines > 1 and layout.dp > 1:
        local = layout.dp // server.machines
        yield Argument(f"--data-parallel-size-local {local}", "attention replicas on each machine")
        yield Argument(f"--data-parallel-address {HEAD} --data-parallel-rpc-port {HEAD_PORT}", "the first machine")
        yield Argument(_not_on_head(f"--headless --data-parallel-start-rank $((NODE_RANK * {local}))"), "the others")
    elif server.machines > 1:
        yield Argument(f"--nnodes {server.machines} --node-rank {RANK}", "machines of a replica, and this one's number")
        yield Argument(f"--master-addr {HEAD} --master-port {HEAD_PORT}", "the first machine")
        yield Argument(_not_on_head("--headless"), "only the first machine answers requests")
    yield Argument(f"--max-model-len {server.max_model_len}", *length_reason(server))
    if layout.host:
        each = server.memory.host_bytes / layout.devices / GIB
        yield Argument(f"--cpu-offload-gb {each:.1f}", f"weights of {layout.host} layers stay in host memory")
    share = _source(server, "memory-utilization")
    yield Argument(f"--gpu-memory-utilization {server.memory.utilization:g}", "share of device memory it takes", share)
    yield Argument(f"--max-num-seqs {_sequences(server)}", "sequences in a batch", _source(server, "max-num-seqs"))
    source = _source(server, "max-num-batched-tokens")
    yield Argument(f"--max-num-batched-tokens {_chunk(server)}", "tokens in a step", source)
    yield from _quantised(server)
    yield from _eager(server)
    yield from _adapters(server, "--max-loras")
    if server.cache != "bf16":
        yield Argument(f"--kv-cache-dtype {server.cache}", "format of keys and values", "--kv")
    yield from _prefixes(server)
    yield from vllm_drafts(server)


def neuron(server: Server) -> Start:
    """The command of vLLM with its Neuron plugin, which compiles one length and one batch."""
    arguments = (
        *_ranks(server, tp="--tensor-parallel-size", pp="--pipeline-parallel-size"),
        Argument(f"--max-model-len {server.max_model_len}", "compiled for this length", length_reason(server)[1]),
        Argument(f"--max-num-seqs {server.users}", "the static batch that is compiled", "--concurrency"),
    )
    return Start(f"vllm serve {server.model}", arguments)


def sglang(server: Server) -> Start:
    """The `sglang.launch_server` command of a replica; its tensor-parallel size counts every device of a stage,
    attention replicas included.
    """
    return Start(f"python -m sglang.launch_server --model-path {server.model}", tuple(_sglang_arguments(server)))


def _sglang_arguments(server: Server) -> Iterator[Argument]:
    layout = server.layout
    yield Argument(f"--tp-size {server.ranks}", "accelerators that share every layer", _source(server, "tp"))
    if layout.pp > 1:
        yield Argument(f"--pp-size {layout.pp}", "stages, each with its share of the layers", _source(server, "pp"))
    if layout.dp > 1:
        why = f"attention replicas, each on {layout.tp} of these"
        yield Argument(f"--dp-size {layout.dp} --enable-dp-attention", why, _source(server, "dp"))
    yield from _context_parallel(server, "--dcp-size")
    if layout.ep > 1:
        yield Argument(f"--ep-size {layout.ep}", "experts over these ranks", _source(server, "ep"))
    if server.machines > 1:
        yield Argument(f"--nnodes {server.machines} --node-rank {RANK}", "machines of a replica, and this one's number")
        yield Argument(f"--dist-init-addr {HEAD}:{HEAD_PORT}", "the first machine")
    yield Argument(f"--context-length {server.max_model_len}", *length_reason(server))
    share = _source(server, "memory-utilization")
    yield Argument(f"--mem-fraction-static {server.memory.utilization:.3g}", "weights and cache together", share)
    # SGLang divides both by the attention replicas (sglang/srt/server_args.py, managers/scheduler.py)
    sequences, chunk = _sequences(server) * layout.dp, _chunk(server) * layout.dp
    yield Argument(f"--max-running-requests {sequences}", "sequences in a batch", _source(server, "max-num-seqs"))
    source = _source(server, "max-num-batched-tokens")
    yield Argument(f"--chunked-prefill-size {chunk}", "tokens of a prompt in one step", source)
    if steps := server.admission_steps:
        why = "decode steps between two looks for new requests"
        yield Argument(f"--scheduler-recv-interval {steps}", why, "--admission-steps")
    yield from _quantised(server)
    yield from _eager(server)
    yield from _prefixes(server)
    yield from _adapters(server, f"--lora-target-modules {LINEAR_MODULES} --max-loras-per-batch")
    if server.cache == "fp8":
        yield Argument("--kv-cache-dtype fp8_e4m3", "format of keys and values", "--kv")
    yield from sglang_drafts(server)


TRTLLM_OPTIONS = "trtllm-options.yaml"


def trtllm(server: Server) -> Start:
    """The `trtllm-serve` command of a replica; what it has no option for stands in a YAML file, and MPI starts it on
    several machines.
    """
    program, notes = f"trtllm-serve {server.model}", tuple[str, ...]()
    if server.machines > 1:
        program = f"trtllm-llmapi-launch {program}"
        notes = (f"start it under MPI or Slurm with {server.layout.devices} tasks, one for each accelerator",)
    lines = [*(["enable_attention_dp: true"] if server.layout.dp > 1 else []), *_trtllm_admission(server)]
    if server.cache == "fp8":
        lines += ["kv_cache_config:", "  dtype: fp8"]
    text = "\n".join([f"cat > {TRTLLM_OPTIONS} <<'EOF'", *lines, "EOF", ""]) if lines else ""
    return Start(program=program, arguments=tuple(_trtllm_arguments(server, bool(lines))), notes=notes, setup=text)


def _trtllm_admission(server: Server) -> list[str]:
    """Lines by which prompts wait for others to fill a step, or attention replicas for each other."""
    steps = server.admission_steps
    if not steps:
        return []
    if server.layout.dp > 1:
        return ["attention_dp_config:", "  enable_balance: true", f"  timeout_iters: {steps}"]
    return [f"batch_wait_timeout_iters: {steps}", f"batch_wait_max_tokens_ratio: {HELD_SHARE:g}"]


def _trtllm_arguments(server: Server, has_options: bool) -> Iterator[Argument]:
    layout = server.layout
    yield Argument(f"--tp_size {server.ranks}", "accelerators that share every layer", _source(server, "tp"))
    if layout.pp > 1:
        yield Argument(f"--pp_size {layout.pp}", "stages, each with its share of the layers", _source(server, "pp"))
    if layout.ep > 1:
        yield Argument(f"--ep_size {layout.ep}", "experts over these ranks", _source(server, "ep"))
    if has_options:
        why = "attention replicas, cache format, how long prompts wait"
        yield Argument(f"--extra_llm_api_options {TRTLLM_OPTIONS}", why, "--dp, --kv, --admission-steps")
    yield Argument(f"--max_seq_len {server.max_model_len}", *length_reason(server))
    yield Argument(f"--max_batch_size {_sequences(server)}", "sequences in a batch", _source(server, "max-num-seqs"))
    source = _source(server, "max-num-batched-tokens")
    yield Argument(f"--max_num_tokens {_chunk(server)}", "tokens in a step", source)
    share = f"--kv_cache_free_gpu_memory_fraction {server.memory.utilization:g}"
    yield Argument(share, "of what weights leave free", _source(server, "memory-utilization"))


def tgi(server: Server) -> Start:
    """The `text-generation-launcher` command of a replica (TGI)."""
    workload = server.scenario.workload
    share, chunk = _source(server, "memory-utilization"), _source(server, "max-num-batched-tokens")
    arguments = (
        Argument(f"--num-shard {server.layout.tp}", "tensor parallelism", _source(server, "tp")),
        Argument(f"--max-input-tokens {workload.prompt_tokens}", "longest prompt", "--input-tokens"),
        Argument(f"--max-total-tokens {server.max_model_len}", *length_reason(server)),
        Argument(f"--max-batch-prefill-tokens {_chunk(server)}", "tokens in a prefill step", chunk),
        Argument(f"--cuda-memory-fraction {server.memory.utilization:g}", "share of device memory", share),
        *(
            [Argument("--kv-cache-dtype fp8_e4m3fn", "format of keys and values", "--kv")]
            if server.cache == "fp8"
            else ()
        ),
        *_eager(server),
    )
    return Start(f"text-generation-launcher --model-id {server.model}", arguments)


WRITERS: dict[str, Callable[[Server], Start]] = {
    "vllm": vllm,
    "sglang": sglang,
    "trtllm": trtllm,
    "llamacpp": llamacpp,
    "ollama": ollama,
    "tgi": tgi,
    "neuron": neuron,
}
"""By the key that an engine's entry names (`program.launch`)."""


def _ranks(server: Server, tp: str, pp: str) -> Iterator[Argument]:
    layout = server.layout
    yield Argument(f"{tp} {layout.tp}", "accelerators that share every layer", _source(server, "tp"))
    if layout.pp > 1:
        yield Argument(f"{pp} {layout.pp}", "stages, each with its share of the layers", _source(server, "pp"))


def _context_parallel(server: Server, option: str) -> Iterator[Argument]:
    dcp = server.scenario.settings.dcp
    if dcp > 1:
        why = "of these, so many share the tokens of a sequence"
        yield Argument(f"{option} {dcp}", why, "--decode-context-parallel")


def _quantised(server: Server) -> Iterator[Argument]:
    if not server.is_own_format and server.quantisation:
        yield Argument(f"--quantization {server.quantisation}", "16-bit weights, quantised while loading", "--weights")


def _eager(server: Server) -> Iterator[Argument]:
    if server.scenario.settings.enforce_eager:
        yield Argument(server.eager_option, "no CUDA graphs: their memory goes to the cache", "--enforce-eager")


def _prefixes(server: Server) -> Iterator[Argument]:
    """Whether prompts' caches are kept, where the scenario says so and the engine's default may be another."""
    settings, repeated = server.scenario.settings, server.scenario.workload.prefix_cache_hit
    if server.prefix_options is None or (settings.prefix_caching is None and not repeated):
        return
    keeping, dropping = server.prefix_options
    if settings.prefix_caching is False:
        yield Argument(dropping, "no prompt's cache is kept for others like it", "--prefix-caching")
    elif keeping:
        why = f"{repeated:.0%} of prompts repeat" if repeated else "prompts' caches are kept for others like them"
        yield Argument(keeping, why, "--prefix-cache-hit" if repeated else "--prefix-caching")


def _adapters(server: Server, number_option: str) -> Iterator[Argument]:
    adapters = server.adapters
    if adapters:
        why = "adapters that one batch may mix, and the rank of their slots"
        options = f"--enable-lora {number_option} {adapters.number} --max-lora-rank {adapters.rank}"
        yield Argument(options, why, "--lora")


def _sequences(server: Server) -> int:
    return server.scenario.settings.max_num_seqs or server.defaults.max_num_seqs


def _chunk(server: Server) -> int:
    return server.scenario.settings.max_num_batched_tokens or server.defaults.max_num_batched_tokens


def _source(server: Server, option: str) -> str:
    """The option where the scenario sets it, else the ranked layout or the engine's default."""
    name = option.replace("-", "_")
    placement, settings = server.scenario.placement, server.scenario.settings
    if getattr(placement, name, None) is not None or getattr(settings, name, None) is not None:
        return f"--{option}"
    return CHOSEN if hasattr(placement, name) else ENGINE_DEFAULT


def _not_on_head(options: str) -> str:
    """Options that every machine but the first gets, as the shell decides on each."""
    return f'$(test "$NODE_RANK" = 0 || echo "{options}")'
