"""Facts about the selected row, worked out from the answer for the pages around it."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from estimator.advice.fixes import Change, fixes, gains
from estimator.advice.load_study import study_loads
from estimator.advice.study import Study
from estimator.cost.bill import usd_per_1m_tokens
from estimator.errors import InputError
from estimator.models.formats import weight_format
from estimator.results import Evaluation, OperatorTime, PerformanceReport
from tui.draw.curve import OperatingPoint, Series
from tui.draw.figures import amount, count, size
from tui.draw.roofline import Point, Roof
from tui.draw.tradeoff import CostCurve, LoadPoint
from tui.pages.comparison import distinct_labels
from tui.pages.latency import LatencyFacts
from tui.pages.memory import MemoryFacts, Switch
from tui.pages.memory_parts import Usage, describe_cache_sharing, reasons
from tui.pages.performance import PerformanceFacts
from tui.pages.solver import Capacity
from tui.state.answer import Answer
from tui.state.pins import LETTERS, Pin, Pins
from tui.state.readings import devices, instance, layout, layout_or_setup, refusal

SOLVED_USERS = (1, 4, 16, 64)


def bench_of(answer: Answer, row: Evaluation) -> Study:
    """A study of a row: it with everything that variations of it take."""
    return Study(
        candidate=row.candidate,
        scenario=answer.session.scenario,
        model=answer.model,
        inventory=answer.inventory,
        prices=answer.prices,
    )


def heading(answer: Answer, row: Evaluation) -> str:
    """A row's machine, its devices and how the model lies on them; a run that does not fit lies nowhere."""
    layout_text = layout_or_setup(row) if row.training or not answer.session.scenario.training else ""
    return " · ".join(filter(None, (instance(row), devices(row, answer.inventory), layout_text)))


def memory_facts(answer: Answer, row: Evaluation) -> MemoryFacts:
    """What the Memory page shows of a row that has a memory report."""
    assert row.memory
    study = bench_of(answer, row)
    scenario, memory, workload = study.scenario, study.memory, study.scenario.workload
    tokens = workload.total_tokens
    usage = Usage(report=row.memory, sequences=_busy(study, row), tokens=tokens, request=memory.request_terms(tokens))
    sold = f"{study.node.device.memory_sold_gb:g} GB"
    return MemoryFacts(
        heading=heading(answer, row),
        aside=f"a device has {size(row.memory.usable_bytes)} of {sold}, {study.engine.name}",
        usage=usage,
        reasons=reasons(
            usage, row.candidate.layout.tp, study.engine.name, memory.max_num_seqs, memory.max_num_batched_tokens
        ),
        kinds=memory.plan.kinds,
        kinds_note=describe_cache_sharing(study.model.architecture, row.candidate.layout, scenario.settings.dcp),
        fits=study.holds,
        longest=scenario.settings.max_model_len or study.model.architecture.max_context,
        asked=(workload.concurrency, workload.total_tokens),
        switches=[
            Switch(", .", "utilization", f"{memory.utilization:.2f}"),
            Switch("{ }", "sequences", count(memory.max_num_seqs)),
            Switch("< >", "chunk", count(memory.max_num_batched_tokens)),
            Switch("c", "cache", scenario.kv),
        ],
        solved_users=SOLVED_USERS,
        capacities=capacities(study),
        advice=[(change.title, change.effect) for change in changes(study, row)],
        before=_usage_before(answer, row),
        note="; ".join(row.memory.notes),
        verdict="" if row.verdict == "fits" else f"{refusal(row)}  (! what would make it fit)",
    )


def changes(study: Study, row: Evaluation) -> list[Change]:
    """Changes that make a row fit, or give it more room where it does; none where memory is not the matter."""
    if study.scenario.training:
        from estimator.advice.training_fixes import run_changes

        return run_changes(study)
    if row.memory is None:
        return []
    return gains(study, row) if row.verdict == "fits" else fixes(study, row)


def capacities(study: Study) -> list[Capacity]:
    """The longest contexts and the most users of a candidate, by cache format."""
    solved = []
    for name in dict.fromkeys((study.scenario.kv, *study.engine.program.cache_formats)):
        other = study.asking(replace(study.scenario, kv=name))
        solved.append(Capacity(name, tuple(other.longest(users) for users in SOLVED_USERS), other.most_users))
    return solved


