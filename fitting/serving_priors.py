"""Which constants `fit_serving.py` moves, each with its prior and how far from it a few cases may take it."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from estimator.engines.speed_constants import Efficiency
from fitting.serving_rows import FitCase

# Field, by the path inside an engine class: (prior, standard deviation of its logarithm)
Priors = dict[str, tuple[float, float]]
KERNELS: Priors = {
    "kernels.latency": (1.0, 0.2),
    "kernels.bandwidth": (1.0, 0.1),
    "kernels.compute": (1.0, 0.12),
    "kernels.attention_bandwidth": (1.0, 0.12),
    "kernels.expert_latency": (1.0, 0.25),
    "kernels.expert_bandwidth": (1.0, 0.12),
    "kernels.expert_compute": (1.0, 0.25),
    "kernels.all_reduce_latency": (1.0, 0.2),
}
FORMATS: Priors = {
    "kernels.fp8_compute": (1.0, 0.12),
    "kernels.fp4_compute": (1.0, 0.12),
    "kernels.fp8_cache": (1.0, 0.25),
}
HOST: Priors = {"host.step_ms": (0.5, 1.0), "host.sequence_us": (10.0, 1.0)}
BESIDE: Priors = {"host.decode_ms": (2.0, 0.7), "host.sequence_us": (50.0, 0.7)}
"""Of schedulers that work while the device does: 512 answers of MiniMax-M2.5 take a step of 30 ms on four B200 and on
four B300 alike (vLLM 0.19), 128 of Llama-3.1-70B 21 ms on eight H200 and 14 on eight B200 (TensorRT-LLM)."""
FIRST: Priors = {
    "first_token.layer_ms": (0.7, 0.35),
    "first_token.wait": (1.0, 0.12),
    "prompts.factor": (1.0, 0.2),
}
TOKENISED: Priors = {"first_token.token_us": (3.0, 0.5)}
"""Hugging Face's tokenizers split 1 to 2 MB of text a second (github.com/openai/tiktoken): 4.5 bytes a token."""
SERVED: Priors = TOKENISED | {"first_token.front_end_ms": (2.0, 0.5)}
"""One API process takes in some hundreds of requests a second: 1,000 that come together are ready after 0.5-3 s in
SGLang and TensorRT-LLM, after 2-16 s in vLLM (64 HTTP bursts)."""
CHAT_SERVED: Priors = TOKENISED | {"first_token.front_end_ms": (4.0, 1.0)}
"""vLLM's, which differs by the chat template."""
LAUNCHED: Priors = {"host.eager_layer_us": (400.0, 0.5), "host.eager_experts_us": (700.0, 0.5)}
"""PyTorch under TensorRT-LLM: a layer of gpt-oss takes 1 ms in first tokens, one of Qwen3-235B 1.8 (see trt-serve)."""
LOADED: Priors = {"max_batch": (2048.0, 0.4)}
UNTUNED_ROCM: Priors = (
    KERNELS
    | FIRST
    | HOST
    | {"kernels.compute": (0.12, 0.4), "kernels.prompt_attention": (8.0, 0.5)}
    | {"host.layer_us": (250.0, 0.3), "host.sequence_us": (100.0, 1.0)}
)
"""rocBLAS of ROCm 6.1 as it comes: on MI300X 16-bit products reach 50 to 70 TFLOP/s at any number of rows in 70B, 80
to 120 in 405B."""
ONE_BLOCK_A_HEAD: Priors = {"kernels.attention_bandwidth": (0.35, 0.5)}
"""AutoAWQ's and TinyChat's fused modules decode by FasterTransformer's kernel, which does not split the keys of a head:
32 heads fill a quarter of an RTX 4090's 128 processors. ExLlama shares the class."""
SERVER: Priors = KERNELS | FORMATS | FIRST
ENGINES: dict[str, Priors] = {
    "vllm": SERVER
    | CHAT_SERVED
    | BESIDE
    # releases before 0.14, whose device waits for the scheduler
    | {"host.waiting_step_ms": (0.7, 1.0), "host.waiting_sequence_us": (25.0, 1.0)},
    # a layer that the host launches beyond the captured graphs: 0.8 ms, 2.3 with experts; of a prompt, where it has
    # experts: 2.5 (DeepSeek-R1 on B200) to 3.8 (on H200), 2.2 to 3 (Qwen3-235B), 1.8 to 3 (Qwen3.5-397B)
    "sglang": SERVER
    | SERVED
    | BESIDE
    | {"first_token.layer_ms": (0.8, 0.35), "first_token.experts_ms": (1.9, 0.5), "first_token.captured": (0.4, 0.5)}
    | {"host.eager_experts_us": (1500.0, 0.5)},
    # 1.8 ms a layer of Qwen3-235B, on 4 and 8 H100, of 512 and of 1,024 tokens; 1 of gpt-oss, 2.5 of DeepSeek-R1
    "trt-serve": SERVER | SERVED | BESIDE | {"first_token.experts_ms": (1.0, 0.5)},
    "vllm-0.11": SERVER
    | CHAT_SERVED
    | {"host.step_ms": (0.7, 1.0), "host.sequence_us": (25.0, 1.0)}
    | {"host.top_p_step_ms": (1.0, 1.0), "host.top_p_sequence_us": (25.0, 1.0)}
    | {"kernels.block_expert_latency": (2.0, 0.4)}
    | {"host.admission_layer_ms": (0.2, 1.0), "state_us": (30.0, 0.5), "prompts.factor": (1.0, 0.3)},
    "vllm-v0": KERNELS
    | FIRST
    | {"host.step_ms": (2.0, 1.0), "host.sequence_us": (50.0, 1.0), "prompts.factor": (1.5, 0.3)}
    # a layer of DeepSeek-V3 in vLLM 0.7: sixteen kernels of rotation in PyTorch, as many of the grouped choice of
    # experts and six of concatenating, of 3 us each in a graph
    | {"kernels.latent_us": (115.0, 0.3)},
    # 0.20 ns a head and token in fp16, 0.33 in bf16, in 7B to 70B
    "vllm-0.6.1-rocm": UNTUNED_ROCM
    | {"kernels.attention_bandwidth": (0.55, 0.3), "kernels.bandwidth": (0.8, 0.2)}
    | {"kernels.all_reduce_latency": (2.0, 0.5)},
    "vllm-v0-rocm": UNTUNED_ROCM | {"kernels.fp8_compute": (4.0, 0.7)},
    "vllm-rocm": KERNELS | FIRST | HOST | {"kernels.fp8_compute": (1.0, 0.25)},
    "trt-1": KERNELS | FORMATS | HOST | LOADED | LAUNCHED,
    "trt-1.x": KERNELS | FORMATS | HOST | LOADED | LAUNCHED,
    "trt-0.12": KERNELS | FORMATS | HOST | LOADED,
    "trt-0.5": KERNELS | {"prompts.factor": (1.0, 0.25)},
    "tgi": KERNELS | {"host.step_ms": (0.5, 1.0), "first_token.network_ms": (10.0, 0.7)},
    # rocBLAS of ROCm 6.1, of which TunableOp takes the best: twice to thrice what comes untuned
    "tgi-rocm": KERNELS
    | {"kernels.compute": (0.35, 0.4), "kernels.prompt_attention": (3.0, 0.5)}
    | {"host.step_ms": (0.5, 1.0), "first_token.network_ms": (10.0, 0.7)},
    # a layer launched by the host: between 0.2 ms (405B on MI300X, vLLM 0.6) and 0.8 (Qwen2.5-7B on A800 and L4)
    "tgi-1": KERNELS
    | {"host.step_ms": (1.0, 1.0), "host.sequence_us": (100.0, 1.0), "host.layer_us": (400.0, 0.5)}
    | {"first_token.network_ms": (10.0, 0.7), "kernels.all_reduce_latency": (1.0, 1.0)},
    "lmdeploy": KERNELS
    | {"host.step_ms": (0.3, 1.0), "first_token.fixed_ms": (8.0, 0.25), "prompts.factor": (1.0, 0.25)},
    "gptfast": KERNELS,
    "local-w4": KERNELS | ONE_BLOCK_A_HEAD | {"host.step_ms": (0.1, 1.0)},
    "awq-gemv": KERNELS | ONE_BLOCK_A_HEAD | {"prompts.factor": (5.0, 1.0), "host.step_ms": (0.1, 1.0)},
    # picking the best of 250,000 candidates: 0.5 to 2 ms by the CPU
    "llamacpp": {"state_us": (30.0, 0.7), "host.candidate_ns": (3.0, 0.7)},
    "llamacpp-2024": {
        "kernels.latency": (2.0, 0.7),
        "kernels.attention_bandwidth": (0.6, 0.4),
        "kernels.prompt_attention": (0.5, 0.5),
    },
    "neuron-static": {"first_token.fixed_ms": (8.0, 0.5)},
    "nim": KERNELS | {"prompts.factor": (1.0, 0.25), "kernels.fp8_cache": (1.0, 0.25)},
}
GENERATIONS = ("turing", "a100", "ga102", "ada", "h100", "h200", "b200", "b300", "gb202", "cdna3")
UNMEASURED = {"turing": 4.0, "ga102": 2.0, "cdna3": 2.0}
"""Generations without kernel tables: their priors are that much wider."""
GEMM_WIDTHS = ({"compute": 0.08, "memory": 0.06, "latency_us": 0.15}, {"memory": 0.06, "latency_us": 0.15})
"""Weight-only products keep their share of the 16-bit product's compute."""
EXPERT_WIDTHS = {"compute": 0.35, "memory": 0.15, "latency_us": 0.25}
MXFP4_WIDTHS = {"compute": 0.25, "memory": 0.25, "latency_us": 0.25, "ramp_rows": 0.4}
"""Kernel tables of mxfp4 disagree most among frameworks."""
ATTENTION_WIDTHS = {"decode": 0.06, "decode_fp8": 0.15, "prefill_compute": 0.08}
LLAMA_CPP_WIDTHS = {
    "memory": 0.15, "memory_quantised": 0.15, "compute": 0.15, "compute_quantised": 0.2, "attention": 0.5,
    "layer_us": 0.7, "expert_layer_us": 0.7, "start_us": 0.5, "expert_start_us": 0.7,
    "compute_integer": 0.2,
}  # fmt: skip
LLAMA_CPP: Priors = {"cache_memory": (0.7, 0.3), "expert_tile_rows": (128.0, 0.5)}
NEURON: Priors = {
    "memory": (0.8, 0.15), "cache_memory": (0.5, 0.4), "layer_us": (130.0, 0.3), "compute": (0.3, 0.3),
    "all_reduce": (0.3, 0.4),
}  # fmt: skip
"""Collectives of a layer at batch 1: 120 us on 8 cores of inf2 (optimum-neuron's chart of Llama-3.1-8B); a prompt of
4,096 padded tokens takes two cores 1 s, 0.33 of their peak (TGI on inf2.xlarge)."""
OWN_KERNELS = frozenset({"llamacpp", "llamacpp-2024", "neuron", "neuron-static", "neuron-padded"})
"""Speed classes whose runtime has kernels of its own."""
TABLES = Path(__file__).parent / "kernel_priors.yaml"


