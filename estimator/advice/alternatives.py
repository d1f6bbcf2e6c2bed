"""What else could be asked of a machine: every weight and cache format there, and one change of the scenario each."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial, reduce
from itertools import combinations
from typing import Any, NamedTuple

from estimator.advice.split import best_split
from estimator.advice.study import Study
from estimator.errors import InputError
from estimator.models.formats import CACHE_FORMATS, WEIGHT_FORMATS, weight_format
from estimator.results import Band, Evaluation
from estimator.scenario.scenario import Placement, Scenario

PREFIX_HIT = 0.5
"""Share of a prompt that a shared system prompt or a chat's history puts in the prefix cache (engineering guess)."""
MILLION = 1e6
MOST_COMBINED = 7
"""Changes that are tried together: the ones that save most alone (63 answers of a millisecond at most)."""
Change = Callable[[Scenario], Scenario]


class Alternative(NamedTuple):
    """Another scenario for the same machine, and the best answer that the machine gives to it."""

    title: str
    scenario: Scenario
    row: Evaluation
    note: str = ""


def token_cost_band(row: Evaluation) -> Band | None:
    """Cost of a million tokens of an evaluation as a band, input and output together in the asked mix [USD]."""
    return row.cost.usd_per_1m_tokens


def token_cost(row: Evaluation) -> float | None:
    """Typical cost of a million tokens of an evaluation, input and output together in the asked mix [USD]."""
    band = token_cost_band(row)
    return band.typical if band else None


def formats_of(study: Study) -> list[Alternative]:
    """Every pair of weight and cache format worth trying on the candidate's machine that its engine can be
    asked for.
    """
    scenario, program = study.scenario, study.engine.program
    ladder = (scenario.weights, study.model.native_weights, *program.weight_ladder)
    weights = [name for name in dict.fromkeys(ladder) if name in WEIGHT_FORMATS]
    weights.sort(key=lambda name: -weight_format(name).bits)
    caches = dict.fromkeys((scenario.kv, *program.cache_formats))
    board = []
    for name in weights:
        for kv in caches:
            changed = replace(scenario, weights=name, kv=kv)
            row = best_of(study, changed)
            if row is not None:
                board.append(
                    Alternative(title=f"{name} kv {kv}", scenario=changed, row=row, note=kernel_note(study, name))
                )
    return board


def kernel_note(study: Study, weights: str) -> str:
    """How this device multiplies a weight format, and who makes the quantised weights."""
    kind, device = weight_format(weights), study.node.device
    if kind.bits >= 16:
        return "16-bit products"
    native = getattr(device, f"{kind.compute}_flops", 0.0) if kind.compute not in ("bf16", "fp16") else 0.0
    products = f"{kind.compute} products" if native else "weight-only, 16-bit products"
    if weights == study.model.native_weights:
        return f"{products}; the upload's own"
    if weights in study.engine.program.quantises:
        return f"{products}; made while loading"
    return f"{products}; needs an upload in {weights}"


def single_changes(study: Study) -> list[Alternative]:
    """One change each that the machine can be asked for, with its best answer; refused changes are left out."""
    return [
        Alternative(title, changed, row)
        for title, change in _changes(study)
        if (row := best_of(study, changed := change(study.scenario))) is not None
    ]


def changes_that_halve(study: Study) -> Alternative | None:
    """The fewest changes of the scenario that together halve the cost of a token; None where three of them do not.

    Only changes that leave the asked lengths and load as they are, and that save something alone, are tried. An old
    price recommends nothing, unless the present one is old too.
    """
    now = best_of(study, study.scenario)
    goal = token_cost(now) if now else None
    if now is None or goal is None:
        return None
    saving = []
    for title, change in _changes(study):
        row = best_of(study, changed := change(study.scenario))
        cost = token_cost(row) if row and row.verdict == "fits" else None
        current = row is not None and row.cost.price_stale in (False, now.cost.price_stale)
        if cost is not None and cost < goal and current and changed.workload == study.scenario.workload:
            saving.append((cost, title, change))
    saving.sort(key=lambda each: each[0])
    for count in (1, 2, 3):
        for chosen in combinations(saving[:MOST_COMBINED], count):
            changed = reduce(lambda scenario, each: each[2](scenario), chosen, study.scenario)
            row = best_of(study, changed)
            cost = token_cost(row) if row and row.verdict == "fits" else None
            if row and cost is not None and cost <= goal / 2:
                return Alternative(" + ".join(title for _, title, _ in chosen), changed, row)
    return None


def _changes(study: Study) -> Iterator[tuple[str, Change]]:
    scenario, program, layout = study.scenario, study.engine.program, study.candidate.layout
    work = scenario.workload
    keeps = study.model.architecture.keeps_prompts
    for kv in program.cache_formats if keeps else ():
        if kv in CACHE_FORMATS and kv != scenario.kv:
            yield f"cache {kv}", partial(replace, kv=kv)
    for name in dict.fromkeys((study.model.native_weights, *program.weight_ladder)):
        if name in WEIGHT_FORMATS and name != scenario.weights:
            yield f"weights {name}", partial(replace, weights=name)
    for tp in (layout.tp * 2, layout.tp // 2):
        if tp >= 1:
            yield f"TP{tp}", partial(_laid_out, tp=tp)
    if work.input_tokens > 1:
        yield "half the input", partial(_loaded, input_tokens=work.input_tokens // 2)
    if work.output_tokens > 1 and not work.encodes:
        yield "half the output", partial(_loaded, output_tokens=work.output_tokens // 2)
    if keeps and not work.prefix_cache_hit:
        yield f"prefix cache hits {PREFIX_HIT:.0%}", partial(_loaded, prefix_cache_hit=PREFIX_HIT)
    if work.requests_per_second is None:
        yield "twice the users", partial(_loaded, concurrency=work.concurrency * 2)
        if work.concurrency > 1:
            yield "half the users", partial(_loaded, concurrency=work.concurrency // 2)
    if not work.prefill_replicas and study.engine.program.splits_prefill and (number := best_split(study)):
        yield f"prefill on {number} of {study.replicas}", partial(_loaded, prefill_replicas=number)
    if scenario.deployment == "cloud":
        for terms in ("on-demand", "spot", "savings-1y", "savings-3y"):
            if terms != scenario.price_terms:
                yield terms, partial(replace, price_terms=terms)


def _loaded(scenario: Scenario, **changes: Any) -> Scenario:
    return replace(scenario, workload=replace(scenario.workload, **changes))


def _laid_out(scenario: Scenario, tp: int) -> Scenario:
    place = scenario.placement
    return replace(scenario, placement=Placement(instance=place.instance, machines=place.machines, tp=tp))


def best_of(study: Study, scenario: Scenario) -> Evaluation | None:
    """The best answer of the candidate's machines under another scenario; None where it can not be asked there."""
    try:
        return study.asking(scenario).best()
    except InputError:
        return None
