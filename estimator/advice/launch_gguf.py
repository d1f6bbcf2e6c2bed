"""Launch commands of the servers that read GGUF files: llama.cpp's own and Ollama."""

from collections.abc import Iterator

from estimator.advice.launch_drafts import llamacpp_drafts
from estimator.advice.launch_server import ENGINE_DEFAULT, Argument, Server, Start, length_reason


def llamacpp(server: Server) -> Start:
    """The `llama-server` command of a replica, with a repository of GGUF files that holds one file for each format."""
    arguments = tuple(_llamacpp_arguments(server))
    if "gguf" in server.model.lower():
        option = "--model" if server.model.lower().rstrip("'").endswith(".gguf") else "-hf"
        return Start(f"llama-server {option} {server.model}", arguments)
    repository = f"{server.model}-GGUF"
    note = f"{repository} stands for a repository that holds GGUF files of {server.model}: put the name of yours"
    return Start(f"llama-server -hf {repository}:{server.weights.removeprefix('gguf-').upper()}", arguments, (note,))


def _llamacpp_arguments(server: Server) -> Iterator[Argument]:
    layout = server.layout
    if layout.host and layout.host_part == "experts":
        yield Argument("--n-gpu-layers 999", "every layer on the accelerator, but for experts")
        yield Argument(f"--n-cpu-moe {layout.host}", f"the experts of {layout.host} layers stay in host memory")
    elif layout.host:
        kept = f"--n-gpu-layers {server.layers - layout.host}"
        yield Argument(kept, f"the other {layout.host} layers stay in host memory")
    else:
        yield Argument("--n-gpu-layers 999", "every layer on the accelerator")
    if server.host_cache_option:
        why = "the cache stays in host memory, where the CPU attends to it"
        yield Argument(server.host_cache_option, why, "--kv-on-host")
    context = server.max_model_len * server.users
    yield Argument(f"--ctx-size {context}", f"{server.max_model_len} tokens for each slot", length_reason(server)[1])
    yield Argument(f"--parallel {server.users}", "requests at once", "--concurrency")
    if layout.tp > 1:
        yield Argument("--split-mode tensor", f"a slice of every layer on each of {layout.tp} devices", "--tp")
    elif layout.devices > 1:
        yield Argument("--split-mode layer", f"layers over {layout.devices} devices, which take turns")
        if server.card_memory_gb:
            shares = ",".join(f"{each:g}" for each in server.card_memory_gb)
            yield Argument(f"--tensor-split {shares}", "layers by the memory of each card, as they are named")
    if server.cache != "bf16":
        formats = f"--cache-type-k {server.cache} --cache-type-v {server.cache}"
        yield Argument(formats, "format of keys and values", "--kv")
    yield from llamacpp_drafts(server)
    yield Argument("--flash-attn on", "needed for a quantised cache, faster without one", ENGINE_DEFAULT)


def ollama(server: Server) -> Start:
    """`ollama serve`, which reads its settings from the environment (docs.ollama.com/faq); the model is pulled beside
    it."""
    name = server.model if "gguf" in server.model.lower() else f"{server.model}-GGUF"
    pulled = f"hf.co/{name}:{server.weights.removeprefix('gguf-').upper()}"
    arguments = [
        Argument(f"OLLAMA_CONTEXT_LENGTH={server.max_model_len}", "tokens of each slot", length_reason(server)[1]),
        Argument(f"OLLAMA_NUM_PARALLEL={server.users}", "requests at once", "--concurrency"),
        Argument("OLLAMA_FLASH_ATTENTION=1", "needed for a quantised cache, faster without one", ENGINE_DEFAULT),
    ]
    if server.cache != "bf16":
        arguments.append(Argument(f"OLLAMA_KV_CACHE_TYPE={server.cache}", "format of keys and values", "--kv"))
    if server.layout.devices > 1:
        arguments.append(Argument("OLLAMA_SCHED_SPREAD=1", f"layers over all {server.layout.devices} devices"))
    notes = (f"then, beside it: ollama run {pulled}, or the name under which your GGUF files stand",)
    last = (Argument("ollama serve", "the server", ENGINE_DEFAULT),)
    return Start("env", tuple(arguments), notes, port="OLLAMA_HOST=0.0.0.0:{}", last=last)
