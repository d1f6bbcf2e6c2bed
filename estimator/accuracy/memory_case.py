"""Rows of published memory figures, read into a model, formats, a layout, a device and an engine's settings."""

import re
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from estimator.accuracy.memory_formats import cache_of, option_name, weights_of
from estimator.accuracy.score import UNPRICED, Context, Row, number, text
from estimator.advice.study import Study
from estimator.engines.memory_policy import RuleOfThumb, device_defaults
from estimator.engines.profiles import EngineProfile, reserving_no_graphs, version_key
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator
from estimator.layout import Layout
from estimator.models.formats import WeightFormat
from estimator.models.model import Model
from estimator.results import Candidate
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.serving.memory import ServingMemory
from estimator.units import GIB

ENGINES = {
    "vllm": "vllm",
    "sglang": "sglang",
    "tensorrt-llm": "trtllm",
    "llama.cpp": "llamacpp",
    "ik_llama.cpp/llama.cpp": "llamacpp",
    "transformers": "transformers",
    "autoawq": "transformers",
    "tgi": "tgi",
}
ISSUES = ((11_250, "0.6"), (14_000, "0.7"))
"""vllm-project/vllm issues below a number were opened before 0.6.5 (December 2024), and before 0.8 (March 2025)."""
UNSTATED_VERSION = "0.11"
RELEASES = (("2026-06", "0.21"), ("2026-03", "0.19"))
"""A model of that month or later needs at least this vLLM."""

DATED = {
    "2026 Jun": "0.22",
    "2026 Jul": "0.25",
    "2026 Aug": "0.27",
    "2026 Sep": "0.29",
    "2026 Oct": "0.30",
    "2026 Nov": "0.31",
}
"""The newest vLLM in the middle of a month, for rows that say when they were run and not with what."""
PREFIXES_CACHED = ("noonghunna/club-3090", "mitchross/talos-argocd-proxmox")
"""Sources whose deployments all pass --enable-prefix-caching."""
SHORT = 512
"""Tokens of a request, where any will do."""
SOME = 0.5
"""Share of prompts found in that cache, where all that counts is that the engine keeps one."""

IMAGES_MADE_ROOM = (0, 22)
RECIPE_STEP = 4096
"""What vLLM's recipes set for Gemma 4 where the default step is shorter than an image, which it refused before 0.22."""
MOST_DEVICE_GIB = 10_000
"""Largest memory of one device [GiB]; anything above is a slip of the unit."""


class Missing(Exception):
    """A measured figure can not be predicted from what its row states; the message is the reason."""


class MemoryCase(NamedTuple):
    """One start-up or footprint as the product is asked it: a scenario, and how its model is laid out."""

    model: Model
    scenario: Scenario
    layout: Layout
    inventory: Inventory
    names_device: bool
    """Whether the row says on what it ran, or how much memory that had."""
    problem: str = ""
    """Why the weight format is not known; figures that do not need it stand."""

    @property
    def study(self) -> Study:
        """What every screen asks about a candidate: here the devices alone, without a price."""
        placement = self.scenario.placement
        candidate = Candidate(
            machine="",
            machines=1,
            accelerator=placement.accelerator or "",
            accelerators=placement.count or 1,
            layout=self.layout,
            replicas=1,
        )
        return Study(
            candidate=candidate,
            scenario=self.scenario,
            model=self.model,
            inventory=self.inventory,
            prices=UNPRICED,
        )

    @property
    def weights(self) -> WeightFormat:
        return self.model.weights(self.scenario.weights)

    @property
    def engine(self) -> EngineProfile:
        return self.inventory.engine(self.scenario.engine, self.scenario.engine_version)

    @property
    def device(self) -> Accelerator | None:
        """With the memory that the engine printed; None where the row names none."""
        return self.study.node.device if self.names_device else None


def memory_case(row: Row, context: Context) -> MemoryCase:
    """The start-up that a row of memory figures describes, with the engine's own defaults where it is silent. Raises
    InputError.
    """
    model = _as_started(row, context.model(row))
    engine = _engine(row, context, model)
    device = _device(row, context)
    problem = ""
    try:
        weights = weights_of(row, model)
    except InputError as error:
        weights, problem = model.weights("native"), str(error)
    layout = _layout(row, model.architecture.layers)
    known = device or next(iter(context.inventory.accelerators.values()))  # any: what is asked does not depend on it
    usable_gib = _usable_gib(row, engine)
    scenario = Scenario(
        model=model.id,
        weights=option_name(weights, row, model),
        kv=cache_of(row, weights).id,
        engine=engine.id,
        engine_version=engine.version,
        workload=_short_requests(row),
        settings=EngineSettings(
            memory_utilization=_fraction(row),
            max_model_len=_whole(row, "max_model_len"),
            max_num_seqs=_whole(row, "max_num_seqs"),
            max_num_batched_tokens=_step_tokens(row, model, engine, known if device or usable_gib else None),
            enforce_eager=_is_eager(row, engine) or None,
            compile_cache=text(row, "compile_cache") or None,
        ),
        placement=Placement(
            accelerator=known.id,
            count=layout.devices,
            tp=layout.tp,
            pp=layout.pp,
            ep=layout.ep if model.architecture.is_moe else None,
            dp=layout.dp if model.architecture.is_moe else None,
            usable_memory_gib=usable_gib,
        ),
    )
    return MemoryCase(
        model=model,
        scenario=scenario,
        layout=layout,
        inventory=_with_engine(context.inventory, engine),
        names_device=bool(device or usable_gib),
        problem=problem,
    )


