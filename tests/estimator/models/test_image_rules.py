"""How each family's processor cuts an image: tokens for the language model, positions for the tower.

Sizes are those of the processors' own configurations; a field that an upload leaves out is the class's.
"""

from typing import Any

import pytest

from estimator.models.hf_config import read
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.media_rules import AUDIO_RULES, image_rule
from estimator.models.media import AudioRule, ImageRule, Media
from tests.estimator.models.test_absent_fields import COUNTED
from tests.estimator.models.test_transformers_classes import config_of


def rule_of(class_name: str, vision: dict[str, Any], outer: dict[str, Any]) -> ImageRule:
    rule = image_rule(class_name, Fields(vision), Fields(outer, class_name=class_name))
    assert rule
    return rule


CLIP = {"image_size": 336, "patch_size": 14}
INTERN = {"image_size": [448, 448], "patch_size": [14, 14]}
COHERE = {"image_size": 364, "patch_size": 14}
SMOL = {"image_size": 512, "patch_size": 16}
IMAGES: list[tuple[str, dict[str, Any], dict[str, Any], tuple[int, int], Media]] = [
    # cells of two by two patches, a token before and after: 28 pixels a cell, 32 from Qwen3-VL on
    ("Qwen2VLForConditionalGeneration", {}, {}, (280, 140), Media(10 * 5 + 2, 200)),
    ("Qwen2VLForConditionalGeneration", {}, {}, (14, 14), Media(2 * 2 + 2, 16)),
    ("Qwen2VLForConditionalGeneration", {"patch_size": 16}, {}, (320, 160), Media(10 * 5 + 2, 200)),
    ("Qwen3VLForConditionalGeneration", {}, {}, (320, 640), Media(10 * 20 + 2, 800)),
    ("Qwen3VLForConditionalGeneration", {}, {}, (64, 64), Media(8 * 8 + 2, 256)),
    ("Qwen3VLForConditionalGeneration", {}, {}, (8192, 8192), Media(128 * 128 + 2, 65_536)),
    ("Glm4vForConditionalGeneration", {}, {}, (280, 140), Media(10 * 5 + 2, 200)),
    ("Glm4vForConditionalGeneration", {}, {}, (28, 28), Media(4 * 4 + 2, 64)),
    (
        "Glm4vForConditionalGeneration",
        {},
        {},
        (9000, 9000),
        Media(78 * 78 + 2, 4 * 78 * 78),
    ),  # 78.4 cells: 6,144 in all
    ("KimiVLForConditionalGeneration", {}, {}, (896, 896), Media(32 * 32 + 2, 4096)),
    ("KimiVLForConditionalGeneration", {}, {}, (1792, 1792), Media(32 * 32 + 2, 4096)),
    ("KimiVLForConditionalGeneration", {}, {}, (29, 28), Media(2 * 1 + 2, 8)),  # rounded up
    ("KimiK25ForConditionalGeneration", {}, {}, (3584, 3584), Media(64 * 64 + 2, 16_384)),
    # the longest side at most 1,540 pixels, a token ends each row
    ("Mistral3ForConditionalGeneration", {}, {}, (3080, 1540), Media(55 * 28 + 28, 4 * 55 * 28)),
    ("Mistral3ForConditionalGeneration", {}, {}, (28, 56), Media(1 * 2 + 2, 8)),
    ("Mistral3ForConditionalGeneration", {"image_size": 56}, {}, (112, 112), Media(2 * 2 + 2, 16)),
    ("LlavaForConditionalGeneration", {"model_type": "pixtral"}, {}, (28, 56), Media(2 * 4 + 4, 8)),
    # every image at one size
    ("LlavaForConditionalGeneration", CLIP, {}, (10, 900), Media(576, 576)),
    ("PaliGemmaForConditionalGeneration", {"image_size": 224, "patch_size": 14}, {}, (10, 900), Media(256, 256)),
    ("Gemma3ForConditionalGeneration", {"image_size": 896, "patch_size": 14}, {}, (10, 900), Media(256 + 4, 4096)),
    ("Gemma4ForConditionalGeneration", {}, {}, (10, 900), Media(280 + 2, 9 * 280)),
    # tiles, and one of the whole image where there are several; the tower computes class tokens too
    ("Llama4ForConditionalGeneration", CLIP, {}, (336, 336), Media(144 + 1, 577)),
    ("Llama4ForConditionalGeneration", CLIP, {}, (1344, 1344), Media(17 * 144 + 16, 17 * 577)),
    ("Llama4ForConditionalGeneration", CLIP, {}, (336, 17 * 336), Media(17 * 144 + 16, 17 * 577)),
    ("InternVLForConditionalGeneration", INTERN, {}, (448, 448), Media(256, 1025)),
    ("InternVLForConditionalGeneration", INTERN, {}, (448, 13 * 448), Media(13 * 256, 13 * 1025)),
    ("InternVLForConditionalGeneration", INTERN, {}, (13 * 448, 448), Media(13 * 256, 13 * 1025)),
    ("Cohere2VisionForConditionalGeneration", COHERE, {}, (364, 364), Media(169, 676)),
    ("Cohere2VisionForConditionalGeneration", COHERE, {}, (364, 13 * 364), Media(13 * 169, 13 * 676)),
    ("Idefics3ForConditionalGeneration", COHERE, {}, (364, 364), Media(169 + 3, 676)),
    ("Idefics3ForConditionalGeneration", COHERE, {}, (9000, 9000), Media(17 * 169 + 16 * 3, 17 * 676)),
    ("SmolVLMForConditionalGeneration", SMOL, {"scale_factor": 4}, (513, 512), Media(3 * 64 + 2 * 3, 3 * 1024)),
]


