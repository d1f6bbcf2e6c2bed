"""Parameters of towers that only one family of checkpoints has: Qwen-VL's and DeepSeek-OCR's."""

from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.towers import block, patches, side

RESAMPLED = 256
"""Queries of Qwen-VL's resampler (arXiv:2308.12966): each image becomes that many tokens."""


def qwen_vl(v: Fields, outer: Fields, hidden: int) -> int:
    """Qwen-VL: OpenCLIP's ViT-bigG without its head, and a cross-attention resampler into the language model's width.

    Checked against the published 9,656,935,168 parameters of Qwen-VL-Chat.
    """
    width, out = v.size("width"), v.size("output_dim")
    encoder = patches(v, width, bias=False) + RESAMPLED * width + 2 * width
    encoder += v.layers("layers") * block(width, int(width * v.number("mlp_ratio")))
    attention = 4 * out * out + 4 * out
    resampler = 2 * RESAMPLED * out + width * out + attention + 2 * 2 * out
    return encoder + resampler + 2 * out + out * out


DEEP_LAYERS = 4
"""Blocks of SAM's ViT-B that attend to the whole image; the others see windows (arXiv:2304.02643)."""
SAM_WINDOW = 14
NECK = (256, 512, 1024)
"""Channels behind SAM's encoder in DeepSeek-OCR, two strided convolutions included."""
SAM = {"width": 768, "layers": 12, "image_size": 1024, "patch_size": 16, "heads": 12}
"""SAM's ViT-B, for what the configuration leaves out."""


def deepseek_ocr(v: Fields, outer: Fields, hidden: int) -> int:
    """DeepSeek-OCR (arXiv:2510.18234): SAM's ViT-B in front of CLIP's ViT-L, and one linear projector.

    Checked against the published 3,336,106,240 parameters.
    """
    widths = v.required_section("width")
    sam = widths.required_section("sam_vit_b")
    clip = widths.section("clip-l-14-224") or widths.required_section("clip-l-14")
    projector = outer.required_section("projector_config")
    width = clip.size("width")
    seen = (side(clip) ** 2 + 1) * width + width + patches(clip, width, bias=False) + 2 * width
    seen += clip.layers("layers") * block(width, 4 * width)
    joined = projector.size("input_dim") * hidden + hidden
    ends = 2 * hidden  # a vector for the end of a row, and one between views
    return _sam(Fields({**SAM, **sam.config}, sam.path)) + seen + joined + ends


def _sam(v: Fields) -> int:
    """Segment Anything's image encoder with relative positions, and the convolutions that shrink its output."""
    width, grid = v.size("width"), side(v)
    head = width // v.size("heads", most=1 << 12)
    blocks = v.layers("layers") * block(width, 4 * width)
    windowed = v.layers("layers") - DEEP_LAYERS
    relative = 2 * head * (windowed * (2 * SAM_WINDOW - 1) + DEEP_LAYERS * (2 * grid - 1))
    first, second, third = NECK
    neck = width * first + 9 * first * first + 2 * 2 * first + 9 * first * second + 9 * second * third
    return patches(v, width, bias=True) + grid * grid * width + blocks + relative + neck
