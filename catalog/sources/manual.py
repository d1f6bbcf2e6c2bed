"""A model from a few numbers: sizes that people say ("7B"), or a shape given by hand.

Written by hand `hidden=4096,layers=32,heads=32,kv-heads=8,total=8e9`; a mixture of experts adds
`experts=64,active-experts=8`. The feed-forward width is whatever makes the total come out.
"""

from typing import Any, NamedTuple

from catalog.sources.checkpoint import Checkpoint
from estimator.errors import InputError

VOCABULARY = 32_000
CONTEXT = 4_096

SIZES: dict[str, dict[str, Any]] = {
    "7b": {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 11008},
    "13b": {"hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40, "intermediate_size": 13824},
    "70b": {
        "hidden_size": 8192,
        "num_hidden_layers": 80,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "intermediate_size": 28672,
    },
    "175b": {
        "architectures": ["OPTForCausalLM"],
        "model_type": "opt",
        "hidden_size": 12288,
        "num_hidden_layers": 96,
        "num_attention_heads": 96,
        "ffn_dim": 49152,
        "vocab_size": 50272,
        "max_position_embeddings": 2048,
        "word_embed_proj_dim": 12288,
    },
}
"""Llama 2's three shapes (arXiv:2307.09288) and GPT-3's (arXiv:2005.14165) in OPT's layout."""


class Shape(NamedTuple):
    """What is given by hand."""

    hidden: int
    layers: int
    heads: int
    total: float
    kv_heads: int = 0
    """0 is as many as `heads`."""
    experts: int = 0
    active_experts: int = 0
    vocabulary: int = VOCABULARY
    context: int = CONTEXT


BOUNDS = {
    "hidden": (8, 1_000_000),
    "layers": (1, 10_000),
    "heads": (1, 100_000),
    "total": (1e3, 1e15),
    "kv_heads": (1, 100_000),
    "experts": (2, 100_000),
    "active_experts": (1, 100_000),
    "vocabulary": (1, 10_000_000),
    "context": (1, 100_000_000),
}


def size(name: str) -> Checkpoint | None:
    """The preset of a plain size such as `13B`; None where there is none of that name."""
    preset = SIZES.get(name.lower())
    if preset is None:
        return None
    return Checkpoint(name.upper(), _llama(CONTEXT, VOCABULARY) | preset, source="size preset")


def read(text: str) -> Checkpoint | None:
    """The model that `name=number,…` describes; None where the text is no such list. Raises InputError."""
    if "=" not in text or "/" in text:
        return None
    given: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        field = name.strip().replace("-", "_")
        if field not in BOUNDS:
            raise InputError("model", f"{name.strip()!r} is no manual parameter; {', '.join(BOUNDS)} are")
        given[field] = _number(field, value.strip())
    missing = [field for field in ("hidden", "layers", "heads", "total") if field not in given]
    if missing:
        raise InputError("model", f"manual parameters need {', '.join(missing)} as well")
    numbers: dict[str, Any] = {field: value if field == "total" else int(value) for field, value in given.items()}
    return checkpoint(Shape(**numbers))


def checkpoint(shape: Shape) -> Checkpoint:
    """A Llama- or Mixtral-like model of that shape. Raises InputError where no feed-forward width reaches the total."""
    kv_heads = shape.kv_heads or shape.heads
    if shape.hidden % shape.heads or shape.heads % kv_heads:
        raise InputError(
            "model", f"{shape.heads} heads must divide hidden {shape.hidden}, and {kv_heads} KV heads them"
        )
    if shape.experts and not 1 <= shape.active_experts <= shape.experts:
        raise InputError("model", f"active-experts must lie between 1 and {shape.experts} experts")
    copies = shape.experts or 1
    attention = 2 * shape.hidden * (shape.hidden + shape.hidden // shape.heads * kv_heads)
    layer = attention + 2 * shape.hidden + shape.experts * shape.hidden
    outside = 2 * shape.vocabulary * shape.hidden + shape.hidden
    width = round((shape.total - outside - shape.layers * layer) / (3 * shape.layers * shape.hidden * copies))
    if width < 1:
        least = outside + shape.layers * layer
        raise InputError("model", f"total={shape.total:g} is less than embedding and attention alone, {least:,}")
    config = _llama(shape.context, shape.vocabulary) | {
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": kv_heads,
        "intermediate_size": width,
    }
    if shape.experts:
        config |= {
            "architectures": ["MixtralForCausalLM"],
            "model_type": "mixtral",
            "num_local_experts": shape.experts,
            "num_experts_per_tok": shape.active_experts,
        }
    return Checkpoint("manual", config, source="given by hand")


def _llama(context: int, vocabulary: int) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "max_position_embeddings": context,
        "tie_word_embeddings": False,
    }


def _number(field: str, text: str) -> float:
    least, most = BOUNDS[field]
    try:
        value = float(text.lower().removesuffix("b")) * (1e9 if text[-1:] in "bB" else 1)
    except ValueError:
        value = float("nan")
    if not least <= value <= most or (field != "total" and value != int(value)):
        raise InputError("model", f"{field}={text[:40]}: expected a number from {least:g} to {most:g}")
    return value
