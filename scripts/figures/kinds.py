"""The kinds of questions whose figures are kept, one for each room of the estimator that answers."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from catalog.cache import DATA
from catalog.load import Catalog
from estimator.accuracy import memory as memory_accuracy
from estimator.accuracy import serving as serving_accuracy
from estimator.accuracy import training as training_accuracy
from estimator.accuracy.score import Context
from estimator.advice.alternatives import changes_that_halve, formats_of, token_cost
from estimator.advice.decisions import needed_memory_bytes
from estimator.advice.fixes import engine_message, fixes, gains, quicker
from estimator.advice.launch import launch
from estimator.advice.load_study import study_loads
from estimator.advice.provenance import origin
from estimator.advice.reach import engines_for, format_sizes
from estimator.advice.reverse import runs_on
from estimator.advice.savings import advice
from estimator.advice.training_fixes import run_changes
from estimator.advice.workings import explain
from estimator.errors import InputError
from estimator.models import hf_config
from estimator.models.architecture import Architecture
from estimator.models.formats import WEIGHT_FORMATS
from estimator.models.mixers.base import side_by_side
from estimator.models.model import Model
from estimator.models.summary import summary, text_tensors
from estimator.planning.breakeven import against_api, against_buying, against_terms
from estimator.planning.day import DAYS, Demand
from estimator.planning.plan import Plan, plans
from estimator.ranking.rank import rank
from estimator.results import Part
from estimator.training.recipes import recipe
from scripts.figures import kept, sections
from scripts.figures.asked import ask, best
from scripts.figures.text import item, items, line, written
from scripts.figures.variants import Variant

Lines = Callable[[Catalog, kept.Question], Iterator[str]]

DEFAULTS = kept.FOLDER.parent / "transformers_classes.json"
FORMATS = ("int4-awq", "gguf-q4_k_m")
CONTEXTS = (1_000, 40_000)
"""Tokens at which a model's cache and attention are kept."""
CHANGES = 3
"""Changes of a run that are kept."""
PLANS = 3
"""Plans of a load that are kept."""


def models(catalog: Catalog, question: kept.Question) -> Iterator[str]:
    """Counts, cache and work of a model, and its bytes in some formats."""
    model = catalog.model(str(question["model"]))
    a, told = model.architecture, summary(model)
    yield from line("counts", (a.class_name, a.task, *items(told.parameters, "embedding", "lm_head")))
    yield from line("cache", items(told.kv_cache))
    yield from line("context", map(written, (told.max_context, a.rotary_dim, a.rotary_positions, a.mtp_layers)))
    yield from line("work", _work(a))
    yield from line("media", map(written, _media(a)))
    yield from line("bytes", (f"{name} {size}" for name, size in _bytes(model)))


def _media(a: Architecture) -> Iterator[int]:
    """Tokens and patches of two images, tokens of half a minute's sound."""
    for width, height in ((640, 480), (1920, 1080)) if a.image_rule else ():
        yield from a.image_rule.of(width, height)
    if a.audio_rule:
        yield from a.audio_rule.of(30.0)


def _work(a: Architecture) -> Iterator[str]:
    """Elements cached, FLOPs of a prompt's attention and of a token's, elements read; bytes of states."""
    for tokens in CONTEXTS:
        groups = [(group.count, mixer) for group in a.groups for mixer in side_by_side(group.layer.mixer)]
        prompt = sum(count * mixer.attention_flops(tokens) for count, mixer in groups)
        token = sum(count * mixer.decode_flops(1, tokens) for count, mixer in groups)
        read = sum(
            count * (tokens * mixer.read_growing_width + min(tokens, mixer.window) * mixer.read_window_width)
            for count, mixer in groups
        )
        yield f"at {tokens}: {a.cache_elements(tokens):.6g} {prompt:.6g} {token:.6g} {read:.6g}"
    yield item("states", a.sequence_state_bytes())
    yield item("drafting", a.sequence_state_bytes(3))


def _bytes(model: Model) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys(("native", *FORMATS)):
        try:
            weights = model.weights(name)
        except InputError:
            continue
        size = sum(count * weights.bytes_of(tensor) for count, tensor in text_tensors(model.architecture))
        yield (model.native_weights if name == "native" else name), f"{size:.6g}"


def configs(catalog: Catalog, question: kept.Question) -> Iterator[str]:
    """What a model is with one field of its configuration changed."""
    yield from _read(catalog.model_entry(str(question["model"]))["config"], question)


@cache
def _defaults() -> Mapping[str, list[list[str]]]:
    """The table of transformers' classes that tests count by."""
    table: dict[str, list[list[str]]] = json.loads(DEFAULTS.read_text(encoding="utf-8"))
    return table


def default_configs() -> Mapping[str, Mapping[str, object]]:
    """What each model type of transformers is by default."""
    configs: Any = _defaults()["configs"]
    return dict(configs)


def default_classes() -> Iterator[tuple[str, str]]:
    """Every language class of transformers that has a default, with its model type."""
    known = default_configs()
    return ((name, model_type) for name, model_type, *_ in _defaults()["classes"] if model_type in known)


