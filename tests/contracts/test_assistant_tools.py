"""The verbs as tools of an assistant: schemas from their own arguments, answers of the same contract."""

import json
from typing import Any

import pytest
from mcp import Client

from estimator.errors import InputError
from tui.cli import main, tools
from tui.cli.mcp import server
from tui.options.options import OPTIONS

AT = {"model": "Qwen/Qwen3-8B", "instance": "g6e.xlarge", "concurrency": 8}


def verb(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    main((*arguments, "--format", "json"))
    return json.loads(capsys.readouterr().out)


async def test_a_client_lists_and_calls_them(capsys: pytest.CaptureFixture[str]) -> None:
    async with Client(server()) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"estimate", "rank", "compare", "plan", "model"} <= set(listed)
        assert set(listed["estimate"].input_schema["properties"]) >= set(OPTIONS)
        result = await client.call_tool("estimate", AT)
        refused = await client.call_tool("estimate", {"model": "Qwen/Qwen3-8B", "tp": 3})
    assert not result.is_error
    options = [text for name, value in AT.items() for text in (f"--{name}", str(value))]
    assert json.loads(result.content[0].text) == verb(capsys, "estimate", *options)
    assert refused.is_error
    assert refused.content[0].text.startswith("--tp: ")


def test_every_input_says_what_it_is() -> None:
    for tool in tools.tools():
        for name, schema in tool.schema["properties"].items():
            assert "description" in schema or name in ("scenarios", "limit"), (tool.name, name)
        assert tool.schema["additionalProperties"] is False
        assert not {"session", "format"} & set(tool.schema["properties"])


def test_a_list_is_short_unless_a_limit_is_said() -> None:
    assert len(tools.call("rank", {"model": "Qwen/Qwen3-8B"})["rows"]) == tools.FEW_ROWS
    assert len(tools.call("rank", {"model": "Qwen/Qwen3-8B", "limit": 7})["rows"]) == 7


def test_scenarios_are_compared_as_sessions_are() -> None:
    page = tools.call("compare", {"scenarios": [AT, AT | {"weights": "bf16"}]})
    weights = [each["memory"]["weights_bytes"] for each in page["candidates"]]
    assert weights[1] > 1.5 * weights[0]


@pytest.mark.parametrize(
    ("name", "given", "complaint"),
    [
        ("nothing", {}, "no such tool"),
        ("serve", {}, "no such tool"),
        ("rank", {"modl": "x"}, "did you mean model"),
        ("estimate", {"session": "/etc/passwd"}, "no such input"),
        ("compare", {"scenarios": [AT]}, "two scenarios or more"),
        ("compare", {"scenarios": [AT, "text"]}, "is not an object"),
        ("compare", {"scenarios": [AT, {"weights": "fp99"}]}, "unknown format"),
        ("estimate", {"model": "--all"}, "--all"),
    ],
)
def test_what_is_wrong_is_named(name: str, given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        tools.call(name, given)
    assert "/tmp" not in str(caught.value)


def test_a_value_is_never_an_option() -> None:
    (page,) = tools.call("model", {"models": ["--explain"]})
    assert page["status"] == "invalid"
