"""What the name of an upload says of its weights, where the catalogue knows the model and nothing of the upload."""

from dataclasses import replace

from estimator.errors import Refusal
from estimator.models.file_mix import as_written
from estimator.models.format_choice import SIXTEEN_BIT
from estimator.models.formats import USUAL_MIX, WeightFormat, format_in_name, weight_format
from estimator.models.misnomers import misnomer
from estimator.models.model import Model, as_stored
from estimator.printable import printable

LONGEST_ID, LONGEST_WORD = 200, 20
"""Characters of a name, and of one word of it, that are shown."""


def as_announced(reference: str, model: Model, exact: bool) -> Model:
    """The catalogue's model as the upload of that name stores it: in the format that the name announces.

    A name that is the catalogue's own (`exact`) and announces nothing means the entry; another that only says that its
    weights are narrower than 16 bits has the entry's shape in an unknown format.
    """
    announced = announced_format(reference, model)
    if announced is None:
        return model if exact else _in_unknown_format(reference, model)
    own = model.native_weights
    alike = own.startswith(f"{announced}-") or (announced in SIXTEEN_BIT and own in SIXTEEN_BIT)
    if announced in (own, format_in_name(model.id)) or alike:
        return model
    weights = as_written(weight_format(announced), model.architecture)
    wider = "" if weights.id in SIXTEEN_BIT else ": which tensors this upload leaves wider is not known"
    return _upload(reference, model, weights, f"{weights.id} by its name alone{wider}")


def _upload(reference: str, model: Model, checkpoint: WeightFormat, note: str) -> Model:
    """The model under the name of an upload that stores it in another format, in as many bytes as that takes."""
    return replace(
        model,
        id=printable(reference.strip(), LONGEST_ID),
        native_weights=checkpoint.id,
        checkpoint=checkpoint,
        stored_bytes=None,
        notes=(*model.notes, note),
    )


def _in_unknown_format(reference: str, model: Model) -> Model:
    """The model without its bytes where the name of an upload says that it is quantised, and not how."""
    from catalog.names import narrow_words  # its patterns take a millisecond to compile

    words = narrow_words(reference)
    if not words:
        return model
    reason = f"its name says {printable(words[-1], LONGEST_WORD)}: how it stores its weights is not known"
    unknown = Refusal("weights", f"{reason}; name a format with --weights")
    upload = _upload(reference, model, as_stored(model.architecture, None), unknown.reason)
    return replace(upload, unknown_weights=unknown)


def announced_format(reference: str, model: Model) -> str | None:
    """The format of an upload's name, as a model can have it: MXFP4 is of the linear layers where there are no
    experts, and a GGUF file whose mix is not said keeps experts that are published in MXFP4.
    """
    announced = format_in_name(reference)
    if announced == "mxfp4" and misnomer(model.architecture, weight_format(announced)):
        return "mxfp4-linear"
    if announced and model.native_weights == "mxfp4" and reference.lower().endswith("gguf"):
        says_mix = announced != USUAL_MIX or USUAL_MIX.removeprefix("gguf-") in reference.lower()
        return announced if says_mix else "gguf-mxfp4"
    return announced
