"""Names of a model's parts as tables and pages show them."""


def class_label(part: object) -> str:
    """The name of a part, from its class: a `GatedDeltaNet` is a "gated delta net"."""
    name = type(part).__name__
    return "".join(f" {each.lower()}" if each.isupper() else each for each in name).strip()
