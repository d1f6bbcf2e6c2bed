"""Readers of models that run their layers several times over a token: Dory, HRM-Text."""

from collections import Counter
from dataclasses import replace

from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config.decoder import FULL, SLIDING, attention, hidden_size, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor

_NOTE = "{} passes of layers over {} sets of weights; each pass has its own cache"
_BLOCKS = (FULL, SLIDING, "mlp")


def _looped(architecture: Architecture, passes: dict[Layer, int], sets: dict[Layer, int]) -> Architecture:
    """A stack whose layers run so often, over so many sets of weights."""
    groups = tuple(
        replace(group, count=passes[group.layer], stored=sets[group.layer], indices=()) for group in architecture.groups
    )
    note = _NOTE.format(sum(passes.values()), sum(sets.values()))
    return replace(architecture, groups=groups, notes=(*architecture.notes, note))


@reads(DoryForCausalLM="dory")
def dory(f: Fields) -> Architecture:
    """Dory: normalised vectors in place of norms (nGPT, arXiv:2410.01131); the middle of the stack runs in loops.

    Published files list attention and MLP as layers of their own, and count them so.
    """
    hidden, bias = hidden_size(f), f.flag("attention_bias")
    f.refuse_unless("mlp_bias", False)
    f.refuse_unless("recurrent_kv_cache_mode", "per_loop")
    kinds = f.per_layer("layer_types", f.layers(), _BLOCKS)
    blocks = 2 if "mlp" in kinds else 1
    kinds = kinds[::blocks]
    count = len(kinds)
    first, last = (f.count(name, default=8 * blocks) // blocks for name in ("n_input_layers", "n_output_layers"))
    if first + last > count:
        raise InputError("n_input_layers", f"{first} and {last} layers around the loop, of {count} layers")
    loops = f.factor("n_recurrent_loops", default=2)
    plain = replace(attention(f, qkv_bias=bias, output_bias=bias), separate_gate=True)
    mlp = DenseMlp(hidden, f.size("intermediate_size"))
    scales = (
        Tensor("lambda", "norm", hidden, copies=2, split="whole"),
        Tensor("attention_scales", "norm", plain.heads * plain.head_dim, copies=2),
        Tensor("mlp_scales", "norm", mlp.intermediate, copies=2),
    )
    window = f.size("sliding_window", default=1024)
    layers = [Layer(replace(plain, window=window if kind == SLIDING else 0), mlp, scales) for kind in kinds]
    architecture = stack(
        f, layers, final_norms=0, final=(Tensor("lm_head_scale", "norm", f.size("vocab_size")),), rotary=plain.head_dim
    )
    passes = Counter(layers)
    for layer in layers[first : count - last]:
        passes[layer] += loops - 1
    return _looped(architecture, passes, Counter(layers))


@reads(HrmTextForCausalLM="hrm_text")
def hrm_text(f: Fields) -> Architecture:
    """HRM-Text (arXiv:2506.21734): a slow and a fast stack, which run in cycles over each token."""
    hidden = hidden_size(f)
    f.refuse_unless("mlp_bias", False)
    bias = f.flag("attention_bias")
    slow = f.factor("H_cycles", default=2)
    fast = f.factor("L_cycles", default=3)
    count = f.layers("num_layers_per_stack" if f.has("num_layers_per_stack") else "num_hidden_layers")
    heads = f.size("num_attention_heads")
    config = Fields({"num_key_value_heads": heads, **f.config}, f.path, f.class_name)
    mixer = replace(attention(config, qkv_bias=bias, output_bias=bias), separate_gate=True)
    layer = Layer(mixer, DenseMlp(hidden, f.size("intermediate_size")))
    start = Tensor("z_L_init", "norm", hidden, split="whole")
    architecture = stack(f, [layer] * count, final_norms=0, final=(start,), rotary=mixer.head_dim)
    return _looped(architecture, {layer: count * slow * (fast + 1)}, {layer: 2 * count})