class Parameter(NamedTuple):
    """One constant by its path in the file, its prior, and which cases it can move."""

    path: tuple[str, ...]
    prior: float
    width: float
    start: float

    def moves(self, case: FitCase) -> bool:
        section, name, *rest = self.path
        if section == "engines":
            return case.engine == name and (case.has_experts or "expert" not in rest[-1])
        if section == "neuron":
            return case.engine.startswith("neuron")
        if section == "llama_cpp":
            return case.engine.startswith("llamacpp") and (not rest or case.local == rest[0])
        if case.generation != name or case.engine in OWN_KERNELS:
            return False
        if rest[0] == "experts" and not case.has_experts:
            return False
        return rest[0] == "attention" or rest[1] in case.kernels


def parameters(base: Efficiency) -> list[Parameter]:
    """Every constant that is fitted, starting from what the file holds."""
    found: list[Parameter] = []
    tables = yaml.safe_load(TABLES.read_text())
    for engine, priors in ENGINES.items():
        for field, (prior, width) in priors.items():
            path = tuple(field.split("."))
            value: Any = base.engines[engine]
            for name in path:
                value = getattr(value, name)
            found.append(Parameter(("engines", engine, *path), prior, width, max(value, 0.05 * prior)))
    for generation in GENERATIONS:
        kernels = base.kernels[generation]
        first = len(found)
        for key, gemm in kernels.gemm.items():
            path = ("kernels", generation, "gemm", key)
            found += _around(tables, path, gemm, GEMM_WIDTHS[key.startswith("i")])
        for key, experts in kernels.experts.items():
            widths = MXFP4_WIDTHS if key.startswith("mx") else EXPERT_WIDTHS
            found += _around(tables, ("kernels", generation, "experts", key), experts, widths)
        found += _around(tables, ("kernels", generation, "attention"), kernels.attention, ATTENTION_WIDTHS)
        wider = UNMEASURED.get(generation, 1.0)
        found[first:] = [each._replace(width=each.width * wider) for each in found[first:]]
    for field, (prior, width) in LLAMA_CPP.items():
        found.append(Parameter(("llama_cpp", field), prior, width, getattr(base.llama_cpp, field)))
    for field, (prior, width) in NEURON.items():
        found.append(Parameter(("neuron", field), prior, width, getattr(base.neuron, field)))
    for name, local in base.llama_cpp.kernels.items():
        found += _around(tables, ("llama_cpp", "kernels", name), local, LLAMA_CPP_WIDTHS)
    return found


def _around(known: Any, path: tuple[str, ...], constants: Any, widths: dict[str, float]) -> list[Parameter]:
    for name in path:
        known = known[name]
    return [
        Parameter((*path, field), known[field], width, float(getattr(constants, field)))
        for field, width in widths.items()
        if field in known
    ]
