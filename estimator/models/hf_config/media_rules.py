"""Which rule turns images and sound into tokens, by class; sizes from the configuration, limits from the processors.

Sources: transformers' image processors (`smart_resize`, `get_image_size_for_*`) and the `preprocessor_config.json` that
the vendors upload; limits in pixels are theirs.
"""

from collections.abc import Callable, Mapping
from math import ceil

from estimator.errors import InputError
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.towers import side, square
from estimator.models.media import AudioRule, FixedImage, ImageRule, NativeGrid, Tiles

Rule = Callable[[Fields, Fields], ImageRule]

MEBI = 1 << 20


def _qwen2(v: Fields, outer: Fields) -> ImageRule:
    """Qwen2-VL and 2.5-VL: cells of 28 pixels, from 56 x 56 to 12,845,056 pixels."""
    merge = v.factor("spatial_merge_size", default=2)
    return NativeGrid(
        cell=merge * v.size("patch_size", default=14, most=256),
        merge=merge,
        least_pixels=56 * 56,
        most_pixels=12_845_056,
    )


def _qwen3(v: Fields, outer: Fields) -> ImageRule:
    """Qwen3-VL, Qwen3.5 and later: cells of 32 pixels, from 256 x 256 to 16 megapixels."""
    merge = v.factor("spatial_merge_size", default=2)
    return NativeGrid(
        cell=merge * v.size("patch_size", default=16, most=256),
        merge=merge,
        least_pixels=256 * 256,
        most_pixels=16 * MEBI,
    )


def _glm(v: Fields, outer: Fields) -> ImageRule:
    """GLM-4.1V to 4.6V: cells of 28 pixels, up to 28 x 28 x 6,144 in all."""
    merge = v.factor("spatial_merge_size", default=2)
    cell = merge * v.size("patch_size", default=14, most=256)
    return NativeGrid(cell=cell, merge=merge, least_pixels=112 * 112, most_pixels=cell**2 * 6144)


def _moon(v: Fields, outer: Fields) -> ImageRule:
    """MoonViT of Kimi: cells of two by two patches of 14 pixels, up to 4,096 patches (16,384 from K2.5 on)."""
    patch = v.size("patch_size", default=14, most=256)
    most = 4096 if outer.class_name == "KimiVLForConditionalGeneration" else 16_384
    return NativeGrid(cell=2 * patch, merge=2, most_pixels=most * patch**2, rounds_up=True)


def _pixtral(v: Fields, outer: Fields) -> ImageRule:
    """Pixtral: the longest side at most `image_size`, a token at the end of each row."""
    merge = outer.factor("spatial_merge_size", default=1 if outer.class_name.startswith("Llava") else 2)
    return NativeGrid(
        cell=merge * v.size("patch_size", default=14, most=256),
        merge=merge,
        longest_side=v.size("image_size", default=1540, most=1 << 16),
        token_each_row=True,
        rounds_up=True,
    )


def _gemma3(v: Fields, outer: Fields) -> ImageRule:
    """Gemma 3: 256 tokens between two, and two line breaks on each side."""
    tokens = outer.size("mm_tokens_per_image", default=256, most=1 << 16)
    return FixedImage(tokens + 4, side(v) ** 2)


def _gemma4(v: Fields, outer: Fields) -> ImageRule:
    """Gemma 4: 280 soft tokens by default, each pooled from three by three patches."""
    tokens = v.size("default_output_length", default=280, most=1 << 16)
    return FixedImage(tokens + 2, v.factor("pooling_kernel_size", default=3) ** 2 * tokens)


