"""A step broken down by operator: where its seconds go on one rank, and what limits most of them.

The seconds of all parts add up to the step's own, the user's measured factors included.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from estimator.results import Bound, OperatorTime
from estimator.serving.speed.operators import Detail, RowOperator
from estimator.serving.speed.step import Step, kept_states


def decode_operators(step: Step, batch: float, context: float, drafts: int = 0) -> tuple[OperatorTime, ...]:
    """One decode step of `batch` sequences at `context` tokens by operator; the seconds add up to `Step.decode_s`."""
    return tuple(map(OperatorTime._make, _decode(step, batch, context, drafts)))


def prefill_operators(step: Step, new: int, cached: int = 0) -> tuple[OperatorTime, ...]:
    """One prompt of `new` tokens after `cached` ones by operator; the seconds add up to `Step.prefill_s`."""
    return tuple(map(OperatorTime._make, _prefill(step, new, cached)))


@lru_cache(maxsize=4096)
def decode_bound(step: Step, batch: float, context: float, drafts: int = 0) -> Bound:
    """What limits most of one decode step of `batch` sequences at `context` tokens."""
    return bound_of(step, _decode(step, batch, context, drafts))


@lru_cache(maxsize=4096)
def prefill_bound(step: Step, new: int, cached: int = 0) -> Bound:
    """What limits most of one prompt of `new` tokens after `cached` ones; latency where nothing is computed."""
    return bound_of(step, _prefill(step, new, cached)) if new > 0 else "latency"


def _decode(step: Step, batch: float, context: float, drafts: int) -> Iterator[Detail]:
    """What the device does, `Step.step_s` without prompts, term by term; then the host."""
    layout, operators, factor = step.layout, step.operators, step.decode_factor
    each = step.sequences_each(batch)
    rows = each * (1 + drafts)
    parts: list[Detail] = [
        *(operator.detail(rows) for operator in operators.rows),
        *(attention.detail(step.attended(each, batch), context) for attention in operators.decode_attention),
        *(exchange.detail(rows) for exchange in operators.dcp_exchanges),
        *(state.detail(kept_states(each, drafts), rows) for state in operators.states),
        operators.head.detail(rows),
    ]
    if layout.pp > 1:
        seconds = _seconds(parts)
        handed_over = seconds + layout.pp * step.hop_s + rows * step.hop_s_per_row
        stalled = handed_over * (1 + step.stall * (1 - 1 / layout.pp)) if each > 1 else handed_over
        parts.append(("pipeline", stalled - seconds, "network", 0.0, 0.0))
    if drafts:
        parts.append(("drafting", step.drafting_s(each, context, drafts), "memory", 0.0, 0.0))
    device_s = _seconds(parts)
    if step.host_s(batch) or step.launched_s(each, device_s) > device_s:
        host_s = step.decode_s(batch, context, drafts) / factor - device_s
        parts.append(("host", host_s, "latency", 0.0, 0.0))
    return _scaled(parts, factor)


def _prefill(step: Step, new: int, cached: int) -> Iterator[Detail]:
    """The chunks of one prompt, term by term, with the host and the hand-over between pipeline stages."""
    if new <= 0:
        return
    prompts, pp, computed = step.speed.prompts, step.layout.pp, step.padded_tokens(new)
    whole, rest = divmod(computed, prompts.chunk_tokens)
    launches = whole + (1 if rest else 0)
    side_by_side = 1.0
    if pp > 1:  # stages fill, work side by side and drain
        drains = prompts.batches(new) if prompts.batch_tokens else 1
        side_by_side = (launches + drains * (pp - 1)) / (launches * pp) * (1 + step.pipeline)
    operators, factor = step.operators, step.prefill_factor * side_by_side
    device = (
        *(_in_chunks(operator, whole, prompts.chunk_tokens, rest) for operator in operators.rows),
        *(each.detail(computed, cached, launches) for each in operators.prefill_attention),
        *(state.detail(launches, computed) for state in operators.states),
        _repeated(operators.head.detail(1), prompts.headed(launches)),
    )
    yield from _scaled(device, prompts.factor * factor)
    if host_s := prompts.batches(computed) * step.host_s(0):
        yield "host", host_s * factor, "latency", 0.0, 0.0
    if pp > 1:
        yield "pipeline", launches * pp * step.hop_s + new * step.hop_s_per_row, "network", 0.0, 0.0


def _in_chunks(operator: RowOperator, whole: int, chunk_tokens: int, rest: int) -> Detail:
    """An operator over whole chunks and the rest of a prompt, bound as the longer of them."""
    if not whole:
        return operator.detail(rest)
    chunks = _repeated(operator.detail(chunk_tokens), whole)
    if not rest:
        return chunks
    name, seconds, bound, flops, moved = chunks
    _, last_s, last_bound, last_flops, last_moved = operator.detail(rest)
    return name, seconds + last_s, last_bound if last_s > seconds else bound, flops + last_flops, moved + last_moved


def _repeated(part: Detail, times: int) -> Detail:
    """A part that many times over."""
    name, seconds, bound, flops, moved = part
    return name, seconds * times, bound, flops * times, moved * times


def _scaled(parts: Iterable[Detail], factor: float) -> Iterator[Detail]:
    """Parts that take `factor` times their seconds for the same work."""
    if factor == 1.0:
        return iter(parts)
    return ((name, seconds * factor, bound, flops, moved) for name, seconds, bound, flops, moved in parts)


def _seconds(parts: Iterable[Detail]) -> float:
    return sum([seconds for _, seconds, _, _, _ in parts])


def bound_of(step: Step, parts: Iterable[Detail]) -> Bound:
    """What limits most of the time that the parts of a step take.

    Latency and network by their operators' seconds. Work is bound as the roofline draws it: by compute where the FLOPs
    over the bytes of all operators together pass the datasheet's ridge, else by memory.
    """
    latency = network = work = flops = moved = 0.0
    for _, seconds, bound, part_flops, part_moved in parts:
        if bound == "latency":
            latency += seconds
        elif bound == "network":
            network += seconds
        else:
            work += seconds
        if part_flops:
            flops += part_flops
            moved += part_moved
    if latency > max(network, work):
        return "latency"
    if network > work:
        return "network"
    return "compute" if flops * step.peak_bytes_per_s > moved * step.peak_flops_per_s else "memory"
