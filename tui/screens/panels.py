"""The panels over a page: why a figure is what it is, why a row does not fit, what fits, and the machine's layouts."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from estimator.advice.fixes import Change, engine_message, quicker
from estimator.advice.workings import explain
from estimator.results import Evaluation, MemoryReport, MemoryTerm, TrainingReport
from estimator.units import MIB
from tui.draw.figures import duration, gib, size, tokens, usd
from tui.draw.runs import Row, clip, fit_row, pointer, wrap_text
from tui.pages.candidate import CONFIDENCE
from tui.pages.facts import SOLVED_USERS, bench_of, capacities, changes, heading
from tui.pages.performance import layout_rows
from tui.pages.solver import capacity_rows
from tui.pages.working import near_rows, working_rows
from tui.screens.alternative_panels import formats, sensitivity
from tui.screens.money_panels import breakeven_sheet, plan_sheet
from tui.screens.panel import KEYS, Sheet
from tui.state.answer import Answer
from tui.state.readings import instance, layout, refusal, shortcomings


def why(answer: Answer, row: Evaluation, figure: str = "") -> Sheet:
    """The panel of workings: every figure of a row, from the asked one on."""
    if row.training:
        return Sheet(f"why · {heading(answer, row)}", lambda cells: run_rows(row.training, cells, figure))
    study = bench_of(answer, row)
    workings = explain(study, row)
    if not workings:
        return why_not(answer, row)
    names = list(workings)
    first = names.index(figure) if figure in workings else 0
    order = [*names[first:], *names[:first]]

    def body(cells: int) -> list[Row]:
        trust = f"class {row.confidence}: {CONFIDENCE[row.confidence]}"
        rows: list[Row] = [*([(line, "dim")] for line in wrap_text(trust, cells)), []]
        for each in order:
            near = answer.measurements.near(study, each) if answer.measurements else None
            rows += working_rows(workings[each], cells, each == figure)
            rows += [*(near_rows(near, cells) if near else ()), []]
        return rows[:-1]

    return Sheet(f"why · {heading(answer, row)}", body)


def run_rows(report: TrainingReport | None, cells: int, figure: str) -> list[Row]:
    """Every part of a training run with its working, as rows."""
    rows: list[Row] = []
    if report is None:
        return rows
    for title, parts, shown in (
        ("memory of one device", report.memory.parts, size),
        ("seconds of a step", report.step, duration),
        ("the run", report.run, duration),
    ):
        rows.append([(title, "title")])
        for part in parts:
            rows.append([pointer(part.name == figure), (f"{part.name:<14}", "text"), (shown(part.value), "bold")])
            rows += [[("      ", "dim"), (line, "dim")] for line in wrap_text(part.working, cells - 8) if line]
        rows.append([])
    rows += [[(note, "dim")] for note in report.notes]
    return rows


def run_sheet(answer: Answer, row: Evaluation) -> Sheet:
    """The panel of a training run that does not fit: what it needs here, and the changes with which the machine holds
    it.
    """

    def body(cells: int) -> list[Row]:
        if row.training is None:
            return [[(line, "bad")] for line in wrap_text(refusal(row), cells)]
        memory = row.training.memory
        lines = [(part.name, gib(part.value)) for part in memory.parts if part.value > 0]
        lines += [("peak", gib(memory.peak_bytes.typical)), ("planned up to", gib(memory.budget_bytes))]
        names = min(40, cells - 16)
        rows = [fit_row([(f"   {name:<{names}}", "text"), (f"{value:>9} GiB", "text")], cells) for name, value in lines]
        return rows + [[(f"   {line}", "dim")] for note in row.training.notes for line in wrap_text(note, cells - 3)]

    title = "room" if row.verdict == "fits" else "why not"
    return Sheet(f"{title} · {heading(answer, row)}", body, changes(bench_of(answer, row), row))


def why_not(answer: Answer, row: Evaluation, figure: str = "") -> Sheet:
    """The panel of a row that does not fit: the engine's words, its budget line by line, and the changes that make it
    fit.
    """
    if answer.session.scenario.training:
        return run_sheet(answer, row)
    study = bench_of(answer, row)
    missed = shortcomings(row, study.scenario)
    choices = quicker(study) if missed and row.holds_load else changes(study, row)
    gives = next((each for each in answer.board.rows if each.verdict == "fits"), None)
    if (
        (missed or row.verdict != "fits")
        and gives
        and not shortcomings(gives, study.scenario)
        and gives.cost.price_usd_per_hour
    ):
        choices.append(
            Change(f"or {instance(gives)}", f"gives what is asked at {usd(gives.cost.price_usd_per_hour)}/h")
        )

    def body(cells: int) -> list[Row]:
        reasons = missed if row.verdict == "fits" else [refusal(row)]
        rows: list[Row] = [[(line, "bad")] for each in reasons for line in wrap_text(each, cells)]
        rows += [[]] if rows else []
        if row.memory and not (missed and row.holds_load):
            said = engine_message(study, row.memory)
            if said:
                rows += [[("│ ", "grid"), (line, "dim")] for line in wrap_text(said, cells - 2)]
                rows.append([])
            rows += budget_rows(row.memory, study.memory.pool_terms(), study.scenario.workload.total_tokens, cells)
        return rows

    title = "why not" if missed or row.verdict != "fits" else "room"
    return Sheet(f"{title} · {heading(answer, row)}", body, choices)


def budget_rows(memory: MemoryReport, pool: Sequence[MemoryTerm], length: int, cells: int) -> list[Row]:
    """An engine's memory budget as rows, from what the driver reports to what is left for the cache."""
    names = min(38, cells - len("   999.99 GiB") - 3)
    budget, *spent = pool
    utilization = f"utilization {memory.utilization:g}: the budget" if budget.factors else budget.name
    lines: list[tuple[str, str, float, str]] = [("", "the driver reports", memory.usable_bytes, "text")]
    if abs(memory.visible_bytes - memory.usable_bytes) > MIB:
        lines.append(("", "the engine sees", memory.visible_bytes, "text"))
    lines += [("×" if budget.factors else "", utilization, budget.bytes, "text")]
    lines += [("−", term.name, -term.bytes, "text") for term in spent]
    in_ram, left = memory.host_cache_bytes, memory.left_bytes
    name = "left for the KV cache" if in_ram is None else "left on the device"
    lines.append(("=", name, left, "bold" if left > 0 else "bad"))
    if in_ram is not None:
        lines.append((" ", "host memory for the KV cache", in_ram, "bold" if in_ram > 0 else "bad"))
    if memory.shortfall_bytes > 0:
        lines.append((" ", f"short of one request of {tokens(length)} tokens", memory.shortfall_bytes, "bad"))
    return [
        fit_row(
            [(f" {sign:<2}", "dim"), (f"{clip(name, names):<{names}}", style), (f"{gib(value):>9} GiB", style)],
            cells,
        )
        for sign, name, value, style in lines
    ]


