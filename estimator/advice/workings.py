"""Any figure of an evaluation as its working: formula, the numbers put into it, where they come from.

The numbers are read off the results themselves, and every formula is the arithmetic that gives the figure from them,
so a working can not drift from what it explains.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from estimator.advice.study import Study
from estimator.cost.power import WATTS_PER_KILOWATT
from estimator.cost.quote import purchase_usd
from estimator.results import Evaluation, Factor, MemoryReport, MemoryTerm, OperatorTime, PerformanceReport
from estimator.serving.memory.shares import cache_in_use_bytes, memory_shares
from estimator.units import HOURS_PER_MONTH, SECONDS_PER_HOUR

Unit = Literal["bytes", "tokens", "requests", "seconds", "per second", "usd", "fraction", "number"]


class Term(NamedTuple):
    """One number of a working's formula: its name there, its value with the unit, and where it comes from."""

    name: str
    value: float
    unit: Unit


class Working(NamedTuple):
    """How one figure comes about: its formula, the formula with numbers, and its terms."""

    figure: str
    """weights, kv, activation, runtime, users, ttft, tpot, latency, throughput, usd_tokens, usd_output, usd_month …"""
    title: str
    value: float
    unit: Unit
    formula: str
    """Over the names of the terms, with + - * / and brackets."""
    terms: tuple[Term, ...]
    source: str


def explain(study: Study, evaluation: Evaluation) -> dict[str, Working]:
    """The working of every figure that an evaluation has, by the figure's name."""
    workings: list[Working] = []
    if evaluation.memory:
        workings += _memory(study, evaluation.memory)
    if evaluation.performance:
        workings += _performance(study, evaluation.performance)
        workings += _cost(study, evaluation, evaluation.performance)
    return {working.figure: working for working in workings}


def _memory(study: Study, memory: MemoryReport) -> Iterator[Working]:
    engine = f"{study.engine.name} from {study.engine.version}: {study.engine.source}"
    tokens, rank = study.scenario.workload.total_tokens, study.memory.tightest_rank
    cached_in, room = "on one device", "KV pool"
    if memory.host_cache_bytes is not None:
        cached_in, room = "in host memory", "left"
    if memory.weights:
        weights = [Term(part.name, part.value, "bytes") for part in memory.weights]
        source = study.model.source or study.model.id
        yield _sum("weights", "weights on one device", memory.weights_bytes, weights, source)
    for figure, title, value, terms in (
        ("activation", "peak of the engine's profiling run", memory.activation_bytes, rank.activation),
        ("runtime", "runtime on one device", memory.runtime_bytes, rank.runtime),
        ("graphs", "CUDA graphs", memory.cuda_graph_bytes, rank.cuda_graphs),
        ("kv", f"{room} on one device", memory.left_bytes, study.memory.pool_terms()),
        ("request", f"cache of one request {cached_in}", memory.request_bytes, study.memory.request_terms(tokens)),
    ):
        if terms:
            yield _from_terms(figure, title, value, terms, engine)
    if memory_shares(memory, 0).reserve_bytes >= 1:
        yield _reserve(memory, engine)
    if memory.max_concurrency > 0 and memory.kv_cache_bytes > 0:
        load = min(study.scenario.workload.concurrency / study.replicas, memory.max_concurrency)
        left = memory.kv_cache_bytes - cache_in_use_bytes(memory, load)
        pool = (
            Term("KV pool", memory.kv_cache_bytes, "bytes"),
            Term("requests on one device", load / memory.attention_copies, "requests"),
            Term("cache of a request", memory.request_bytes, "bytes"),
        )
        formula = "KV pool - requests on one device * cache of a request"
        yield Working(
            figure="free",
            title="free for more requests",
            value=left,
            unit="bytes",
            formula=formula,
            terms=pool,
            source=engine,
        )
    dcp = study.scenario.settings.dcp
    shares = (
        Term("tokens in the pool", memory.max_concurrency * tokens / dcp, "tokens"),
        *([Term("ranks that share a sequence", dcp, "number")] if dcp > 1 else []),
        Term("tokens of a request", tokens, "tokens"),
    )
    formula = f"{' * '.join(term.name for term in shares[:-1])} / tokens of a request"
    title = "requests that one replica's pool holds at once"
    yield Working(
        figure="users",
        title=title,
        value=memory.max_concurrency,
        unit="requests",
        formula=formula,
        terms=shares,
        source=engine,
    )