def classes(catalog: Catalog, question: kept.Question) -> Iterator[str]:
    """What a class of transformers is by its default configuration with one field changed."""
    own = {"architectures": [question["class"]], "model_type": question["type"]}
    yield from _read({**default_configs()[str(question["type"])], **own}, question)


def _read(config: Mapping[str, object], question: kept.Question) -> Iterator[str]:
    """What a configuration with a question's change is read as."""
    a = hf_config.read(Variant(str(question["field"]), str(question["value"])).of(config))
    cached = (a.cache_elements(tokens) for tokens in CONTEXTS)
    others = (a.state_elements, a.conv_state_elements, a.vision_parameters, a.max_context, a.rotary_dim)
    yield from line("is", (a.task, *map(written, (a.text_parameters, a.active_parameters, *cached, *others))))
    yield from line("media", map(written, _media(a)))


def formats(catalog: Catalog, question: kept.Question) -> Iterator[str]:
    """A model's bytes in every format that it can have, and where and by which engines it runs."""
    model = catalog.model(str(question["model"]))
    for name in WEIGHT_FORMATS:
        try:
            weights = model.weights(name)
        except InputError as refusal:
            yield f"{name}: {refusal.field} refused"
            continue
        tensors = text_tensors(model.architecture)
        roles: dict[str, float] = {}
        for count, tensor in tensors:
            roles[tensor.role] = roles.get(tensor.role, 0.0) + count * weights.bytes_of(tensor)
        yield from line(name, (f"{weights.bits:.6g} bits", *(f"{role} {size:.6g}" for role, size in roles.items())))
    for size in format_sizes(model, catalog.inventory):
        yield from line(f"in {size.format}", items(size, "format"))
    yield from line("engines", (reach.engine for reach in engines_for(model, catalog.inventory) if not reach.reason))


def serving(catalog: Catalog, question: kept.Question) -> Iterator[str]:
    """One candidate in full, whence its constants come, and the command that starts it."""
    asked = ask(catalog, question)
    row = best(asked, replayed=bool(question.get("replayed")))
    for part in (
        sections.candidate(row),
        sections.memory(row.memory),
        sections.speed(row.performance),
        sections.cost(row.cost),
    ):
        yield from part
    constants = origin(row.candidate.accelerator, asked.scenario, row.confidence, asked.inventory)
    needed = needed_memory_bytes(row, asked.scenario.workload)
    yield from line("known", (constants, item("needed", needed)))
    with suppress(InputError):
        command = launch(asked.model, asked.scenario, row, asked.inventory)
        yield from line("launch", (command.program, *(each.text for each in command.arguments)))
        yield from line("remarks", command.notes)


def training(catalog: Catalog, question: kept.Question) -> Iterator[str]:
    """One training run in full, what would make it smaller, and its starting configuration."""
    asked = ask(catalog, question)
    row = best(asked)
    yield from sections.candidate(row)
    yield from sections.training(row.training)
    yield from line("changes", (f"{each.title}: {each.effect}" for each in run_changes(asked.study(row))[:CHANGES]))
    with suppress(InputError):
        written_down = recipe(asked.model, asked.scenario, row, asked.inventory)
        yield from line("recipe", (f"{each.key}={each.text}" for each in written_down.settings))


def boards(catalog: Catalog, question: kept.Question) -> Iterator[str]:
    """The leaderboard."""
    board = rank(*ask(catalog, question))
    yield from line("board", (f"{len(board.rows)} rows of {board.considered}",))
    yield from sections.board(board.rows)


def planning(catalog: Catalog, question: kept.Question) -> Iterator[str]:
    """The cheapest plans of a load, and the break-evens of its best candidate."""
    asked = ask(catalog, question)
    demand = Demand(
        headroom=float(question.get("headroom", 0.0)),
        base_load=float(question.get("base_load", 1.0)),
        peak_hours=float(question.get("peak_hours", 24.0)),
        spare=int(question.get("spare_copies", 0)),
        day=DAYS[str(question["day"])] if "day" in question else (),
    )
    known = plans(asked.model, asked.scenario, demand, asked.inventory, asked.prices.for_decisions())
    yield from line("plans", (f"{len(known)}",))
    for number, each in enumerate(known[:PLANS], 1):
        yield from _plan(number, each)
    row = best(asked, detail=False)
    study = asked.study(row)
    for name, api in catalog.api_prices.items():
        if crossing := against_api(row, asked.scenario.workload, api):
            yield from line(f"against {name}", map(written, (*crossing, crossing.requests, crossing.always_from)))
    terms = against_terms(study.machine, study.node.device, asked.scenario, asked.prices)
    yield from line("terms", (f"{each.terms} {written(each.hours_per_month)}" for each in terms))
    if buying := against_buying(row, study.machine, study.node.device, asked.scenario):
        yield from line("buying", map(written, (*buying, buying.months)))


