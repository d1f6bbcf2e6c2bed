"""From a class name to its reader: registered for it, or made from the reader of the decoder under its head."""

from estimator.errors import UnsupportedArchitecture
from estimator.models.hf_config.registry import Reader, find_reader


def reader(class_name: str, otherwise: str) -> Reader:
    """The reader of a class name. Raises UnsupportedArchitecture, with the reason `otherwise`, where there is none."""
    known = find_reader(class_name)
    if known is None or class_name.endswith("Model"):
        from estimator.models.hf_config.heads import HEAD_STYLES, headed_reader

        known = headed_reader(class_name) if known is None or class_name in HEAD_STYLES else known
    if known is None:
        raise UnsupportedArchitecture(ascii(class_name[:80])[1:-1], otherwise)
    return known