def performance_facts(answer: Answer, row: Evaluation) -> PerformanceFacts:
    """What the Performance page shows of a row that has a performance report."""
    speed = row.performance
    assert speed
    study = bench_of(answer, row)
    level = study.scenario.service_level
    users = speed.concurrency * study.replicas
    then = answer.before.get(row.candidate.machine)
    earlier = then.performance if then else None
    others, names = compared_with(answer, row)
    operating = _operating(study)
    return PerformanceFacts(
        heading=heading(answer, row),
        aside=f"class {row.confidence} · {amount(users)} in flight{own_point(study)}",
        roofs=roofs(study),
        points=points(study, users),
        other_roofs=[roofs(other)[0] for other in others],
        other_points=[
            _point(name, other.prefill())._replace(series=series)
            if speed.one_pass
            else _point(f"{name} {count(load)}", other.decode(load))._replace(series=series)
            for series, (other, name) in enumerate(zip(others, names, strict=True))
            for load in (other.scenario.workload.concurrency if answer.session.pins else users,)
        ],
        prefill=group_by_name(study.performance.prefill),
        decode=() if speed.one_pass else group_by_name(study.performance.decode),
        ttft_s=speed.ttft_s,
        tpot_s=speed.tpot_s,
        before=(earlier.ttft_s.typical, earlier.tpot_s.typical) if earlier else None,
        prefill_bound=speed.prefill_bound,
        decode_bound=speed.decode_bound,
        operating=operating,
        users=study.scenario.workload.concurrency,
        least_per_user=1 / level.tpot_s if level.tpot_s else None,
        layouts=study.layouts(),
        chosen_layout=layout(row),
        other_series=[
            Series(name, tuple(_operating(other)))
            for other, name in zip(others, names, strict=True)
            if answer.session.pins
        ],
    )


def latency_facts(answer: Answer, row: Evaluation) -> LatencyFacts:
    """The latency view of a row that has a performance report."""
    study, level = bench_of(answer, row), answer.session.scenario.service_level
    return LatencyFacts(
        heading=heading(answer, row), study=study_loads(study), most_ttft_s=level.ttft_s, most_tpot_s=level.tpot_s
    )


def _operating(study: Study) -> list[OperatingPoint]:
    """Speed of one user and of all, from one user to as many as the memory holds."""
    within, points = study.most_within_level if study.scenario.service_level else inf, []
    for load, report in study.operating_points():
        per_user, total = report.tokens_per_s_per_user.typical, report.output_tokens_per_s.typical
        if report.one_pass:
            total = report.total_tokens_per_s.typical
            per_user = total / load
        points.append(OperatingPoint(concurrency=load, per_user=per_user, throughput=total, meets=load <= within))
    return points


def cost_curves(pins: Pins, answers: Sequence[Answer | None]) -> list[CostCurve]:
    """For each pin that serves and has a price, what a million tokens cost at each load and what a user sees."""
    curves = []
    for at, (label, answer) in enumerate(zip(distinct_labels(pins, answers), answers, strict=True)):
        row = answer.rows[0] if answer else None
        if answer is None or row is None or row.performance is None or row.cost.price_usd_per_hour is None:
            curves.append(CostCurve(LETTERS[at], label, ()))
            continue
        study = bench_of(answer, row)
        within = study.most_within_level if study.scenario.service_level else inf
        asked = row.performance.concurrency * study.replicas
        points = [_load_point(row, users, report, users <= within) for users, report in study.operating_points()]
        here = _load_point(row, asked, row.performance, row.meets_service_level)._replace(asked=True)
        curves.append(CostCurve(LETTERS[at], label, tuple(sorted([*points, here]))))
    return curves


def _load_point(row: Evaluation, users: float, speed: PerformanceReport, meets: bool) -> LoadPoint:
    cost = usd_per_1m_tokens(row.cost.price_usd_per_hour or 0.0, speed).typical
    return LoadPoint(users=users, per_user=speed.tokens_per_s_per_user.typical, usd=cost, meets=meets)


def own_point(study: Study) -> str:
    """The user's own measurement that holds for a candidate; None where there is none."""
    step = study.step
    if step.decode_factor == step.prefill_factor == 1.0:
        return ""
    return f" · own point: decode x{step.decode_factor:.2f}, prefill x{step.prefill_factor:.2f}"


