"""Names of machines, as they are typed."""

import pytest

from catalog.load import Catalog
from estimator.errors import InputError


@pytest.mark.parametrize("name", ["p5.48xlarge", "ml.p5.48xlarge", " P5.48XLARGE ", "ml.P5.48xlarge"])
def test_a_machine_is_known_by_its_name_and_by_sagemakers(catalog: Catalog, name: str) -> None:
    assert catalog.inventory.machine(name).id == "p5.48xlarge"


def test_an_unknown_machine_is_refused_with_close_names(catalog: Catalog) -> None:
    with pytest.raises(InputError, match=r"did you mean p5\.48xlarge"):
        catalog.inventory.machine("ml.p5.48xlarg")
