"""Images and sound of a prompt, as tokens by the rule of each family's processor, and as seconds of the tower."""

import pytest

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.models.media import Images, NativeGrid, Tiles
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.media import read_images, with_media
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServingWorkload

IMAGES = [
    ("Qwen/Qwen2.5-VL-7B-Instruct", (1280, 720), 46 * 26 + 2),
    ("Qwen/Qwen2.5-VL-7B-Instruct", (8000, 6000), 147 * 110 + 2),  # scaled down to 12,845,056 pixels
    ("Qwen/Qwen2.5-VL-7B-Instruct", (28, 28), 2 * 2 + 2),  # scaled up to 56 x 56
    ("Qwen/Qwen3-VL-8B-Instruct", (1920, 1080), 60 * 34 + 2),
    ("google/gemma-3-27b-it", (300, 4000), 256 + 4),
    ("meta-llama/Llama-4-Scout-17B-16E-Instruct", (336, 336), 144 + 1),
    ("meta-llama/Llama-4-Scout-17B-16E-Instruct", (672, 336), 3 * 144 + 2),
    ("mistralai/Mistral-Small-3.1-24B-Instruct-2503", (1024, 1024), 37 * 37 + 37),
    ("mistralai/Mistral-Small-3.1-24B-Instruct-2503", (3080, 1540), 55 * 28 + 28),
]


@pytest.mark.parametrize(("name", "size", "tokens"), IMAGES)
def test_tokens_of_an_image(catalog: Catalog, name: str, size: tuple[int, int], tokens: int) -> None:
    rule = catalog.model(name).architecture.image_rule
    assert rule
    assert rule.of(*size).tokens == tokens


@pytest.mark.parametrize(
    ("size", "tiles"), [((448, 448), 1), ((896, 448), 2), ((1344, 896), 6), ((4000, 500), 8), ((2000, 2000), 9)]
)
def test_tiles_of_the_nearest_aspect(size: tuple[int, int], tiles: int) -> None:
    """InternVL: up to 12 tiles; one more of the whole image where there are several."""
    media = Tiles(side=448, tokens=256, patches=1025, most=12).of(*size)
    assert media.tokens == 256 * (tiles + (tiles > 1))


def test_a_limit_of_pixels_is_never_passed() -> None:
    rule = NativeGrid(cell=28, merge=2, least_pixels=3136, most_pixels=1_003_520)
    for width in range(50, 4000, 333):
        for height in range(50, 4000, 287):
            assert (rule.of(width, height).tokens - 2) * 28 * 28 <= 1_003_520 + 28 * max(width, height)


@pytest.mark.parametrize(("text", "images"), [("3", Images(3)), ("2@1280x720", Images(2, 1280, 720))])
def test_images_as_they_are_written(text: str, images: Images) -> None:
    assert read_images(text) == images


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("10000", Images(10_000)),
        ("0", Images(0)),
        ("1@100000x500", Images(1, 100_000, 500)),
        ("1@1x200", Images(1, 1, 200)),
        ("1@1x1", Images(1, 1, 1)),
    ],
)
def test_ten_thousand_images_of_a_hundred_thousand_pixels_are_the_most(text: str, images: Images) -> None:
    assert read_images(text) == images


@pytest.mark.parametrize(
    "text", ["10001", "1@100001x501", "1@1x201", "", "x", "2@", "2@0x5", "2@10", "-1", "1e3", "1@1x100000", "123456"]
)
def test_what_is_no_image_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="images"):
        read_images(text)


def first(catalog: Catalog, name: str, workload: ServingWorkload) -> Evaluation:
    scenario = Scenario(name, "bf16", workload=workload, placement=Placement(accelerator="l40s", count=1))
    return rank(catalog.model(name), scenario, catalog.inventory, catalog.prices("us-east-1")).rows[0]


def test_images_lengthen_the_prompt_and_take_the_tower_s_time(catalog: Catalog) -> None:
    name = "Qwen/Qwen2.5-VL-7B-Instruct"
    text = first(catalog, name, ServingWorkload(1198 + 200, 64, 1)).performance
    image = first(catalog, name, ServingWorkload(200, 64, 1, images="1@1280x720")).performance
    assert text
    assert image
    flops = 2 * catalog.model(name).tower_parameters * 4 * 46 * 26
    tower_s = image.ttft_s.typical - text.ttft_s.typical
    assert flops / 181e12 < tower_s < 5 * flops / 181e12


def test_a_model_without_eyes_says_so(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="images is not known"):
        first(catalog, "Qwen/Qwen3-8B", ServingWorkload(images="1"))
    with pytest.raises(InputError, match="sound is not known"):
        first(catalog, "Qwen/Qwen3-8B", ServingWorkload(audio_seconds=10.0))


def test_another_model_counts_its_own_tokens(catalog: Catalog) -> None:
    scenario = Scenario("Qwen/Qwen2.5-VL-7B-Instruct", workload=ServingWorkload(images="2@1280x720"))
    seen = with_media(scenario, catalog.model("Qwen/Qwen2.5-VL-7B-Instruct"))
    assert seen.workload.total_tokens == scenario.workload.total_tokens + 2 * 1198
    again = with_media(seen, catalog.model("google/gemma-3-27b-it"))
    assert again.workload.media.tokens == 2 * 260
    assert with_media(again, catalog.model("google/gemma-3-27b-it")) is again