@pytest.mark.parametrize(("class_name", "vision", "outer", "size", "media"), IMAGES)
def test_an_image_becomes_tokens_and_positions_of_the_tower(
    class_name: str, vision: dict[str, Any], outer: dict[str, Any], size: tuple[int, int], media: Media
) -> None:
    assert rule_of(class_name, vision, outer).of(*size) == media


def test_a_tower_whose_sizes_are_not_stated_has_no_rule() -> None:
    assert image_rule("LlavaForConditionalGeneration", Fields({"patch_size": 14}), Fields({})) is None


@pytest.mark.parametrize(
    ("class_name", "tokens_a_minute", "frames"),
    [
        ("Qwen2AudioForConditionalGeneration", 60 * 25, 3000),  # 40 ms a token
        ("Qwen2_5OmniModel", 60 * 25, 3000),
        ("Qwen3OmniMoeForConditionalGeneration", 60 * 13, 60 * 13),
        ("VoxtralForConditionalGeneration", 60 * 12.5, 3000),
        ("Gemma3nForConditionalGeneration", 60 * 6.25, 1500),  # 160 ms
    ],
)
def test_a_minute_of_sound_becomes_tokens_and_frames(class_name: str, tokens_a_minute: float, frames: int) -> None:
    assert AUDIO_RULES[class_name].of(60) == Media(int(tokens_a_minute), frames)


def test_sound_is_padded_to_whole_windows_where_the_encoder_takes_only_these() -> None:
    assert AudioRule(12.5, 4, window_s=30).of(31) == AudioRule(12.5, 4).of(60)
    assert AudioRule(25, 2).of(0.01) == Media(1, 2)


def test_gemma_4_sees_whole_images_of_at_most_2496_tokens_in_one_step() -> None:
    """vLLM issue 42687; the class that masks nothing within an image says so unless its file does not."""
    config = config_of(COUNTED["gemma4_unified"], "gemma4_unified")
    assert read(config).whole_image_tokens == 2496
    masked = {**config["text_config"], "use_bidirectional_attention": None}
    assert read({**config, "text_config": masked}).whole_image_tokens == 0