def _reserve(memory: MemoryReport, source: str) -> Working:
    """What is left of the device when everything has its share: what the engine leaves alone."""
    shares = memory_shares(memory, 0)
    spent = (
        Term("the device", memory.usable_bytes, "bytes"),
        Term("weights", shares.weights_bytes, "bytes"),
        Term("KV pool", memory.kv_cache_bytes, "bytes"),
        Term("activations", shares.activation_bytes, "bytes"),
        Term("runtime", shares.runtime_bytes, "bytes"),
        Term("CUDA graphs", shares.cuda_graph_bytes, "bytes"),
    )
    formula = " - ".join(term.name for term in spent)
    return Working(
        figure="reserve",
        title="left alone by the engine",
        value=shares.reserve_bytes,
        unit="bytes",
        formula=formula,
        terms=spent,
        source=source,
    )


def _from_terms(figure: str, title: str, value: float, parts: Sequence[MemoryTerm], source: str) -> Working:
    """A figure of memory as the sum of its terms, each of them the product of its factors where it has some."""
    formula, terms = "", []
    for part in parts:
        sign = "-" if part.bytes < 0 else "+"
        factors = part.factors or (Factor(part.name, abs(part.bytes)),)
        names = [factor.name if len(parts) == 1 else f"{factor.name} ({part.name})" for factor in part.factors]
        for name, factor in zip(names or [part.name], factors, strict=True):
            terms.append(Term(name, factor.value, "bytes" if factor.is_size or not part.factors else "number"))
        formula += f" {sign} " + " * ".join(names or [part.name])
    return Working(
        figure=figure,
        title=title,
        value=value,
        unit="bytes",
        formula=formula.removeprefix(" + "),
        terms=tuple(terms),
        source=source,
    )


def _performance(study: Study, speed: PerformanceReport) -> Iterator[Working]:
    workload = study.scenario.workload
    source = study.inventory.efficiency.kernels_of(study.node.device).source or study.node.device.source
    step, parts = study.step, study.performance
    prompt, decode = len(study.prefill()), len(study.decode(speed.concurrency * study.replicas))
    ttft, tpot = speed.ttft_s.typical, speed.tpot_s.typical
    yield _step("ttft", "time to first token", ttft, parts.prefill, prompt, step.prefill_factor, source)
    yield _step("tpot", "time per output token", tpot, parts.decode, decode, step.decode_factor, source)
    yield Working(
        figure="latency",
        title="a whole request",
        value=speed.request_latency_s.typical,
        unit="seconds",
        formula="TTFT + (output tokens - 1) * TPOT",
        terms=(
            Term("TTFT", speed.ttft_s.typical, "seconds"),
            Term("output tokens", workload.output_tokens, "tokens"),
            Term("TPOT", speed.tpot_s.typical, "seconds"),
        ),
        source=source,
    )
    yield Working(
        figure="throughput",
        title="output tokens per second, all replicas",
        value=speed.output_tokens_per_s.typical,
        unit="per second",
        formula="requests per second * output tokens",
        terms=(
            Term("requests per second", speed.requests_per_s.typical, "per second"),
            Term("output tokens", workload.output_tokens, "tokens"),
        ),
        source=source,
    )


def _step(
    figure: str,
    title: str,
    seconds: float,
    parts: Sequence[OperatorTime],
    operators: int,
    factor: float,
    source: str,
) -> Working:
    """A latency's parts of one name together; the user's own `factor` on its first `operators` as a term of its own."""
    names: dict[str, float] = {}
    for each in parts[:operators]:
        names[each.name] = names.get(each.name, 0.0) + each.seconds / factor
    terms = [Term(name, value, "seconds") for name, value in names.items()]
    if factor != 1.0:
        terms.append(Term("own point", (factor - 1) * sum(names.values()), "seconds"))
        source = f"own point, x{factor:.2f}; {source}"
    terms += (Term(each.name, each.seconds, "seconds") for each in parts[operators:])
    return _sum(figure, title, seconds, terms, source)


