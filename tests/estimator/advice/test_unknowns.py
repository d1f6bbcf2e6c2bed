"""What is not known of a model."""

from dataclasses import replace

from catalog.load import Catalog
from estimator.advice.reach import unknowns


def test_what_is_not_known_of_a_model_is_named(catalog: Catalog) -> None:
    model = catalog.model("Qwen/Qwen3-8B")
    bare = replace(model.architecture, tower_missing=True, mtp_missing=True, max_context=0)
    assert list(unknowns(replace(model, architecture=bare, licence=""))) == [
        "parameters of its vision or audio tower",
        "parameters of its prediction modules",
        "its longest context",
        "its licence",
    ]