def fits(answer: Answer, row: Evaluation, figure: str = "") -> Sheet:
    """The panel of what fits: longest context and most users by cache format, and the changes that use the room."""
    if not row.memory or answer.session.scenario.training:
        return why_not(answer, row)
    study = bench_of(answer, row)
    length = study.scenario.workload.total_tokens
    solutions = capacities(study)

    def body(cells: int) -> list[Row]:
        token = f" one token takes {size(study.memory.plan.pool.token_bytes)} on each device"
        return [*capacity_rows(cells, SOLVED_USERS, length, solutions), [], [(token, "dim")]]

    return Sheet(f"what fits · {heading(answer, row)}", body, changes(study, row))


def layouts(answer: Answer, row: Evaluation, figure: str = "") -> Sheet:
    """The panel of layouts: every legal one of the machine; choosing one insists on it."""
    if answer.session.scenario.training:
        return why_not(answer, row)
    study = bench_of(answer, row)
    solutions, scenario = study.layouts(), study.scenario
    open_to_all = replace(scenario.placement, tp=None, pp=None, ep=None, dp=None)
    choices = []
    for each in (each for each in solutions if each.verdict == "fits"):
        tp, pp, ep, dp, *_ = each.candidate.layout
        insisted = replace(open_to_all, tp=tp, pp=pp)
        if study.model.architecture.is_moe:
            insisted = replace(insisted, ep=ep, dp=dp)
        note = "insist on it for every machine"
        choices.append(Change(layout(each), note, replace(scenario, placement=insisted)))
    if scenario.placement != open_to_all:
        free = replace(scenario, placement=open_to_all)
        choices.insert(0, Change("the best of each machine", "insist on no layout", free))

    def body(cells: int) -> Sequence[Row]:
        return layout_rows(solutions, layout(row), cells)

    return Sheet(f"layouts · {heading(answer, row)}", body, choices[: len(KEYS)])


PANELS: dict[str, Callable[[Answer, Evaluation, str], Sheet]] = {
    "why": why,
    "why-not": why_not,
    "fits": fits,
    "layouts": layouts,
    "formats": formats,
    "sensitivity": sensitivity,
    "plan": plan_sheet,
    "breakeven": breakeven_sheet,
}
