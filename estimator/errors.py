"""What can be wrong with a question. Every message is one line that names the field and the way on."""


class InputError(ValueError):
    """An input that can not be answered: `field` names it, `reason` says what is wrong and what would do."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class UnsupportedArchitecture(InputError):
    """A model class the estimator does not know; it is refused, never approximated."""

    def __init__(self, class_name: str, reason: str) -> None:
        super().__init__("architecture", f"{class_name}: {reason}")
        self.class_name = class_name
