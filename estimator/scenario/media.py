"""Images and sound of the asked requests, as tokens of the asked model."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from estimator.errors import InputError
from estimator.models.media import NOTHING, Images, Media
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServingWorkload

if TYPE_CHECKING:
    from estimator.models.model import Model

MOST_IMAGES = 10_000
LONGEST_SIDE = 100_000
"""Pixels of an image's longest side; more is no image."""


def read_images(text: str) -> Images:
    """Number and size of images from text: `3` or `3@1280x720`. Raises InputError for anything else."""
    match = re.fullmatch(r"(\d{1,5})(?:@(\d{1,6})[x\u00d7](\d{1,6}))?", text.strip().lower())
    if not match:
        raise InputError("images", f"{text!r} is not understood, expected a number, or N@WxH in pixels (2@1280x720)")
    images = Images(int(match[1]), *(int(side) for side in match.groups()[1:] if side))
    if images.number > MOST_IMAGES or not 1 <= min(images[1:]) <= max(images[1:]) <= LONGEST_SIDE:
        raise InputError("images", f"{text!r} is out of range: up to {MOST_IMAGES:,} of 1 to {LONGEST_SIDE:,} pixels")
    if max(images[1:]) > 200 * min(images[1:]):
        raise InputError("images", f"{text!r}: processors refuse sides more than 200 times each other")
    return images


def with_media(scenario: Scenario, model: "Model") -> Scenario:
    """The scenario as a model sees it: images and sound as tokens, and no output where the model writes none.

    Raises InputError where the model takes no such input, or takes it by a rule that is not known.
    """
    workload = scenario.workload
    total = NOTHING
    if workload.images or workload.audio_seconds:
        media = _images(workload, model), _sound(workload, model)
        total = Media(sum(each.tokens for each in media), sum(each.patches for each in media))
    encodes = model.architecture.encodes
    if workload.prefix_cache_hit and not model.architecture.keeps_prompts:
        raise InputError(
            "prefix_cache_hit", f"{model.id} reads both ways: no part of a text is computed ahead of the rest"
        )
    if (total, encodes) == (workload.media, workload.encodes):
        return scenario
    return replace(scenario, workload=replace(workload, media=total, encodes=encodes))


def _images(workload: ServingWorkload, model: "Model") -> Media:
    if not workload.images:
        return NOTHING
    images, rule = read_images(workload.images), model.architecture.image_rule
    if rule is None:
        raise InputError("images", f"how {model.id} ({model.architecture.class_name}) takes images is not known")
    one = rule.of(images.width, images.height)
    return Media(images.number * one.tokens, images.number * one.patches)


def _sound(workload: ServingWorkload, model: "Model") -> Media:
    if not workload.audio_seconds:
        return NOTHING
    rule = model.architecture.audio_rule
    if rule is None:
        raise InputError("audio", f"how {model.id} ({model.architecture.class_name}) takes sound is not known")
    return rule.of(workload.audio_seconds)