def _cost(study: Study, evaluation: Evaluation, speed: PerformanceReport) -> Iterator[Working]:
    cost, workload = evaluation.cost, study.scenario.workload
    if cost.price_usd_per_hour is None:
        return
    source = " ".join(filter(None, (cost.price_kind, "price in", study.scenario.region, cost.price_as_of)))
    price = Term("$ per hour", cost.price_usd_per_hour, "usd")
    rate = Term("requests per second", speed.requests_per_s.typical, "per second")
    prefill = Term("prefill share", speed.prefill_time_share, "fraction")
    request = f"$ per hour / {SECONDS_PER_HOUR} / requests per second"
    if cost.usd_per_1m_tokens:
        value = cost.usd_per_1m_tokens.typical
        tokens = Term("tokens of a request", workload.total_tokens, "tokens")
        formula, title = f"{request} * 1e6 / tokens of a request", "$ per million tokens, input and output"
        yield Working(
            figure="usd_tokens",
            title=title,
            value=value,
            unit="usd",
            formula=formula,
            terms=(price, rate, tokens),
            source=source,
        )
    if cost.usd_per_1m_output_tokens:
        value = cost.usd_per_1m_output_tokens.typical
        terms = (price, rate, prefill, Term("output tokens", workload.output_tokens, "tokens"))
        formula = f"{request} * (1 - prefill share) * 1e6 / output tokens"
        yield Working(
            figure="usd_output",
            title="$ per million output tokens",
            value=value,
            unit="usd",
            formula=formula,
            terms=terms,
            source=source,
        )
    if cost.usd_per_1m_input_tokens:
        value = cost.usd_per_1m_input_tokens.typical
        terms = (price, rate, prefill, Term("input tokens", workload.prompt_tokens, "tokens"))
        formula = f"{request} * prefill share * 1e6 / input tokens"
        yield Working(
            figure="usd_input",
            title="$ per million input tokens",
            value=value,
            unit="usd",
            formula=formula,
            terms=terms,
            source=source,
        )
    if cost.usd_per_request:
        value = cost.usd_per_request.typical
        yield Working(
            figure="usd_request",
            title="$ per request",
            value=value,
            unit="usd",
            formula=request,
            terms=(price, rate),
            source=source,
        )
    if cost.usd_per_month is not None:
        month: tuple[str, tuple[Term, ...]] = (f"$ per hour * {HOURS_PER_MONTH}", (price,))
        if study.machine.kind == "device" and cost.price_kind == "estimate":
            month = _owned_month(study, evaluation)
        yield Working(
            figure="usd_month",
            title="$ per month",
            value=cost.usd_per_month,
            unit="usd",
            formula=month[0],
            terms=month[1],
            source=source,
        )


def _owned_month(study: Study, evaluation: Evaluation) -> tuple[str, tuple[Term, ...]]:
    """How a month of owned hardware comes about: purchase written off, and power."""
    ownership, machine = study.scenario.ownership, study.machine
    formula = (
        f"machines * purchase / years / 12 + watts / {WATTS_PER_KILOWATT} * $ per kWh * {HOURS_PER_MONTH}"
        if evaluation.cost.power.watts
        else "machines * purchase / years / 12"
    )
    purchase = purchase_usd(study.node.device, machine.count, ownership) or 0.0
    terms = [
        Term("machines", evaluation.candidate.machines, "number"),
        Term("purchase", purchase, "usd"),
        Term("years", ownership.amortization_years, "number"),
    ]
    if evaluation.cost.power.watts:
        terms += [Term("watts", evaluation.cost.power.watts, "number"), Term("$ per kWh", ownership.usd_per_kwh, "usd")]
    return formula, tuple(terms)


def _sum(figure: str, title: str, value: float, terms: Sequence[Term], source: str) -> Working:
    return Working(
        figure=figure,
        title=title,
        value=value,
        unit=terms[0].unit,
        formula=" + ".join(term.name for term in terms),
        terms=tuple(terms),
        source=source,
    )
