"""What the Performance page shows of a row that serves, worked out from the answer."""

from math import inf

from estimator.advice.study import Study
from estimator.errors import InputError
from estimator.models.formats import weight_format
from estimator.results import Evaluation, OperatorTime
from tui.draw.curve import OperatingPoint, Series
from tui.draw.figures import amount, count
from tui.draw.roofline import Point, Roof
from tui.pages.facts import bench_of, heading
from tui.pages.performance import PerformanceFacts
from tui.state.answer import Answer
from tui.state.pins import LETTERS, Pin
from tui.state.readings import layout


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