def _plan(number: int, plan: Plan) -> Iterator[str]:
    hours = " ".join(f"{hour.copies}/{hour.replicas}/{hour.machines}" for hour in plan.hours)
    loads = " ".join(f"{hour.load:.6g}" for hour in plan.hours)
    at = plan.row.candidate
    yield from line(f"plan {number}", (f"{plan.fleet.copies} x {at.machines} x {at.machine} {at.layout}", hours, loads))
    costs = (f"at {share:g} {written(band)}" for share, band in plan.usd_per_1m_tokens_at)
    yield from line(f"cost {number}", (item("busy", plan.utilization), item("$/1M", plan.usd_per_1m_tokens), *costs))
    for mix in plan.mixes[:PLANS]:
        lines = (
            f"{each.machines} {each.terms} {each.hours_per_day:.6g} h ${each.usd_per_month:.6g}" for each in mix.lines
        )
        yield from line(f"mix {number} {mix.base_terms} {mix.peak_terms}", (*lines, written(mix.usd_per_month)))
    if number == 1:
        yield from line("scaling", (*items(plan.autoscaling, "cold_start"), *items(plan.autoscaling.cold_start)))


def advised(catalog: Catalog, question: kept.Question) -> Iterator[str]:
    """What is said around a candidate: its workings, changes, fixes and loads."""
    asked = ask(catalog, question)
    row = best(asked)
    study = asked.study(row)
    yield from sections.candidate(row)
    if row.verdict == "not_supported":
        return
    for name, working in explain(study, row).items():
        terms = (written(Part(each.name, each.value)) for each in working.terms)
        yield from line(f"working of {name}", (written(working.value), *terms))
    for title, changes in (("fix", fixes(study, row)), ("gain", gains(study, row)), ("quicker", quicker(study))):
        yield from line(title, (f"{each.title}: {each.effect}" for each in changes))
    yield from line("formats", (f"{each.title} {written(token_cost(each.row))}" for each in formats_of(study)))
    saved = advice(study, row, catalog.quality)
    yield from line(
        "saves", (f"{each.change} {written(each.usd_per_1m_tokens)} {written(each.ms)} {each.users}" for each in saved)
    )
    if halved := changes_that_halve(study):
        yield from line("halved", (halved.title, written(token_cost(halved.row))))
    if row.memory:
        yield from line("engine", (engine_message(study, row.memory),))
    here = runs_on(study.machine, asked.model, asked.scenario, asked.inventory, asked.prices)
    yield from line("runs", (f"{each.weights} {each.longest_tokens}" for each in here))
    if row.verdict == "fits":
        points = study.operating_points(most=256)
        yield from line(
            "points",
            (f"{users} {written(at.tpot_s)} {written(at.output_tokens_per_s.typical)}" for users, at in points),
        )
    if question.get("replayed") and (loads := study_loads(study)):
        yield from line("loads", items(loads, "loads", "minute"))
        for each in loads.loads:
            yield from line(f"load {each.load:.6g}", (written(each.ttft_s), written(each.tpot_s)))


TABLES: Mapping[str, ModuleType] = {
    "serving": serving_accuracy,
    "memory": memory_accuracy,
    "training_memory": training_accuracy,
    "training_throughput": training_accuracy,
}
"""Module that scores each table of measured cases."""


@cache
def cases(table: str) -> Mapping[str, Mapping[str, str]]:
    """The measured rows of a table by their id."""
    with (DATA / "evidence" / f"{table}.csv").open(newline="", encoding="utf-8") as lines:
        return {row["case_id"]: row for row in csv.DictReader(lines)}


def accuracy(catalog: Catalog, question: kept.Question) -> Iterator[str]:
    """What is predicted for a measured case."""
    table = str(question["table"])
    context = Context(catalog.inventory, lambda name: catalog.model(catalog.model_id(name)))
    for score in TABLES[table].score(cases(table)[str(question["case"])], context):
        predicted = (written(each) for each in (score.predicted, score.low, score.high))
        yield from line(score.metric, (score.status, *predicted))


class Kind(NamedTuple):
    """A kind of question: what its file holds, and the lines of an answer."""

    about: str
    lines: Lines


KINDS: Mapping[str, Kind] = {
    "models": Kind("Models: counts, cache, work and bytes.", models),
    "configs": Kind("Models with one field of their configuration changed.", configs),
    "classes": Kind("Classes of transformers by default, with one field of their configuration changed.", classes),
    "formats": Kind("Models in every weight format.", formats),
    "serving": Kind("Candidates that serve: memory, speed and cost.", serving),
    "boards": Kind("Leaderboards.", boards),
    "planning": Kind("Plans and break-evens.", planning),
    "advice": Kind("What is said around a candidate.", advised),
    "training": Kind("Training runs.", training),
    "accuracy": Kind("What is predicted for measured cases.", accuracy),
}
"""Kind -> its figures; a file each in tests/data/figures."""


def figures(kind: str, catalog: Catalog, question: kept.Question) -> tuple[str, ...]:
    """The lines of an answer; of a question that can not be asked, the field that is refused."""
    try:
        return tuple(KINDS[kind].lines(catalog, question))
    except InputError as refusal:
        return (f"refused: {refusal.field}",)
