"""Models of measured cases, by the names that their rows print."""

from types import SimpleNamespace
from typing import Any

import pytest

from estimator.errors import InputError
from tui.cli.accuracy import models


def test_a_name_that_is_no_model_is_looked_for_once_however_many_rows_print_it() -> None:
    asked: list[str] = []

    def model(name: str) -> str:
        asked.append(name)
        if name == "none":
            raise InputError("model", "none is unknown")
        return f"the model {name}"

    catalog: Any = SimpleNamespace(model=model, has_model=lambda name: True)
    named = models(catalog)
    for _ in range(3):
        assert named("one") == "the model one"  # type: ignore[comparison-overlap]
        with pytest.raises(InputError, match="none is unknown"):
            named("none")
    assert asked == ["one", "none"]