def compared_with(answer: Answer, row: Evaluation) -> tuple[list[Study], list[str]]:
    """The pins, by their letters, else the best rows on other accelerators: what shares the roofline with a row."""
    pins = [(at, pinned) for at, pin in enumerate(answer.session.pins) if (pinned := _served(answer, pin))]
    if pins:
        others = [(bench_of(pinned, pinned.rows[0]), LETTERS[at]) for at, pinned in pins]
        others = [(study, letter) for study, letter in others if study.candidate != row.candidate]
        return [study for study, _ in others], [f"{letter} {study.node.device.label}" for study, letter in others]
    studies = [bench_of(answer, each) for each in rivals(answer, row)]
    return studies, [study.node.device.label for study in studies]


def _served(answer: Answer, pin: Pin) -> Answer | None:
    """The answer of a pin that serves; None where it trains, has no speed, or can not be asked any more."""
    if pin.scenario.training or answer.pinned is None:
        return None
    try:
        pinned = answer.pinned(pin)
    except (InputError, KeyError):
        return None
    return pinned if pinned.rows[0].performance else None


def rivals(answer: Answer, row: Evaluation, most: int = 2) -> list[Evaluation]:
    """The best rows on other accelerators than this row's, one of each."""
    best: dict[str, Evaluation] = {}
    for each in answer.board.rows:
        if each.verdict == "fits" and each.performance and each.candidate.accelerator != row.candidate.accelerator:
            best.setdefault(each.candidate.accelerator, each)
    return list(best.values())[:most]


def roofs(study: Study) -> list[Roof]:
    """A candidate's roofs: one device's in the format that multiplies the weights, and in 16 bit where that is another
    one.
    """
    device, step = study.node.device, study.step
    name, half = device.label or device.id, "bf16" if device.bf16_flops else "fp16"
    wide = Roof(f"{name} {half}", device.matrix_flops, device.bandwidth_bytes_per_s)
    if step.peak_flops_per_s == device.matrix_flops:
        return [wide]
    compute = weight_format(study.scenario.weights).compute
    narrow = Roof(f"{name} {compute}", step.peak_flops_per_s, step.peak_bytes_per_s)
    return [narrow, wide] if device.matrix_flops else [narrow]


def points(study: Study, users: float) -> list[Point]:
    """A candidate's points under the roof: prefill and decode alone, at the load, and at the most that fits."""
    if study.model.architecture.encodes:
        return [_point("pass", study.prefill())]
    loads = sorted({1, max(int(users), 1), max(study.most_users, 1)})
    return [
        _point("prefill", study.prefill()),
        *(_point(f"decode {count(load)}", study.decode(load)) for load in loads),
    ]


def group_by_name(operators: tuple[OperatorTime, ...]) -> tuple[OperatorTime, ...]:
    """Operators with those of one name joined, limited by what limits the longest of them."""
    groups: dict[str, list[OperatorTime]] = {}
    for each in operators:
        groups.setdefault(each.name, []).append(each)
    return tuple(
        OperatorTime(
            name=name,
            seconds=sum(each.seconds for each in group),
            bound=max(group, key=lambda each: each.seconds).bound,
            flops=sum(each.flops for each in group),
            bytes=sum(each.bytes for each in group),
        )
        for name, group in groups.items()
    )


def _point(name: str, operators: tuple[OperatorTime, ...]) -> Point:
    """FLOPs of a step over the bytes its products and attention move, and over its whole time."""
    flops = sum(each.flops for each in operators)
    moved = sum(each.bytes for each in operators if each.flops)
    seconds = sum(each.seconds for each in operators)
    return Point(name, flops / moved if moved else 0.0, flops / seconds if seconds else 0.0)


def _usage_before(answer: Answer, row: Evaluation) -> Usage | None:
    """The row's memory as it was asked before the last change."""
    then = answer.before.get(row.candidate.machine)
    if then is None or then.memory is None:
        return None
    sequences = then.performance.concurrency if then.performance else 0.0
    return Usage(then.memory, sequences, 0)


def _busy(study: Study, row: Evaluation) -> float:
    """Requests at once on one replica."""
    if row.performance:
        return row.performance.concurrency
    return study.scenario.workload.concurrency / study.replicas
