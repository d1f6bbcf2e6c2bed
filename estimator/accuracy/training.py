"""Published training runs against the estimator: peak memory, whether a run fits, and speed."""

import re
from dataclasses import replace
from typing import NamedTuple

from estimator.accuracy.score import Context, Row, Score, groups, number, scored, text, unscored
from estimator.accuracy.training_cases import TrainingCase, training_case, whole
from estimator.engines.training_constants import TrainingConstants
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator, Machine
from estimator.models.architecture import Architecture
from estimator.models.by_hand import by_hand, interpolated_shape, shape_named
from estimator.results import Band
from estimator.training import memory, speed
from estimator.training.judge import require_training_constants
from estimator.training.network import Links, links_of
from estimator.training.run import Run
from estimator.training.weights import count_adapters
from estimator.units import GIB, TERA

FAST_DOMAIN = {"gb200": 72, "gb300": 72, "trainium1": 16, "trainium2": 16}
"""Devices that one fast fabric joins, where they are not eight."""


def score(row: Row, context: Context) -> list[Score]:
    """Scores every figure that a row of published training runs prints: peak memory, whether it fits, and speed."""
    constants = require_training_constants(context.inventory)
    if "tflops_per_device" in row:
        return _speed_scores(row, context, constants)
    return _memory_scores(row, context, constants)


def _memory_scores(row: Row, context: Context, constants: TrainingConstants) -> list[Score]:
    out_of_memory = text(row, "kind") == "oom"
    metric, measured = (
        ("fits", 0.0) if out_of_memory else ("peak_memory_gib_per_device", number(row, "peak_memory_gib_per_device"))
    )
    if measured is None:
        return []
    missing = [field for field in ("micro_batch", "seq_len") if number(row, field) is None]
    if missing:
        return [unscored(row, metric, measured, "skipped", f"no {' and no '.join(missing)}")]
    try:
        case, run, source = read(row, context, constants)
        peak = memory.peak_memory(run)
        if out_of_memory:
            fits = memory.fits(run, peak, context.accelerator(row))
            return [_scored(row, metric, measured, Band(float(fits), float(fits), float(fits)), source, case)]
    except InputError as error:
        return [unscored(row, metric, measured, "unsupported", str(error))]
    allocator_only = case.framework.prints_allocated or "reserved" in text(row, "memory_as_reported")
    shown_bytes = _shown_bytes(row, run, peak, context)
    printed = shown_bytes - (peak.resident.overhead_bytes if allocator_only else 0.0)
    low, high = constants.memory.known_band if case.known_framework else constants.memory.unknown_band
    band = Band(printed * low, printed, printed * high).times(1 / GIB)
    return [_scored(row, metric, measured, band, source, case)]


def _shown_bytes(row: Row, run: Run, peak: memory.PeakMemory, context: Context) -> float:
    """The peak that the row's device would show; one with room, where the row's is not known."""
    try:
        shown, kept_bytes = memory.shown_peak(run, peak, device_of(row, context))
    except InputError:
        return peak.device_bytes
    return shown.device_bytes + kept_bytes


def _speed_scores(row: Row, context: Context, constants: TrainingConstants) -> list[Score]:
    for metric in ("tokens_per_s_per_device", "tflops_per_device", "mfu_pct"):
        measured = number(row, metric)
        if measured:
            break
    else:
        return []
    if metric != "tokens_per_s_per_device" and number(row, "seq_len") is None:
        return [unscored(row, metric, measured, "skipped", "no seq_len")]
    try:
        timed = speed_case(row, context, constants)
        predicted = timed.step()
    except InputError as error:
        return [unscored(row, metric, measured, "unsupported", str(error))]
    workload = timed.run.workload
    tokens_per_s = predicted.tokens / predicted.seconds
    useful = sum(speed.work_per_token(timed.run.architecture, workload.sequence_length).flops(workload.adapters))
    peak = speed.peak_flops(workload, timed.device)
    typical = {
        "tokens_per_s_per_device": tokens_per_s,
        "tflops_per_device": tokens_per_s * useful / TERA,
        "mfu_pct": 100 * tokens_per_s * useful / peak,
    }[metric]
    band = speed.banded(typical, speed.band_of(timed.run, timed.device))
    return [_scored(row, metric, measured, band, timed.source, timed.case)]


class SpeedCase(NamedTuple):
    """A measured training speed with everything that its step is predicted from."""

    case: TrainingCase
    run: Run
    source: str
    device: Accelerator
    links: Links
    release: float

    def step(self) -> speed.TrainingStep:
        """The predicted optimizer step of a measured run: its seconds and what they are made of."""
        return speed.training_step(self.run, self.device, self.links, self.release)


def speed_case(row: Row, context: Context, constants: TrainingConstants) -> SpeedCase:
    """The run that a row of measured training speeds describes. Raises InputError."""
    case, run, source = read(row, context, constants)
    device = device_of(row, context)
    links = published_links(device, whole(row, "n_devices") or 1, context, constants)
    match = re.search(r"\b(2\d\.\d\d)", text(row, "framework"))
    release = float(match[1]) if match else speed.FUSED_EXPERTS
    return SpeedCase(case=case, run=run, source=source, device=device, links=links, release=release)


