"""Parameters of CLIP, SigLIP, InternViT and Whisper encoders, and of the projectors that join them to a language model.

Checked against transformers' classes; a kind of encoder that is not listed counts as not described.
"""

from collections.abc import Callable

from estimator.models.hf_config import towers
from estimator.models.hf_config.fields import Fields

NEWLINE_CLASSES = ("LlavaNext", "LlavaOnevision")
"""Wrappers that learn one vector for the end of a row of patches."""


def clip(v: Fields) -> int:
    """CLIP's vision model (arXiv:2103.00020): a class token, norms before and after the blocks."""
    width = v.size("hidden_size")
    positions = (towers.side(v) ** 2 + 1) * width
    blocks = v.layers() * towers.block(width, v.size("intermediate_size"))
    return width + towers.patches(v, width, bias=False) + positions + 4 * width + blocks


def siglip2(v: Fields) -> int:
    """SigLIP 2 with patches of any aspect: a linear patch embedding and `num_patches` positions."""
    width, mlp = v.size("hidden_size"), v.size("intermediate_size")
    tower = towers.patches(v, width, bias=True) + v.size("num_patches") * width + 2 * width
    tower += v.layers() * towers.block(width, mlp)
    return tower + (towers.pooling_head(width, mlp) if v.flag("vision_use_head", default=True) else 0)


def intern_vit(v: Fields) -> int:
    """InternViT: layer scales, biases on attention only where asked, a class token beside absolute positions."""
    width, mlp, side = v.size("hidden_size"), v.size("intermediate_size"), towers.side(v)
    v.refuse_unless("use_absolute_position_embeddings", True)
    root_mean_square = v.text("norm_type", default="layer_norm") == "rms_norm"
    block = towers.block(width, mlp, norm_bias=not root_mean_square) + 2 * width  # layer scales
    block -= 0 if v.flag("attention_bias", "qkv_bias") else 3 * width
    block += 2 * width if v.flag("use_qk_norm", "qk_normalization") else 0
    tower = width + towers.patches(v, width, bias=True) + (side**2 + 1) * width + v.layers() * block
    tower += width if v.flag("use_mask_token") else 0
    return tower + (0 if v.flag("use_mean_pooling", default=True) else 2 * width)


ENCODERS: dict[str, Callable[[Fields], int]] = {
    "clip_vision_model": clip,
    "siglip_vision_model": towers.siglip,
    "siglip2_vision_model": siglip2,
}
"""Encoders by their own model type."""


def _encoder(v: Fields) -> int:
    kind = v.text("model_type")
    if kind not in ENCODERS:
        raise v.wrong("model_type", kind, f"the shape of this encoder is not known; known are {', '.join(ENCODERS)}")
    return ENCODERS[kind](v)


def is_known(v: Fields) -> bool:
    """Whether a tower's configuration names an encoder whose shape is known."""
    return v.text("model_type", default="") in ENCODERS


def _linear(outputs: int, inputs: int, bias: bool = True) -> int:
    return outputs * inputs + (outputs if bias else 0)


def llava(v: Fields, outer: Fields, hidden: int) -> int:
    """LLaVA's projector (arXiv:2304.08485) with its encoder: two linear layers; several feature layers are
    concatenated.
    """
    features = outer.config.get("vision_feature_layer")
    width = v.size("hidden_size") * (len(features) if isinstance(features, list) else 1)
    bias = outer.flag("multimodal_projector_bias", default=True)
    newline = hidden if outer.class_name.startswith(NEWLINE_CLASSES) else 0
    return _encoder(v) + newline + _linear(hidden, width, bias) + _linear(hidden, hidden, bias)


def vip_llava(v: Fields, outer: Fields, hidden: int) -> int:
    """ViP-LLaVA: five feature layers behind one norm."""
    width = v.size("hidden_size") * 5
    return _encoder(v) + 2 * width + _linear(hidden, width) + _linear(hidden, hidden)


def video_llava(v: Fields, outer: Fields, hidden: int) -> int:
    """Video-LLaVA: one encoder for images and one for frames, one projector."""
    bias = outer.flag("multimodal_projector_bias", default=True)
    return 2 * _encoder(v) + _linear(hidden, v.size("hidden_size"), bias) + _linear(hidden, hidden, bias)


