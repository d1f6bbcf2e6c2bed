"""Parameters of vision towers and their projectors, by kind; checked against published totals."""

from estimator.models.hf_config.fields import Fields
from estimator.models.media import CLIP_L, TowerPass, TowerSize


def block(width: int, mlp: int, *, biases: bool = True, norm_bias: bool = True, gated: bool = False) -> int:
    """Parameters of one transformer block of a tower: attention, MLP and two norms."""
    matrices = 4 * width * width + (3 if gated else 2) * width * mlp
    vectors = 4 * width + (2 if gated else 1) * mlp + width if biases else 0
    return matrices + vectors + 2 * width * (2 if norm_bias else 1)


def patches(f: Fields, width: int, *, bias: bool, frames: int = 1) -> int:
    """Parameters of the first convolution, which makes patches of an image."""
    channels = f.size("in_channels", "num_channels", "in_chans", default=3)
    return channels * frames * square(f, "patch_size", 1024) ** 2 * width + (width if bias else 0)


def _merger(width: int, merged: int, out: int, norm: int) -> int:
    """Two linear layers with bias over merged patches, behind a norm."""
    return norm + merged * merged + merged + merged * out + out


def side(f: Fields) -> int:
    """Number of patches along one side of the largest image."""
    return square(f, "image_size", 1 << 16) // square(f, "patch_size", 1024)


def square(f: Fields, name: str, most: int) -> int:
    """The side of an image or patch in pixels, which may be listed as two equal numbers."""
    value = f.config.get(name)
    if isinstance(value, list) and len(value) == 2 and value[0] == value[1]:
        return Fields({name: value[0]}, f.path).size(name, most=most)
    return f.size(name, most=most)


def qwen2_vl(v: Fields, outer: Fields, hidden: int) -> int:
    """Qwen2-VL (arXiv:2409.12191): LayerNorms, plain MLPs, a merger of two by two patches."""
    width = v.size("embed_dim")
    one_block = block(width, int(width * v.number("mlp_ratio", default=4)))
    merged = width * v.factor("spatial_merge_size", default=2) ** 2
    frames = v.factor("temporal_patch_size", default=2)
    embedding = patches(v, width, bias=False, frames=frames)
    return embedding + v.layers("depth") * one_block + _merger(width, merged, v.size("hidden_size"), 2 * width)


def qwen2_5_vl(v: Fields, outer: Fields, hidden: int) -> int:
    """Qwen2.5-VL (arXiv:2502.13923): RMSNorms and gated MLPs over Qwen2-VL's patches."""
    width = v.size("hidden_size")
    one_block = block(width, v.size("intermediate_size"), norm_bias=False, gated=True)
    merged = width * v.factor("spatial_merge_size", default=2) ** 2
    frames = v.factor("temporal_patch_size", default=2)
    embedding = patches(v, width, bias=False, frames=frames)
    return embedding + v.layers("depth") * one_block + _merger(width, merged, v.size("out_hidden_size"), width)


def tower_pass(v: Fields, outer: Fields, frames: int) -> TowerPass:
    """Widths of the pass through a tower of plain transformer blocks whose patches span so many frames by default."""
    width = v.size("embed_dim") if "embed_dim" in v.config else v.size("hidden_size")
    named = "intermediate_size" in v.config
    return TowerPass(
        patch=patches(v, 1, bias=False, frames=v.factor("temporal_patch_size", default=frames)),
        hidden=width,
        intermediate=v.size("intermediate_size") if named else int(width * v.number("mlp_ratio", default=4)),
        levels=1 + deep_levels(v, outer),
    )


def tower_size(v: Fields) -> TowerSize:
    """Layers and width of a tower by their usual names, CLIP-L's where it has others."""
    return TowerSize(
        layers=v.count("num_hidden_layers", default=CLIP_L.layers), hidden=v.size("hidden_size", default=CLIP_L.hidden)
    )


def deep_levels(v: Fields, outer: Fields) -> int:
    """Layers of the tower whose output Qwen3-VL adds to as many layers of the text."""
    usual = DEEPSTACK if outer.class_name.startswith("Qwen3VL") else 0
    return len(v.integers("deepstack_visual_indexes")) if "deepstack_visual_indexes" in v.config else usual


