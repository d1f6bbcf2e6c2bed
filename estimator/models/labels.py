"""How parts of a model are called in tables and on pages."""


def class_label(part: object) -> str:
    """A part by its class: a `GatedDeltaNet` is a "gated delta net"."""
    name = type(part).__name__
    return "".join(f" {each.lower()}" if each.isupper() else each for each in name).strip()
