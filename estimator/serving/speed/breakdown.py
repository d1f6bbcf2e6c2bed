"""A step broken down by operator: where its seconds go on one rank, and what limits most of them.

The seconds of all parts add up to the step's own, the user's measured factors included.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import ceil

from estimator.results import Bound, OperatorTime
from estimator.serving.speed.operators import RowOperator
from estimator.serving.speed.step import Step, kept_states


@lru_cache(maxsize=4096)
def decode_operators(step: Step, batch: float, context: float, drafts: int = 0) -> tuple[OperatorTime, ...]:
    """The operators of one decode step of `batch` sequences at `context` tokens; their seconds add up to
    `Step.decode_s`.
    """
    device = tuple(_decode(step, batch, context, drafts))
    device_s = sum(part.seconds for part in device)
    host_s = step.decode_s(batch, context, drafts) / step.decode_factor - device_s
    host = (OperatorTime("host", host_s, "latency"),) if step.host_s(batch) else ()
    return tuple(_scaled((*device, *host), step.decode_factor))


def _decode(step: Step, batch: float, context: float, drafts: int) -> Iterator[OperatorTime]:
    """What the device does; `Step.step_s` without prompts, term by term."""
    layout, operators = step.layout, step.operators
    each = max(batch / (layout.dp * layout.pp), 1.0)
    rows = each * (1 + drafts)
    parts = [
        *(operator.detail(rows) for operator in operators.rows),
        *(attention.detail(each, context) for attention in operators.decode_attention),
        *(exchange.detail(rows) for exchange in operators.dcp_exchanges),
        *(state.detail(kept_states(each, drafts), rows) for state in operators.states),
        operators.head.detail(rows),
    ]
    yield from parts
    seconds = sum(part.seconds for part in parts)
    if layout.pp > 1:
        handed_over = seconds + layout.pp * step.hop_s + rows * step.hop_s_per_row
        stalled = handed_over * (1 + step.stall * (1 - 1 / layout.pp)) if each > 1 else handed_over
        yield OperatorTime("pipeline", stalled - seconds, "network")
        seconds = stalled
    if drafts:
        yield OperatorTime("drafting", step.drafting_s(each, context, drafts), "memory")


@lru_cache(maxsize=4096)
def prefill_operators(step: Step, new: int, cached: int = 0) -> tuple[OperatorTime, ...]:
    """The operators of one prompt of `new` tokens after `cached` ones; their seconds add up to `Step.prefill_s`."""
    if new <= 0:
        return ()
    prompts, pp, computed = step.speed.prompts, step.layout.pp, step.padded_tokens(new)
    whole, rest = divmod(computed, prompts.chunk_tokens)
    launches = whole + (1 if rest else 0)
    side_by_side = 1.0
    if pp > 1:  # stages fill, work side by side and drain
        drains = ceil(launches / (prompts.batch_chunks or launches))
        side_by_side = (launches + drains * (pp - 1)) / (launches * pp) * (1 + step.pipeline)
    operators = step.operators
    attention = (each.detail(computed, cached, launches) for each in operators.prefill_attention)
    device = (
        *(_in_chunks(operator, whole, prompts.chunk_tokens, rest) for operator in operators.rows),
        *attention,
        *(state.detail(launches, computed) for state in operators.states),
        _repeated(operators.head.detail(1), launches),
    )
    factor = step.prefill_factor * side_by_side
    parts = [*_scaled(device, prompts.factor * factor)]
    if host_s := launches * step.host_s(0):
        parts.append(OperatorTime("host", host_s * factor, "latency"))
    if pp > 1:
        parts.append(OperatorTime("pipeline", launches * pp * step.hop_s + new * step.hop_s_per_row, "network"))
    return tuple(parts)


def _in_chunks(operator: RowOperator, whole: int, chunk_tokens: int, rest: int) -> OperatorTime:
    """An operator over whole chunks and the rest of a prompt."""
    chunks = [_repeated(operator.detail(chunk_tokens), whole)] if whole else []
    last = [operator.detail(rest)] if rest else []
    return _added((*chunks, *last))


def _added(parts: tuple[OperatorTime, ...]) -> OperatorTime:
    """Parts of one operator as one, bound as the longest of them."""
    longest = max(parts, key=lambda part: part.seconds)
    return longest._replace(
        seconds=sum(part.seconds for part in parts),
        flops=sum(part.flops for part in parts),
        bytes=sum(part.bytes for part in parts),
    )


def _scaled(parts: Iterable[OperatorTime], factor: float) -> Iterator[OperatorTime]:
    """Parts that take `factor` times their seconds for the same work."""
    return (part._replace(seconds=part.seconds * factor) for part in parts) if factor != 1.0 else iter(parts)


def _repeated(part: OperatorTime, times: int) -> OperatorTime:
    """A part that many times over."""
    return part._replace(seconds=part.seconds * times, flops=part.flops * times, bytes=part.bytes * times)


def bound_of(step: Step, parts: Iterable[OperatorTime]) -> Bound:
    """What limits most of the time that the parts of a step take.

    Latency and network by their operators' seconds. Work is bound as the roofline draws it: by compute where the FLOPs
    over the bytes of all operators together pass the datasheet's ridge, else by memory.
    """
    seconds: dict[str, float] = {"latency": 0.0, "network": 0.0, "work": 0.0}
    flops = moved = 0.0
    for part in parts:
        seconds["work" if part.bound in ("compute", "memory") else part.bound] += part.seconds
        flops += part.flops
        moved += part.bytes if part.flops else 0.0
    if seconds["latency"] > max(seconds["network"], seconds["work"]):
        return "latency"
    if seconds["network"] > seconds["work"]:
        return "network"
    return "compute" if flops * step.peak_bytes_per_s > moved * step.peak_flops_per_s else "memory"
