"""An engine answers to its id and to its name as it is printed or spoken."""

import pytest

from catalog import open_catalog, scenario
from catalog.questions import ask
from estimator.errors import InputError

CATALOG = open_catalog()


@pytest.mark.parametrize(
    ("spoken", "known"),
    [("llama.cpp", "llamacpp"), ("TensorRT-LLM", "trtllm"), ("vLLM", "vllm"), ("GPT-Fast", "gpt-fast")],
)
def test_a_name_as_it_is_spoken_is_the_engine(spoken: str, known: str) -> None:
    assert CATALOG.inventory.engine(spoken).id == known
    assert ask(CATALOG, scenario(CATALOG, engine=spoken)).scenario.engine == known


def test_an_unknown_name_is_refused_with_near_ones() -> None:
    with pytest.raises(InputError, match=r"unknown engine 'vlm'; did you mean vllm"):
        CATALOG.inventory.engine("vlm")
    with pytest.raises(InputError, match=r"unknown engine '\.\.\.'"):
        CATALOG.inventory.engine("...")
