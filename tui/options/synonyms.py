"""Other tools' words for inputs of a scenario: who types one is led to ours."""

from collections.abc import Iterable

from estimator.errors import close_names

SYNONYMS = {
    "users": "concurrency",
    "concurrent-users": "concurrency",
    "max-concurrency": "concurrency",
    "num-users": "concurrency",
    "batch": "concurrency",
    "batch-size": "concurrency",
    "qps": "requests-per-second",
    "rps": "requests-per-second",
    "request-rate": "requests-per-second",
    "num-prompts": "requests",
    "prompt-tokens": "input-tokens",
    "input-length": "input-tokens",
    "input-len": "input-tokens",
    "isl": "input-tokens",
    "completion-tokens": "output-tokens",
    "output-length": "output-tokens",
    "output-len": "output-tokens",
    "max-tokens": "output-tokens",
    "osl": "output-tokens",
    "context": "max-model-len",
    "context-length": "max-model-len",
    "ctx-size": "max-model-len",
    "quantization": "weights",
    "quant": "weights",
    "dtype": "weights",
    "kv-cache-dtype": "kv",
    "gpu": "accelerator",
    "gpu-type": "accelerator",
    "device": "accelerator",
    "gpus": "count",
    "num-gpus": "count",
    "gpu-count": "count",
    "instance-type": "instance",
    "nodes": "machines",
    "nnodes": "machines",
    "replicas": "machines",
    "tensor-parallel-size": "tp",
    "pipeline-parallel-size": "pp",
    "data-parallel-size": "dp",
    "gpu-memory-utilization": "memory-utilization",
    "mem-fraction-static": "memory-utilization",
    "max-batch-size": "max-num-seqs",
    "max-running-requests": "max-num-seqs",
    "backend": "engine",
    "itl": "tpot",
    "e2e": "latency",
    "e2el": "latency",
    "terms": "price-terms",
    "pricing": "price-terms",
    "electricity": "usd-per-kwh",
    "finetune": "train",
    "fine-tune": "train",
    "method": "train",
    "seq-len": "sequence-length",
    "sequence-len": "sequence-length",
}
"""Names without dashes in front, as benchmark clients, engines and calculators spell them."""


def meant(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Known inputs that an unknown name may mean: the one it is a synonym of first, then those spelled like it.

    Names may begin with dashes, as on the command line.
    """
    known = tuple(known)
    bare = name.lstrip("-").partition("=")[0].replace("_", "-")
    dashes = name[: len(name) - len(name.lstrip("-"))]
    synonym = f"{dashes}{SYNONYMS.get(bare, '')}"
    first = (synonym,) if synonym in known else ()
    return first or tuple(close_names(name, known))
