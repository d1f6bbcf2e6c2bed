"""Internal errors as text: one line for people, or in full for whoever looks for the fault."""

import os


def is_debugged() -> bool:
    """Whether LLMCALC_DEBUG asks for internal errors in full."""
    return bool(os.environ.get("LLMCALC_DEBUG"))


def describe_internal_error(error: Exception) -> str:
    """An internal error in one line, for people. Raises the error itself where LLMCALC_DEBUG is set."""
    if is_debugged():
        raise error
    return f"internal error, LLMCALC_DEBUG=1 shows it in full: {type(error).__name__}: {error}"
