"""What proposes tokens for a model to verify: its own prediction module, another model or head, or the text so far."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from estimator.errors import InputError
from estimator.models.model import NGRAM, Drafter, Model

PADDING = 256
"""Rows by which vocabularies of one tokenizer differ: tables are padded to sizes that kernels like."""


def drafting(model: Model, name: str | None, read: Callable[[str], Model]) -> Model:
    """A model with the drafter of that name, which `read` finds; without one, its own prediction modules draft.

    Raises InputError for a drafter that is not found, or whose tokens are not the model's.
    """
    if name is None:
        return model
    upload = drafter_upload(name)
    try:
        return _with_drafter(model, read(upload) if upload else None)
    except InputError as error:
        raise error.under("draft_model") from None


def check_serves(model: Model) -> None:
    """Raises InputError for a head that has no tokens of its own to start from."""
    if model.architecture.drafts:
        raise InputError("model", f"{model.id} drafts for another model: name it as the draft model of that one")


def drafter_upload(name: str | None) -> str | None:
    """The upload or file that a drafter's name stands for; None where there is none to read."""
    return None if name is None or name.strip().lower() == NGRAM else name


@lru_cache(maxsize=256)
def _with_drafter(model: Model, drafter: Model | None) -> Model:
    if drafter is None:
        return replace(model, drafter=Drafter(None))
    own, its = model.architecture, drafter.architecture
    if not its.generates:
        raise InputError("draft_model", f"{drafter.id} writes no text")
    if abs(own.vocabulary - its.vocabulary) > PADDING:
        sizes = f"{its.vocabulary:,} tokens, {model.id} {own.vocabulary:,}"
        raise InputError("draft_model", f"{drafter.id} has {sizes}: a draft is of the model's own tokens")
    reads = its.target_hidden or its.hidden
    if its.drafts and reads != own.hidden:
        widths = f"made for {reads:,} wide states, {model.id} is {own.hidden:,}"
        raise InputError("draft_model", f"{drafter.id} is {widths}")
    return replace(model, drafter=Drafter(drafter))
