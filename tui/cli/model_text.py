"""A model as a page of text: its parameters, its cache, and the working behind them."""

from collections.abc import Iterator
from textwrap import wrap

from estimator.advice.reach import FormatSize, engines_for, format_sizes, unknowns
from estimator.errors import InputError, UnsupportedArchitecture
from estimator.models.architecture import LayerGroup
from estimator.models.model import Model
from estimator.models.summary import CACHE_BYTES, ModelSummary, stored, summary
from estimator.models.tensors import Tensor
from estimator.printable import printable
from estimator.scenario.inventory import Inventory
from estimator.units import GIB
from tui.cli.text_output import aligned
from tui.draw import figures

WIDTH = 80


def page(name: str, answer: Model | InputError, explain: bool, inventory: Inventory) -> str:
    """A model's figures, formats, engines, unknowns and, where asked for, every tensor, as text; or why it is
    refused.
    """
    if isinstance(answer, InputError):
        status = "unsupported" if isinstance(answer, UnsupportedArchitecture) else "invalid"
        return f"{printable(name)}: {status}: {printable(answer)}"
    overview = summary(answer)
    architecture = answer.architecture
    rows = [
        (figures.count(value), label)
        for label, value in (
            ("parameters of the language model", overview.parameters.text),
            ("active per token", overview.parameters.active),
            ("in multi-token-prediction modules", overview.parameters.mtp),
            ("in vision parts", overview.parameters.vision),
            ("in all", overview.parameters.total),
            *_cache_rows(overview),
            ("bytes in the weight files", answer.stored_bytes),
        )
        if value
    ]
    context = f"{architecture.max_context:,} tokens of context" if architecture.max_context else "no context limit"
    head = f"{printable(answer.id)}: {printable(architecture.class_name)}, {architecture.layers} layers, {context}"
    notes = [printable(note) for note in (*overview.notes, _published(answer), _stored(answer)) if note]
    working = ["", aligned(_working(answer), left=(0, 1))] if explain else []
    sizes = list(format_sizes(answer, inventory))
    table = aligned([(each.format, figures.gib(each.bytes) + " GiB", _holder(each)) for each in sizes], left=(0, 2))
    lines = [_folded(head), aligned(rows, left=(1,)), *map(_folded, notes), "", table]
    return "\n".join([*lines, *map(_folded, _reach(answer, inventory)), *working])


def _folded(line: str) -> str:
    """A line of words as lines that a terminal of 80 cells shows whole, what follows indented."""
    return "\n".join(wrap(line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def _reach(model: Model, inventory: Inventory) -> Iterator[str]:
    """The engines that take it, why others do not, and what is not known."""
    by_reason: dict[str, list[str]] = {}
    for each in engines_for(model, inventory):
        by_reason.setdefault(each.reason, []).append(each.engine)
    taken = by_reason.pop("", [])
    yield f"runs under {'; '.join(taken)}" if taken else "runs under no engine that is modelled here"
    yield from (
        f"not under {'; '.join(engines)}: {printable(reason)}" for reason, engines in by_reason.items() if taken
    )
    if missing := list(unknowns(model)):
        yield f"not known: {'; '.join(map(printable, missing))}"


def _holder(size: FormatSize) -> str:
    return f"one {size.smallest_device} holds it" if size.smallest_device else "more than one device"


def _cache_rows(overview: ModelSummary) -> list[tuple[str, float]]:
    cache = overview.kv_cache
    return [
        ("KV bytes per token (16 bit)", cache.bytes_per_token),
        (f"KV bytes per token in the last {cache.window_tokens or 0:,} tokens", cache.window_bytes_per_token),
        ("indexer bytes per token", cache.indexer_bytes_per_token),
        ("cross-attention bytes per source token", cache.cross_bytes_per_source_token),
        ("state elements per sequence", cache.state_elements_per_sequence),
        ("convolution state elements per sequence", cache.conv_state_elements_per_sequence),
    ]


def _published(model: Model) -> str:
    published = model.published
    if published is None:
        return ""
    extras = "".join(f", {extra.name} {extra.parameters:+,}" for extra in published.extras)
    rest = f", unexplained {published.difference:+,}" if published.difference else ""
    return f"published total {published.published:,}: the language model{printable(extras)}{rest}"


def _stored(model: Model) -> str:
    """`weights as uploaded: FP8, 128x128 blocks 621.48 GiB; 16-bit 5.4 GiB (router, norm, embedding, head)`."""
    if model.unknown_weights:
        return ""
    parts = (f"{part.name} {part.bytes / GIB:,.2f} GiB ({', '.join(part.roles)})" for part in stored(model))
    return f"weights as uploaded: {'; '.join(parts)}"


def _working(model: Model) -> Iterator[tuple[str, str, str, str]]:
    """Every tensor: where, name, shape x how many, parameters; then each kind of layer's cache."""
    architecture = model.architecture
    yield "where", "tensor", "shape", "parameters"
    for where, tensors in (("embedding", architecture.embedding), ("final", architecture.final)):
        for tensor in tensors:
            yield where, tensor.name, _shape(tensor, 1), figures.count(tensor.parameters)
    for tensor in architecture.head:
        size = "tied" if architecture.tied else figures.count(tensor.parameters)
        yield "head", tensor.name, _shape(tensor, 1), size
    for title, groups in (("encoder", architecture.encoder), ("layers", architecture.groups)):
        for group in groups:
            yield from _group(title, group)
    for tensor in architecture.mtp:
        yield "mtp", tensor.name, _shape(tensor, 1), figures.count(tensor.parameters)


def _group(title: str, group: LayerGroup) -> Iterator[tuple[str, str, str, str]]:
    where, sets = f"{group.count} {title}", group.weight_sets
    if group.stored:
        where += f", {sets} stored"
    for tensor in group.layer.tensors:
        yield where, tensor.name, _shape(tensor, sets), figures.count(sets * tensor.parameters)
    mixer = group.layer.mixer
    if mixer and mixer.cache_width:
        window = f" in a window of {mixer.window:,}" if mixer.window else ""
        size = group.count * mixer.cache_width * CACHE_BYTES
        yield (
            where,
            f"cache{window}",
            f"{group.count} x {mixer.cache_width:g} x {CACHE_BYTES} B",
            f"{size:,.0f} B/token",
        )


def _shape(tensor: Tensor, count: int) -> str:
    copies = [str(each) for each in (count, tensor.copies) if each > 1]
    return " x ".join([*copies, f"{tensor.outputs} x {tensor.inputs}" if tensor.inputs > 1 else str(tensor.outputs)])
