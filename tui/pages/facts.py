"""Facts about the selected row, worked out from the answer for the pages around it."""

from dataclasses import replace

from estimator.advice.fixes import Change, fixes, gains
from estimator.advice.study import Study
from estimator.results import Evaluation
from tui.draw.figures import count, size
from tui.pages.memory import MemoryFacts, Switch
from tui.pages.memory_parts import Usage, describe_cache_sharing, reasons
from tui.pages.solver import Capacity
from tui.state.answer import Answer
from tui.state.readings import devices, instance, layout_or_setup, refusal

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
    sharing = describe_cache_sharing(study.model.architecture, row.candidate.layout, scenario.settings.dcp)
    return MemoryFacts(
        heading=heading(answer, row),
        aside=f"a device has {size(row.memory.usable_bytes)} of {sold}, {study.engine.name}",
        usage=usage,
        reasons=reasons(
            usage, row.candidate.layout.tp, study.engine.name, memory.max_num_seqs, memory.max_num_batched_tokens
        ),
        kinds=memory.plan.kinds,
        kinds_note=sharing if memory.host_cache_bytes is None else "in host memory",
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
