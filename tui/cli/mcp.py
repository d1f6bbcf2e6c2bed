"""A server for assistants over standard input and output (Model Context Protocol). Needs the `mcp` extra."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from estimator.errors import InputError
from tui.cli import tools
from tui.cli.status import ANSWERED

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

ABOUT = (
    "What hardware should run or fine-tune a language model, how fast, at what cost. Figures are bands with low, "
    "typical and high; confidence A is measured on this accelerator, B transferred from a relative, C from the "
    "datasheet alone. Times are seconds, sizes bytes, money US dollars."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb `mcp`: none, since the assistant's program starts it and speaks through its streams."""


def run(arguments: argparse.Namespace) -> int:
    try:
        import anyio
        from mcp.server.stdio import stdio_server

        app = server()
    except ImportError:
        raise InputError("mcp", "needs the Model Context Protocol's SDK: pip install 'llmcalc-tui[mcp]'") from None

    async def serve() -> None:
        async with stdio_server() as (reading, writing):
            await app.run(reading, writing, app.create_initialization_options())

    anyio.run(serve)
    return ANSWERED


def server() -> "Server[Any]":
    """An MCP server whose tools are the headless verbs. Raises ImportError without the SDK."""
    from mcp import types
    from mcp.server.lowlevel import Server

    offered = [
        types.Tool(
            name=each.name,
            description=each.description,
            input_schema=each.schema,
            annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=each.name == "model"),
        )
        for each in tools.tools()
    ]

    async def listed(context: Any, asked: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=offered)

    async def called(context: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            answer = tools.call(asked.name, asked.arguments or {})
        except InputError as error:
            return types.CallToolResult(content=[types.TextContent(type="text", text=str(error))], is_error=True)
        return types.CallToolResult(content=[types.TextContent(type="text", text=json.dumps(answer))])

    return Server("llmcalc-tui", instructions=ABOUT, on_list_tools=listed, on_call_tool=called)
