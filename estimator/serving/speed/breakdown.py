"""A step by operator: where its seconds go on one rank, and what limits most of them."""

from collections.abc import Iterator

from estimator.results import Bound, OperatorTime
from estimator.serving.speed.step import Step


def decode_operators(step: Step, batch: float, context: float) -> tuple[OperatorTime, ...]:
    """One decode step of `batch` sequences at `context` tokens by operator, on one rank."""
    return tuple(_decode(step, batch, context))


def _decode(step: Step, batch: float, context: float) -> Iterator[OperatorTime]:
    rows, operators = _sequences_at_once(step, batch), step.operators
    yield from (operator.detail(rows) for operator in operators.rows)
    yield from (attention.detail(rows, context) for attention in operators.decode_attention)
    yield from (exchange.detail(rows) for exchange in operators.dcp_exchanges)
    yield from (state.detail(rows, rows) for state in operators.states)
    yield operators.head.detail(rows)
    if host := step.host_s(batch):
        yield OperatorTime("host", host, "latency")


def prefill_operators(step: Step, new: int, cached: int = 0) -> tuple[OperatorTime, ...]:
    """One prompt of `new` tokens after `cached` ones by operator on one rank, as if it were one chunk."""
    operators = step.operators
    return (
        *(operator.detail(new) for operator in operators.rows),
        *(attention.detail(new, cached) for attention in operators.prefill_attention),
        *(state.detail(1, new) for state in operators.states),
        operators.head.detail(1),
    )


def decode_bound(step: Step, batch: float, context: float) -> Bound:
    """What limits most of a decode step of `batch` sequences at `context` tokens."""
    rows, operators = _sequences_at_once(step, batch), step.operators
    return _longest(
        ("latency", step.host_s(batch)),
        *((each.bound(rows), each.seconds(rows)) for each in (*operators.rows, operators.head)),
        *((each.bound(rows, context), each.seconds(rows, context)) for each in operators.decode_attention),
        *((each.bound(rows, rows), each.seconds(rows, rows)) for each in operators.states),
        *((each.bound(rows), each.seconds(rows)) for each in operators.dcp_exchanges),
    )


def prefill_bound(step: Step, new: int, cached: int = 0) -> Bound:
    """What limits most of a prompt of `new` tokens after `cached` ones."""
    operators = step.operators
    return _longest(
        *((each.bound(new), each.seconds(new)) for each in operators.rows),
        *((each.bound(new, cached), each.seconds(new, cached)) for each in operators.prefill_attention),
    )


def _sequences_at_once(step: Step, batch: float) -> float:
    """Sequences of a batch that one pipeline stage of one attention replica has at a time."""
    return max(batch / (step.layout.dp * step.layout.pp), 1.0)


def _longest(*timed: tuple[Bound, float]) -> Bound:
    """The bound that holds for most of the time."""
    total: dict[Bound, float] = {}
    for bound, seconds in timed:
        total[bound] = total.get(bound, 0.0) + seconds
    return max(total, key=lambda bound: total[bound])