def paligemma(v: Fields, outer: Fields, hidden: int) -> int:
    """PaliGemma (arXiv:2407.07726): SigLIP without its pooling head, one linear layer."""
    v.refuse_unless("vision_use_head", False)
    for holder in (v, outer):
        holder.refuse_unless("projection_dim", hidden)
    return _without_head(v) + _linear(hidden, v.size("hidden_size"))


def idefics3(v: Fields, outer: Fields, hidden: int) -> int:
    """Idefics 3 and SmolVLM: SigLIP without its pooling head, pixels shuffled into one matrix."""
    width = v.size("hidden_size", default=1152) * outer.factor("scale_factor", default=2) ** 2
    return _without_head(v) + hidden * width


def _without_head(v: Fields) -> int:
    return towers.siglip(Fields({**v.config, "vision_use_head": False}, v.path))


def cohere(v: Fields, outer: Fields, hidden: int) -> int:
    """Command and Aya: pixels shuffled, a gated projector; Aya norms before it."""
    factor = outer.factor("downsample_factor", default=2)
    width = v.size("hidden_size") * factor * factor
    inner = outer.size("alignment_intermediate_size", default=36_864)
    norm = 2 * width if outer.class_name.startswith("Aya") else 0
    return _encoder(v) + norm + _linear(inner, width) + _linear(hidden, inner // 2)


def lfm2_vl(v: Fields, outer: Fields, hidden: int) -> int:
    """LFM2-VL: SigLIP 2, pixels shuffled, two linear layers behind a norm."""
    factor = outer.factor("downsample_factor", default=2)
    width, inner = v.size("hidden_size") * factor * factor, outer.size("projector_hidden_size", default=2560)
    bias = outer.flag("projector_bias", default=True)
    norm = 2 * width if outer.flag("projector_use_layernorm", default=True) else 0
    return _encoder(v) + norm + _linear(inner, width, bias) + _linear(hidden, inner, bias)


def ernie(v: Fields, outer: Fields, hidden: int) -> int:
    """ERNIE 4.5 VL: LayerNorms and plain MLPs, a resampler over merged patches and then over pairs of frames."""
    width = v.size("hidden_size", "embed_dim")
    mlp = v.size("intermediate_size", default=round(width * v.number("mlp_ratio", default=4)))
    merged = width * v.factor("spatial_merge_size", default=2) ** 2
    frames = v.factor("temporal_merge_size", default=2)
    tower = towers.patches(v, width, bias=False) + v.layers("depth") * towers.block(width, mlp) + 2 * width
    spatial = 2 * _linear(merged, merged) + 2 * merged
    temporal = _linear(merged, frames * merged) + _linear(merged, merged) + 2 * merged
    return tower + spatial + temporal + _linear(hidden, merged) + hidden


def internvl(v: Fields, outer: Fields, hidden: int) -> int:
    """InternVL (arXiv:2504.10479): InternViT, pixels shuffled, two linear layers behind a norm."""
    ratio = outer.number("downsample_ratio", default=0.5)
    width = round(v.size("hidden_size") / ratio**2)
    return intern_vit(v) + 2 * width + _linear(hidden, width) + _linear(hidden, hidden)


def whisper_encoder(a: Fields) -> int:
    """Whisper's encoder (arXiv:2212.04356): two convolutions, stored sinusoids, keys without bias."""
    width, mels = a.size("d_model", "hidden_size"), a.size("num_mel_bins", default=128)
    mlp = a.size("encoder_ffn_dim", "intermediate_size")
    convolutions = 3 * mels * width + width + 3 * width * width + width
    block = towers.block(width, mlp) - width
    positions = a.size("max_source_positions", default=1500) * width
    return convolutions + positions + a.layers("encoder_layers", "num_hidden_layers") * block + 2 * width


def qwen2_audio(a: Fields, outer: Fields, hidden: int) -> int:
    """Qwen2-Audio: Whisper's encoder and one linear layer."""
    return whisper_encoder(a) + _linear(hidden, a.size("d_model", "hidden_size"))


def voxtral(a: Fields, outer: Fields, hidden: int) -> int:
    """Voxtral (arXiv:2507.13264): Whisper's encoder, four frames at a time through two layers without bias."""
    return whisper_encoder(a) + hidden * a.size("encoder_ffn_dim", "intermediate_size") + hidden * hidden
