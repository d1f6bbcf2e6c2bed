"""What an absent field means inside `text_config` and `vision_config`, where uploads state what differs from the class.

Source: the configuration classes of transformers 5.24, whose defaults tests/data/transformers_classes.json holds.
"""

from collections.abc import Mapping

from estimator.models.hf_config.fields import Fields

_QWEN = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "intermediate_size": 22016,
    "vocab_size": 151936,
    "max_position_embeddings": 32768,
}
_COHERE = {
    "hidden_size": 8192,
    "num_hidden_layers": 40,
    "num_attention_heads": 64,
    "intermediate_size": 22528,
    "vocab_size": 256000,
    "max_position_embeddings": 8192,
}
TEXT: Mapping[str, Mapping[str, int]] = {
    "llama": {
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "intermediate_size": 11008,
        "vocab_size": 32000,
        "max_position_embeddings": 2048,
    },
    "mistral": {
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14336,
        "vocab_size": 32000,
        "sliding_window": 4096,
        "max_position_embeddings": 131072,
    },
    "gemma": {
        "hidden_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 16,
        "head_dim": 256,
        "intermediate_size": 24576,
        "vocab_size": 256000,
        "max_position_embeddings": 8192,
    },
    "gemma2": {
        "hidden_size": 2304,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "intermediate_size": 9216,
        "vocab_size": 256000,
        "sliding_window": 4096,
        "max_position_embeddings": 8192,
    },
    "gemma3_text": {
        "hidden_size": 2304,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "intermediate_size": 9216,
        "vocab_size": 262208,
        "sliding_window": 4096,
        "max_position_embeddings": 131072,
    },
    "qwen2": _QWEN,
    "qwen3": {**_QWEN, "head_dim": 128},
    "cohere": _COHERE,
    "cohere2": {**_COHERE, "sliding_window": 4096},
    "phi3": {
        "hidden_size": 3072,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "intermediate_size": 8192,
        "vocab_size": 32064,
        "max_position_embeddings": 4096,
    },
}
"""Model type of a nested language model -> its class's own sizes. Heads that default to one per query head are left
to the readers.
"""

VISION: Mapping[str, Mapping[str, int]] = {
    "Qwen2VLForConditionalGeneration": {
        "depth": 32,
        "embed_dim": 1280,
        "hidden_size": 3584,
        "mlp_ratio": 4,
        "patch_size": 14,
    },
    "QianfanOCRForConditionalGeneration": {"attention_bias": True},
    "Kimi_K25ForConditionalGeneration": {"num_hidden_layers": 27},
}
"""Wrapper class -> what its tower's own class means by fields that uploads leave out."""

_NOTE = "not in {}, so as the class has it: {}"


def completed(section: Fields, defaults: Mapping[str, Mapping[str, int]], key: str) -> tuple[Fields, tuple[str, ...]]:
    """A section with the class's own values in place of absent fields, and a remark that names them.

    A null stays null: it switches off what an absent field leaves as usual.
    """
    absent = {name: value for name, value in defaults.get(key, {}).items() if name not in section.config}
    if not absent:
        return section, ()
    named = ", ".join(f"{name} {value:,}" for name, value in absent.items())
    return Fields({**absent, **section.config}, section.path, section.class_name), (_NOTE.format(section.path, named),)