def _llama4(v: Fields, outer: Fields) -> ImageRule:
    """Llama 4: up to 16 tiles of 336 pixels, 144 tokens each after the pixel shuffle, and one of the whole image."""
    patches = side(v) ** 2
    return Tiles(side=square(v, "image_size", 1 << 16), tokens=patches // 4, patches=patches + 1, most=16, separators=1)


def _internvl(v: Fields, outer: Fields) -> ImageRule:
    """InternVL: up to 12 tiles of 448 pixels, 256 tokens each after the pixel shuffle, and one of the whole image."""
    patches = side(v) ** 2
    return Tiles(side=square(v, "image_size", 1 << 16), tokens=patches // 4, patches=patches + 1, most=12)


def _cohere(v: Fields, outer: Fields) -> ImageRule:
    """Aya Vision and Command A Vision: up to 12 tiles of 364 pixels, and one of the whole image."""
    patches, factor = side(v) ** 2, outer.size("downsample_factor", default=2, most=16)
    cells = ceil(side(v) / factor)
    return Tiles(side=square(v, "image_size", 1 << 16), tokens=cells**2, patches=patches, most=12)


def _idefics3(v: Fields, outer: Fields) -> ImageRule:
    """Idefics 3 and SmolVLM: up to four by four tiles, and one of the whole image."""
    patches, factor = side(v) ** 2, outer.size("scale_factor", default=2, most=16)
    tile = square(v, "image_size", 1 << 16)
    return Tiles(side=tile, tokens=patches // factor**2, patches=patches, most=16, by_aspect=False, separators=3)


def _one_view(v: Fields, outer: Fields) -> ImageRule:
    """LLaVA 1.5 and PaliGemma: one view, a token for each patch."""
    return FixedImage(side(v) ** 2, side(v) ** 2)


IMAGE_RULES: Mapping[str, Rule] = {
    "Qwen2VLForConditionalGeneration": _qwen2,
    "Qwen2_5_VLForConditionalGeneration": _qwen2,
    "Qwen2_5OmniModel": _qwen2,
    "Qwen2_5OmniForConditionalGeneration": _qwen2,
    "Qwen2_5OmniThinkerForConditionalGeneration": _qwen2,
    "Qwen3OmniMoeForConditionalGeneration": _qwen3,
    "Qwen3OmniMoeThinkerForConditionalGeneration": _qwen3,
    "Qwen3VLForConditionalGeneration": _qwen3,
    "Qwen3VLMoeForConditionalGeneration": _qwen3,
    "Qwen3_5ForConditionalGeneration": _qwen3,
    "Qwen3_5MoeForConditionalGeneration": _qwen3,
    "Glm4vForConditionalGeneration": _glm,
    "Glm4vMoeForConditionalGeneration": _glm,
    "Glm46VForConditionalGeneration": _glm,
    "KimiVLForConditionalGeneration": _moon,
    "KimiK25ForConditionalGeneration": _moon,
    "Kimi_K25ForConditionalGeneration": _moon,
    "Mistral3ForConditionalGeneration": _pixtral,
    "LightOnOcrForConditionalGeneration": _pixtral,
    "Gemma3ForConditionalGeneration": _gemma3,
    "Gemma4ForConditionalGeneration": _gemma4,
    "Llama4ForConditionalGeneration": _llama4,
    "InternVLForConditionalGeneration": _internvl,
    "InternVLChatModel": _internvl,
    "AyaVisionForConditionalGeneration": _cohere,
    "Cohere2VisionForConditionalGeneration": _cohere,
    "Idefics3ForConditionalGeneration": _idefics3,
    "SmolVLMForConditionalGeneration": _idefics3,
    "LlavaForConditionalGeneration": _one_view,
    "PaliGemmaForConditionalGeneration": _one_view,
}
"""Classes whose images become tokens by a published rule."""

AUDIO_RULES: Mapping[str, AudioRule] = {
    "Qwen2AudioForConditionalGeneration": AudioRule(25, 2),
    "Qwen2_5OmniModel": AudioRule(25, 2),
    "Qwen2_5OmniForConditionalGeneration": AudioRule(25, 2),
    "Qwen2_5OmniThinkerForConditionalGeneration": AudioRule(25, 2),
    "Qwen3OmniMoeForConditionalGeneration": AudioRule(13, 1),
    "Qwen3OmniMoeThinkerForConditionalGeneration": AudioRule(13, 1),
    "VoxtralForConditionalGeneration": AudioRule(12.5, 4, window_s=30),
    "Gemma3nForConditionalGeneration": AudioRule(6.25, 4),
}
"""Classes whose sound becomes tokens: 100 frames a second, strided and pooled (Qwen2-Audio arXiv:2407.10759: 40 ms a
token; Voxtral arXiv:2507.13264: 12.5 Hz over windows of 30 s; Gemma 3n: 160 ms; Qwen3-Omni arXiv:2509.17765: 80 ms)."""


def image_rule(class_name: str, vision: Fields | None, outer: Fields) -> ImageRule | None:
    """The rule by which a class whose configuration describes its tower turns images into tokens; None where none is
    known.
    """
    rule = IMAGE_RULES.get(class_name)
    if rule is None or vision is None:
        return None
    if rule is _one_view and vision.text("model_type", default="") == "pixtral":
        rule = _pixtral
    try:
        return rule(vision, outer)
    except InputError:  # a tower that is not fully described is no reason to refuse the language model
        return None
