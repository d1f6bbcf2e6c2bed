"""Writes what a shell and `man` read, from the verbs' own arguments: share/bash-completion, share/zsh, share/man.

python -m scripts.shell_files
"""

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import shtab

from tui.cli import Parser
from tui.options.options import OPTIONS
from tui.start import parser as app_parser
from tui.verbs import VERBS

SHARE = Path(__file__).parents[1] / "share"
PROGRAM = "llmcalc-tui"


def program() -> argparse.ArgumentParser:
    """The whole command line as one parser: the app's options, and each verb with its own."""
    whole = app_parser()
    (session,) = (action for action in whole._actions if action.dest == "session")
    whole._actions.remove(session)  # a shell completes file names by itself, and a verb where both could stand
    whole._positionals._group_actions.remove(session)
    verbs = whole.add_subparsers(title="verbs", parser_class=Parser)
    for verb, meaning in VERBS.items():
        module = import_module(f"tui.cli.{verb}")
        parser = verbs.add_parser(verb, help=meaning, description=module.__doc__)
        module.add_arguments(parser)
        for action in parser._actions:
            option = OPTIONS.get(action.dest)
            action.choices = option.choices if option and option.choices else action.choices
    return whole


def files() -> dict[str, str]:
    """Path below share/ -> text."""
    whole = program()
    return {
        f"bash-completion/completions/{PROGRAM}": shtab.complete(whole, "bash"),
        f"zsh/site-functions/_{PROGRAM}": shtab.complete(whole, "zsh"),
        f"man/man1/{PROGRAM}.1": manual(app_parser()),
    }


def manual(whole: argparse.ArgumentParser) -> str:
    """The page in roff: what it is, the app's options, then every verb with its options."""
    lines = [f'.TH "{PROGRAM.upper()}" "1"', ".SH NAME", f"{PROGRAM} \\- hardware, speed and cost of language models"]
    lines += [".SH DESCRIPTION", _roff(whole.description or "")]
    lines += [".SH OPTIONS", *_options(whole)]
    for verb, meaning in VERBS.items():
        parser = argparse.ArgumentParser(prog=verb, add_help=False)
        import_module(f"tui.cli.{verb}").add_arguments(parser)
        lines += [f'.SH "{verb.upper()}"', f"\\fB{PROGRAM} {verb}\\fR: {_roff(meaning)}", *_options(parser)]
    lines += [".SH EXIT STATUS", "0 answered, 1 nothing asked for fits, 2 the input is wrong."]
    return "\n".join(lines) + "\n"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue
        names = ", ".join(action.option_strings) or action.metavar or action.dest
        valued = action.option_strings and action.nargs != 0
        value = f" \\fI{_roff(str(action.metavar or action.dest))}\\fR" if valued else ""
        yield from (".TP", f"\\fB{_roff(str(names))}\\fR{value}", _roff(action.help or "\\&"))


def _roff(text: str) -> str:
    """Plain text that roff prints as it stands."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ").removeprefix(".").strip()


if __name__ == "__main__":
    for name, text in files().items():
        (SHARE / name).parent.mkdir(parents=True, exist_ok=True)
        (SHARE / name).write_text(text, encoding="utf-8")
