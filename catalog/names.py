"""Names of one model made alike: how uploads, tables and people spell it, reduced to what tells architectures apart."""

import re
from collections.abc import Iterable, Iterator, Mapping

_REMARKS = re.compile(r"(\s*\([^()]*\))+\s*$")
_FILE = re.compile(r"([.\-](iq|q|bf|f)\d\w*)?\.gguf$")
_REVISED_FORMAT = re.compile(r"(?<=fp[48])[-_]v\d\b")
_SPELLINGS = (
    (re.compile(r"[\s\-_.:]i?q\d(_[k\d])?(_[a-z]{1,3})?( - (small|medium|large))?(?=$|[\s\-])"), ""),  # Q4_K - Medium
    (re.compile(r"(?<=\d)_(?=\d(?![\da-z]))"), "."),  # Llama-3_3
    (re.compile(r"\bv(?=\d)"), ""),  # LLaMA v3.1 70B
    (re.compile(r"(?<=\db)\.(?=a\d)"), "-"),  # qwen3moe 30B.A3B
    (re.compile(r"(?<=\d)moe\b"), ""),
)
_SEPARATORS = re.compile(r"[\s\-_/:@]+")
_QUANTISED = re.compile(
    r"gguf|ggml|quantized(\.\w+)?|quant|awq|gptq|autoround|autofp8|exl[23]|bnb|mlx|marlin|gemm|onnx|trtllm|trt|neuron"
    r"|hqq|[od]wq|sinq|optiq|smoothquant|h[4-8]"
    r"|safetensors|imatrix|i1|ud|qat|qlora|spinquant|eo\d|asq|ct|dynamic|static|block|per[a-z]*|tensor|channel|kv|mixed|g\d{2,3}|\d{2,3}g|sym|asym|inc"
    r"|dequantized|unquantized|linearized|modelopt|quark|ptpc|mostly|half|u?int[48]|[2-8](\.\d{1,2})?(bits?|bpw)|w\d+a\d+\w*"
    r"|(bf|fp|f|float|bfloat|nvfp|mxfp|nf)\d{1,2}\w*"
)
_TUNED = re.compile(r"instruct|inst|chat|it|base|pt|hf|meta|original|unsloth|deduped|sft|dpo|rlvr\d?")
_VARIED = re.compile(
    rf"{_TUNED.pattern}|thinking|reasoning|reasoner|preview|text|new|\d{{4}}|\d{{8}}|\d{{1,4}}k|1m|1\.0"
)
_STAGES = (_QUANTISED, _TUNED, _VARIED)
"""Words that a name may lack, least telling first: number formats, tuning, then variants, dates and contexts."""


def spoken(name: str) -> str:
    """A name in lower case without its organisation, what follows in brackets, and the ending of a file."""
    return _FILE.sub("", _REMARKS.sub("", name.lower()).rpartition("/")[2].strip())


def reductions(name: str) -> tuple[str, ...]:
    """A model's name as each stage of reduction leaves it, from its own spelling to what tells architectures apart."""
    plain = _REVISED_FORMAT.sub("", spoken(name))
    for pattern, replacement in _SPELLINGS:
        plain = pattern.sub(replacement, plain)
    words = _SEPARATORS.split(plain)
    left = []
    for dropped in _STAGES:
        words = [word for word in words if not dropped.fullmatch(word)]
        left.append("".join(words))
    return tuple(left)


_NARROW = re.compile(
    r"gguf|ggml|quantized(\.\w+)?|quant|awq|gptq|autoround|autofp8|exl[23]|bnb|mlx|marlin|onnx|modelopt|quark|ptpc"
    r"|hqq|[od]wq|sinq|i?q\d\w*|u?int[48]|[2-8](\.\d{1,2})?(bits?|bpw)|w\d+a\d+\w*|(nvfp|mxfp|nf)\d\w*|(fp|float)[468]\w*"
)


def narrow_words(name: str) -> tuple[str, ...]:
    """Words of a name that say that an upload's weights are not 16-bit, whatever they are."""
    return tuple(word for word in _SEPARATORS.split(spoken(name)) if _NARROW.fullmatch(word))


def index(names: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Ids by reduced name, from (name, id) pairs. A name that stands for several models at a stage stands for none
    there.
    """
    stages: tuple[dict[str, set[str]], ...] = tuple({} for _ in _STAGES)
    for name, model_id in names:
        for ids_by_name, reduced in zip(stages, reductions(name), strict=True):
            ids_by_name.setdefault(reduced, set()).add(model_id)
    known: dict[str, str] = {}
    for ids_by_name in reversed(stages):
        known |= {key: next(iter(ids)) for key, ids in ids_by_name.items() if key and len(ids) == 1}
    return known


def candidates(name: str) -> Iterator[str]:
    """The keys under which `index` may hold a model's name; that of an upload may begin with who made it."""
    yield from reductions(name)
    uploader, underscore, rest = spoken(name).partition("_")
    if underscore and len(uploader) > 3 and uploader.isalpha():
        yield from reductions(rest)
