"""Whose kernel constants an unmeasured device takes."""

import pytest

from catalog.load import Catalog
from estimator.advice.provenance import origin
from estimator.results import Confidence
from estimator.scenario.scenario import Scenario


@pytest.mark.parametrize(
    ("accelerator", "confidence", "said"),
    [
        ("h100-sxm", "A", ""),
        ("l4", "B", "l40s"),
        ("a100-40gb-sxm", "B", "a100-80gb-sxm"),
        ("trainium2", "C", ""),
        ("no-such-device", "C", ""),
    ],
)
def test_an_unmeasured_device_names_whose_constants_it_takes(
    catalog: Catalog, accelerator: str, confidence: Confidence, said: str
) -> None:
    text = origin(accelerator, Scenario(), confidence, catalog.inventory)
    assert (said in text) if said else text == ""


def test_every_device_of_class_c_says_where_its_speed_comes_from(catalog: Catalog) -> None:
    gpus = [each.id for each in catalog.inventory.accelerators.values() if each.kind == "gpu"]
    unmeasured = [each for each in gpus if catalog.inventory.efficiency.evidence.get(each, "spec") == "spec"]
    assert len(unmeasured) > 20
    assert all(origin(each, Scenario(), "C", catalog.inventory) for each in unmeasured)


def test_llama_cpp_has_classes_of_its_own(catalog: Catalog) -> None:
    assert origin("l4", Scenario(engine="llamacpp"), "B", catalog.inventory) == ""