def published_links(device: Accelerator, devices: int, context: Context, constants: TrainingConstants) -> Links:
    """Links of the cluster that a published run names: its machines hold what one fast fabric joins, and the network
    between them is the usual one for that device.
    """
    rules, fabric = constants.speed, context.inventory.fabrics[device.fabric]
    joined = FAST_DOMAIN.get(device.id, 8)
    machine = Machine(
        id=device.id,
        family="",
        accelerator=device.id,
        count=min(devices, joined),
        fabric=fabric.id,
        vcpus=0,
        memory_bytes=0,
        network_bytes_per_s=rules.reference_network_bytes_per_s / rules.network_efficiency,
    )
    return links_of(machine, fabric, fabric, rules)._replace(devices_per_machine=joined)


def read(row: Row, context: Context, constants: TrainingConstants) -> tuple[TrainingCase, Run, str]:
    """A row's training run and where its architecture comes from; adapter targets that the model lacks mean all linear
    layers.
    """
    case = training_case(row, constants)
    architecture, source = architecture_of(row, case, context, constants)
    run = Run(
        architecture=architecture,
        workload=case.workload,
        framework=case.framework,
        constants=constants,
        setup=case.setup,
    )
    if case.workload.adapters:
        try:
            count_adapters(architecture, case.workload)
        except InputError:
            run = run._replace(workload=replace(case.workload, lora_targets="all-linear"))
    return case, run, source


def architecture_of(
    row: Row, case: TrainingCase, context: Context, constants: TrainingConstants
) -> tuple[Architecture, str]:
    """Architecture that a published run trained: its base model's, else what the printed name stands for, else a
    typical decoder of the stated size.
    """
    by_name = _by_name(text(row, "model"), context, constants)
    if by_name and not text(row, "base_model_id"):
        return by_name
    try:
        return context.model(row).architecture, "catalogue"
    except InputError as unknown:
        if by_name:
            return by_name
        if case.parameters is None:
            raise InputError("model", f"{unknown.complaint}, and the row states no params_b") from None
        return by_hand(interpolated_shape(case.parameters, context.inventory.sizes.values())), "params_b alone"


def _by_name(name: str, context: Context, constants: TrainingConstants) -> tuple[Architecture, str] | None:
    """A size preset or a model of the catalogue by the names that sources print."""
    printed = name.lower().replace("_", "-")
    preset = shape_named(printed, context.inventory.sizes)
    if preset:
        return by_hand(preset), "size preset"
    alias = next((id for pattern, id in constants.aliases.items() if re.search(pattern, printed)), None)
    return (context.models(alias).architecture, "catalogue") if alias else None


_POWER = re.compile(r"500 ?w|power[- ]limited", re.I)
_FAMILIES = (
    (re.compile(r"gb300"), "gb300"),
    (re.compile(r"gb200"), "gb200"),
    (re.compile(r"b300"), "b300-sxm"),
    (re.compile(r"b200|sm100|blackwell"), "b200-sxm"),
    (re.compile(r"h200"), "h200-sxm"),
    (re.compile(r"h[18]00"), "h100-sxm"),
    (re.compile(r"a[18]00.*40"), "a100-40gb-sxm"),
    (re.compile(r"a[18]00"), "a100-80gb-sxm"),
    (re.compile(r"a10g"), "a10g"),
    (re.compile(r"a6000"), "a6000"),
    (re.compile(r"4090"), "rtx4090"),
    (re.compile(r"3090"), "rtx3090"),
    (re.compile(r"5090"), "rtx5090"),
    (re.compile(r"v5p"), "tpu-v5p"),
    (re.compile(r"v6e|trillium"), "tpu-v6e"),
    (re.compile(r"v5e"), "tpu-v5e"),
    (re.compile(r"trn1|trainium ?1"), "trainium1"),
    (re.compile(r"trn2|trainium ?2"), "trainium2"),
    (re.compile(r"mi300"), "mi300x"),
)


def device_of(row: Row, context: Context) -> Accelerator:
    """The device of a published run by id, else loosely by its printed name; one held below its power limit is its own
    kind.
    """
    printed = text(row, "hardware")
    try:
        device = context.accelerator(row)
    except InputError:
        matching = [id for pattern, id in _FAMILIES if pattern.search(printed.lower())]
        known = context.inventory.accelerators.get(matching[0]) if matching else None
        if known is None:
            raise
        device = known
    return replace(device, id="power limited") if _POWER.search(printed) else device


def doubt(row: Row, case: TrainingCase) -> str | None:
    """The rule by which a measured training row is doubtful, whatever we predict for it; None where none applies."""
    notes = f"{text(row, 'notes')} {text(row, 'dp_zero')}".lower()
    if "inconsistent" in notes:
        return "the source contradicts itself"
    if "tflops_per_device" in row and "taken per micro-batch" in notes:
        return "what a printed step is, is not stated"
    if "replicated" in notes or "prints the same memory as 1x" in notes:
        return "several devices, one device's peak"
    if "doubtful" in notes:
        return "peak below weights, gradients and states"
    if "tflops_per_device" not in row:
        return None  # a peak is the longest sample's, packed or not
    if "unpacked" in notes or "short/variable" in notes or "technique: baseline" in notes:
        return "samples of varying length, not packed"
    if case.workload.sequence_length <= 512:
        return "512 tokens or fewer: bound by launches"
    return None


def _scored(row: Row, metric: str, measured: float, band: Band, source: str, case: TrainingCase) -> Score:
    why = doubt(row, case)
    more = {
        "rows": "doubtful" if why else "kept",
        "stack": case.framework.id,
        "architecture": source,
    } | ({"doubtful": why} if why else {})
    return scored(row, metric, measured, band)._replace(groups=groups(row, **more))
