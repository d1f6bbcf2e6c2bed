"""What the pages around the selected row show, worked out from the answer."""

from dataclasses import replace

from estimator.advice.fixes import Change, fixes, gains
from estimator.advice.study import Study
from estimator.models.formats import cache_format, weight_format
from estimator.results import Evaluation, OperatorTime
from estimator.serving.memory.cache import layer_kinds
from tui.draw.curve import OperatingPoint
from tui.draw.figures import amount, count, size
from tui.draw.roofline import Point, Roof
from tui.pages.memory import MemoryFacts, Switch
from tui.pages.memory_parts import Usage, describe_cache_sharing, reasons
from tui.pages.performance import PerformanceFacts
from tui.pages.solver import Capacity
from tui.state.answer import Answer
from tui.state.readings import devices, instance, layout, layout_or_setup, refusal

SOLVED_USERS = (1, 4, 16, 64)


def bench_of(answer: Answer, row: Evaluation) -> Study:
    """The row with everything that variations of it take."""
    return Study(row.candidate, answer.session.scenario, answer.model, answer.inventory, answer.prices)


def heading(answer: Answer, row: Evaluation) -> str:
    """The machine, its devices and how the model lies on them; of a run that does not fit there is no such thing."""
    layout_text = layout_or_setup(row) if row.training or not answer.session.scenario.training else ""
    return " · ".join(filter(None, (instance(row), devices(row, answer.inventory), layout_text)))


def memory_facts(answer: Answer, row: Evaluation) -> MemoryFacts:
    """The memory page of a row that has a memory report."""
    assert row.memory
    study = bench_of(answer, row)
    scenario, memory, workload = study.scenario, study.memory, study.scenario.workload
    usage = Usage(row.memory, _busy(study, row), workload.total_tokens)
    sold = f"{study.node.device.memory_sold_gb:g} GB"
    return MemoryFacts(
        heading=heading(answer, row),
        aside=f"a device has {size(row.memory.usable_bytes)} of {sold}, {study.engine.name}",
        usage=usage,
        reasons=reasons(
            usage, row.candidate.layout.tp, study.engine.name, memory.max_num_seqs, memory.max_num_batched_tokens
        ),
        kinds=layer_kinds(study.model.architecture, cache_format(scenario.kv), row.candidate.layout.tp),
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
    """What makes the row fit, or gives it more room where it does; nothing where memory is not the matter."""
    if study.scenario.training:
        from estimator.advice.training_fixes import run_changes

        return run_changes(study)
    if row.memory is None:
        return []
    return gains(study, row) if row.verdict == "fits" else fixes(study, row)


def capacities(study: Study) -> list[Capacity]:
    """The longest contexts and the most users, by cache format."""
    solved = []
    for name in dict.fromkeys((study.scenario.kv, *study.engine.program.cache_formats)):
        other = study.asking(replace(study.scenario, kv=name))
        solved.append(Capacity(name, tuple(other.longest(users) for users in SOLVED_USERS), other.most_users))
    return solved


def performance_facts(answer: Answer, row: Evaluation) -> PerformanceFacts:
    """The performance page of a row that has a performance report."""
    speed = row.performance
    assert speed
    study = bench_of(answer, row)
    level = study.scenario.service_level
    users = speed.concurrency * study.replicas
    then = answer.before.get(row.candidate.machine)
    earlier = then.performance if then else None
    others = [bench_of(answer, each) for each in rivals(answer, row)]
    operating = []
    for load, report in study.operating_points():
        meets = level.met_by(report.ttft_s.typical, report.tpot_s.typical)
        per_user, total = report.tokens_per_s_per_user.typical, report.output_tokens_per_s.typical
        operating.append(OperatingPoint(load, per_user, total, meets))
    return PerformanceFacts(
        heading=heading(answer, row),
        aside=f"class {row.confidence} · {amount(users)} in flight{own_point(study)}",
        roofs=roofs(study),
        points=points(study, users),
        other_roofs=[roofs(other)[0] for other in others],
        other_points=[
            _point(f"{other.node.device.label} {count(users)}", other.decode(users))._replace(series=series)
            for series, other in enumerate(others)
        ],
        prefill=group_by_name(study.prefill()),
        decode=group_by_name(study.decode(users)),
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
    )


def own_point(study: Study) -> str:
    """The user's own measurement that holds here, if any."""
    step = study.step
    if step.decode_factor == step.prefill_factor == 1.0:
        return ""
    return f" · own point: decode x{step.decode_factor:.2f}, prefill x{step.prefill_factor:.2f}"


def rivals(answer: Answer, row: Evaluation, most: int = 2) -> list[Evaluation]:
    """The best rows on other accelerators than this row's, one of each."""
    best: dict[str, Evaluation] = {}
    for each in answer.board.rows:
        if each.verdict == "fits" and each.performance and each.candidate.accelerator != row.candidate.accelerator:
            best.setdefault(each.candidate.accelerator, each)
    return list(best.values())[:most]


def roofs(study: Study) -> list[Roof]:
    """One device's roof in the format that multiplies the weights, and in 16 bit where that is another one."""
    device, step = study.node.device, study.step
    name, half = device.label or device.id, "bf16" if device.bf16_flops else "fp16"
    wide = Roof(f"{name} {half}", device.matrix_flops, device.bandwidth_bytes_per_s)
    if step.peak_flops_per_s == device.matrix_flops:
        return [wide]
    compute = weight_format(study.scenario.weights).compute
    narrow = Roof(f"{name} {compute}", step.peak_flops_per_s, step.peak_bytes_per_s)
    return [narrow, wide] if device.matrix_flops else [narrow]


def points(study: Study, users: float) -> list[Point]:
    """Where prefill and decode stand under the roof: alone, at the load, and at the most that fits."""
    loads = sorted({1, max(int(users), 1), max(study.most_users, 1)})
    return [
        _point("prefill", study.prefill()),
        *(_point(f"decode {count(load)}", study.decode(load)) for load in loads),
    ]


def group_by_name(operators: tuple[OperatorTime, ...]) -> tuple[OperatorTime, ...]:
    """Operators of one name as one, limited by what limits the longest of them."""
    groups: dict[str, list[OperatorTime]] = {}
    for each in operators:
        groups.setdefault(each.name, []).append(each)
    return tuple(
        OperatorTime(
            name,
            sum(each.seconds for each in group),
            max(group, key=lambda each: each.seconds).bound,
            sum(each.flops for each in group),
            sum(each.bytes for each in group),
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