DEEPSTACK = 3
"""Layers whose output Qwen3-VL merges into the text where the configuration lists none (its class's default)."""


def qwen3_vl(v: Fields, outer: Fields, hidden: int) -> int:
    """Qwen3-VL with its deepstack mergers, and Qwen3.5, which has none."""
    width, out = v.size("hidden_size"), v.size("out_hidden_size")
    merged = width * v.factor("spatial_merge_size", default=2) ** 2
    frames = v.factor("temporal_patch_size", default=2)
    deep = deep_levels(v, outer)
    return (
        patches(v, width, bias=True, frames=frames)
        + v.size("num_position_embeddings") * width
        + v.layers("depth") * block(width, v.size("intermediate_size"))
        + _merger(width, merged, out, 2 * width)
        + deep * _merger(width, merged, out, 2 * merged)
    )


def gemma3(v: Fields, outer: Fields, hidden: int) -> int:
    """Gemma 3's tower: SigLIP, and a projection without bias."""
    return siglip(v) + v.size("hidden_size") * hidden + v.size("hidden_size")


def siglip(v: Fields) -> int:
    """SigLIP (arXiv:2303.15343): patches with bias, absolute positions, a pooling head unless it is switched off."""
    width, mlp = v.size("hidden_size"), v.size("intermediate_size")
    tower = patches(v, width, bias=True) + side(v) ** 2 * width + 2 * width + v.layers() * block(width, mlp)
    if not v.flag("vision_use_head", default=True):
        return tower
    return tower + pooling_head(width, mlp)


def pooling_head(width: int, mlp: int) -> int:
    """SigLIP's pooling head: a probe, and a block with one norm."""
    return width + block(width, mlp) - 2 * width


def gemma4(v: Fields, outer: Fields, hidden: int) -> int:
    """Gemma 4's tower: gated MLPs, head norms, two position tables."""
    v.refuse_unless("use_clipped_linears", False)
    v.refuse_unless("attention_bias", False)
    width, head = v.size("hidden_size"), v.size("head_dim")
    one_block = (
        block(width, v.size("intermediate_size"), biases=False, norm_bias=False, gated=True) + 2 * width + 2 * head
    )
    standardise = 2 * width if v.flag("standardize") else 0
    positions = 2 * v.size("position_embedding_size", default=10240) * width
    return positions + patches(v, width, bias=False) + v.layers() * one_block + standardise + width * hidden


def llama4(v: Fields, outer: Fields, hidden: int) -> int:
    """Llama 4's tower. The projector's widths, where absent, are those of the published models."""
    width, mlp = v.size("hidden_size"), v.size("intermediate_size")
    adapted, projected = v.size("projector_input_dim", default=4096), v.size("projector_output_dim", default=4096)
    return (
        width
        + (side(v) ** 2 + 1) * width
        + patches(v, width, bias=False)
        + 4 * width
        + v.layers() * block(width, mlp)
        + mlp * adapted
        + projected * projected
        + hidden * v.size("vision_output_dim", default=4096)
    )


def mllama(v: Fields, outer: Fields, hidden: int) -> int:
    """Llama 3.2 Vision's tower: position tables for every aspect ratio and tile; the last layers are gated."""
    width, positions = v.size("hidden_size"), side(v) ** 2 + 1
    tiles = 9 * v.factor("max_num_tiles", default=4)  # eight supported aspect ratios and none
    layers, gated = v.layers(), v.size("num_global_layers", most=512)
    one_block = block(width, v.size("intermediate_size")) - 4 * width  # attention without biases
    output = v.size("vision_output_dim", default=6 * width)
    return (
        width
        + patches(v, width, bias=False)
        + 1
        + positions * width
        + tiles * positions * width
        + 2 * (1 + tiles * width)
        + 4 * width
        + (layers + gated) * one_block
        + 2 * gated
        + output * hidden
        + hidden
    )