def _short_requests(row: Row) -> ServingWorkload:
    """Requests within the model length: no figure of a start-up depends on them, but on prefixes being cached."""
    half = (_whole(row, "max_model_len") or SHORT) // 2
    tokens = min(max(half, 1), SHORT)
    notes = text(row, "quantity_notes").lower()
    asked = text(row, "source").startswith(PREFIXES_CACHED) or "prefix caching" in notes
    drafts = re.search(r"\bmtp (\d{1,2})\b", notes)
    return ServingWorkload(
        input_tokens=tokens,
        output_tokens=tokens,
        prefix_cache_hit=SOME if asked else 0.0,
        draft_tokens=int(drafts[1]) if drafts else 0,
    )


def _as_started(row: Row, model: Model) -> Model:
    """The model as it was started: without its vision tower, where the notes quote the option that leaves it out."""
    if "language-model-only" not in text(row, "quantity_notes"):
        return model
    alone = replace(
        model.architecture, vision_parameters=0, tower_pass=None, tower_missing=False, image_rule=None, audio_rule=None
    )
    return replace(model, architecture=alone)


def start_up(case: MemoryCase, device_needed: bool = True) -> ServingMemory:
    """The memory behind the page of that name. Raises Missing where the row lacks the device that it needs."""
    if device_needed and not case.names_device:
        raise Missing("neither the device nor its memory is in the row")
    return case.study.memory


def _with_engine(inventory: Inventory, engine: EngineProfile) -> Inventory:
    """The inventory with a profile as an environment variable changes it, which no option of ours does."""
    stock = inventory.engine(engine.id, engine.version)
    return inventory if engine is stock else _swapped(inventory, stock, engine)


@lru_cache(maxsize=8)
def _swapped(inventory: Inventory, stock: EngineProfile, engine: EngineProfile) -> Inventory:
    return replace(inventory, engines=tuple(engine if each is stock else each for each in inventory.engines))


def _engine(row: Row, context: Context, model: Model) -> EngineProfile:
    printed = text(row, "engine").lower()
    name = ENGINES.get(printed)
    if name is None:
        raise InputError("engine", f"no profile of {printed!r}")
    if name != "vllm":
        return context.inventory.engine(name)
    profile = context.inventory.engine(name, vllm_version(row, model))
    return reserving_no_graphs(profile) if "graph reserve disabled" in text(row, "quantity_notes") else profile


def vllm_version(row: Row, model: Model) -> str:
    """The vLLM version of a row: as stated, else the newest that the source's date and the model's release allow."""
    stated = text(row, "engine_version")
    if version_key(stated):
        return stated
    issue = re.match(r"vllm-project/vllm#(\d+)", text(row, "source"))
    for below, version in ISSUES:
        if issue and int(issue[1]) < below:
            return version
    dated = re.search(r"vLLM of (\w{3}) (\d{4})", text(row, "quantity_notes"))
    if dated:
        return DATED.get(f"{dated[2]} {dated[1]}", UNSTATED_VERSION)
    for month, version in RELEASES:
        if model.release >= month:
            return version
    return UNSTATED_VERSION


def _is_eager(row: Row, engine: EngineProfile) -> bool:
    """Whether the row is of a start without graphs: its own column, or what its notes quote of the command."""
    stated = text(row, "enforce_eager")
    eager = stated == "yes" if stated else bool(re.search(r"\beager\b", text(row, "quantity_notes")))
    return eager and bool(engine.program.eager_option)


def _layout(row: Row, layers: int) -> Layout:
    """The row's split of a model of so many layers. Raises InputError for more pipeline stages than those."""
    replicas = text(row, "ep/dp").upper()
    ep, dp = (_degree(name, replicas) for name in ("EP", "DP"))
    tp = _whole(row, "tp") or 1
    pp = _whole(row, "pp") or 1
    if pp > layers:
        raise InputError("pp", f"{pp} stages for {layers} layers")
    return Layout(tp=tp // dp if dp > 1 and tp % dp == 0 else tp, pp=pp, ep=ep, dp=dp)


def _degree(name: str, said: str) -> int:
    degree = re.search(rf"{name}(\d+)\b", said)
    return int(degree[1]) if degree else 1


def _device(row: Row, context: Context) -> Accelerator | None:
    """The device that the row names; None where the catalogue has none of that name."""
    try:
        return context.accelerator(row)
    except InputError:
        return None


def _usable_gib(row: Row, engine: EngineProfile) -> float | None:
    """The driver's figure behind the memory that the engine printed; None where there is none. Raises InputError."""
    printed = number(row, "gpu_mem_gib")
    if printed is not None and not 0 < printed <= MOST_DEVICE_GIB:
        raise InputError("gpu_mem_gib", f"{printed:g} is out of range, expected above 0 and up to {MOST_DEVICE_GIB:,}")
    if not printed or isinstance(engine.memory, RuleOfThumb):
        return None
    return engine.memory.reported_bytes(printed * GIB) / GIB


def _step_tokens(row: Row, model: Model, engine: EngineProfile, device: Accelerator | None) -> int | None:
    """As the row says; where it can not have been the default, what the recipes set."""
    stated, image = _whole(row, "max_num_batched_tokens"), model.architecture.whole_image_tokens
    if stated or not image or device is None or isinstance(engine.memory, RuleOfThumb):
        return stated
    refused = engine.memory.activations.whole_images and version_key(text(row, "engine_version")) < IMAGES_MADE_ROOM
    if not refused:
        return stated
    default = device_defaults(engine.memory, device)
    return RECIPE_STEP if default.max_num_batched_tokens < image else None


def _fraction(row: Row) -> float | None:
    share = re.search(r"[01]?\.\d+|1\.0|\b1\b", text(row, "gpu_memory_utilization"))
    return float(share[0]) if share and 0 < float(share[0]) <= 1 else None


def _whole(row: Row, column: str) -> int | None:
    value = number(row, column)
    return int(value) if value and 1 <= value <= 100_000_000 else None