def pixtral(v: Fields, outer: Fields, hidden: int) -> int:
    """Pixtral: Mistral's tower and patch merger."""
    outer.refuse_unless("multimodal_projector_bias", False)
    width = v.size("hidden_size")
    one_block = block(width, v.size("intermediate_size"), biases=False, norm_bias=False, gated=True)
    merged = width * outer.factor("spatial_merge_size", default=2) ** 2
    tower = patches(v, width, bias=False) + width + v.layers() * one_block
    return tower + width + width * merged + hidden * width + hidden * hidden


def moonvit(v: Fields, outer: Fields, hidden: int) -> int:
    """MoonViT, Kimi's tower. Depth and position table, where absent, are those of the published models."""
    width = v.size("vt_hidden_size", "hidden_size")
    layers = v.layers("vt_num_hidden_layers", "num_hidden_layers") if _has_depth(v) else 27
    table = v.size("init_pos_emb_height", "pos_emb_height", default=64) * v.size(
        "init_pos_emb_width", "pos_emb_width", default=64
    )
    one_block = block(width, v.size("vt_intermediate_size", "intermediate_size"))
    tower = patches(v, width, bias=True) + table * width + layers * one_block + 2 * width
    return tower + _merger(width, 4 * width, hidden, 2 * width)


def _has_depth(v: Fields) -> bool:
    return v.has("vt_num_hidden_layers") or v.has("num_hidden_layers")


def minimax_m3(v: Fields, outer: Fields, hidden: int) -> int:
    """MiniMax-M3's tower: CLIP blocks over pairs of frames, and two projectors of two layers."""
    v.refuse_unless("temporal_patch_size", 2)
    v.refuse_unless("spatial_merge_size", 2)
    width, out = v.size("hidden_size"), outer.size("projector_hidden_size", default=hidden)
    tower = patches(v, width, bias=False, frames=2) + 2 * width
    tower += v.layers() * block(width, v.size("intermediate_size"))
    own = width * out + out + out * hidden + hidden
    merged = 4 * hidden * out + out + out * hidden + hidden
    return tower + own + merged


def glm4v(v: Fields, outer: Fields, hidden: int) -> int:
    """GLM-4V's tower: gated blocks as wide as the output, and a gated merger."""
    v.refuse_unless("attention_bias", False)
    width, out = v.size("hidden_size"), v.size("out_hidden_size")
    frames = v.factor("temporal_patch_size", default=2)
    merge = v.factor("spatial_merge_size", default=2) ** 2
    one_block = block(width, out, biases=False, norm_bias=False, gated=True)
    merger = out * out + 2 * out + 3 * out * v.size("intermediate_size")
    tower = patches(v, width, bias=True, frames=frames) + side(v) ** 2 * width + 2 * width
    return tower + v.layers("depth") * one_block + width * merge * out + out + merger


def glm5(v: Fields, outer: Fields, hidden: int) -> int:
    """The hybrid GLM-5's tower: gated blocks with biases and head norms, no stored positions, a gated merger."""
    width, out, heads = v.size("hidden_size"), v.size("out_hidden_size"), v.size("num_heads")
    v.refuse_unless("attention_bias", True)
    frames = v.factor("temporal_patch_size", default=2)
    merge = v.factor("spatial_merge_size", default=2) ** 2
    one_block = block(width, v.size("intermediate_size"), norm_bias=False, gated=True) + 2 * (width // heads)
    merger = out * out + 2 * out + 3 * out * v.size("projection_intermediate_size")
    tower = patches(v, width, bias=True, frames=frames) + v.layers("depth") * one_block + width
    return tower + width * merge * out + out + merger


def step(v: Fields, outer: Fields, hidden: int) -> int:
    """Step's tower: a perception encoder with layer scales, two halving convolutions and a projection."""
    outer.refuse_unless("projector_bias", False)
    width = v.size("hidden_size")
    tower = patches(v, width, bias=False) + side(v) ** 2 * width + 2 * width
    inner = int(width * v.number("mlp_ratio")) if v.has("mlp_ratio") else v.size("intermediate_size")
    tower += v.layers() * (block(width, inner) + 2 * width)
    halving = 9 * (2 * width * width + 8 * width * width) + 2 * width + 4 * width
    return tower + halving + 4 * width * hidden
