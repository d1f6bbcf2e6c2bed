"""Chips of the header: every input that is not default. No hidden state, and one key drops the last one."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, NamedTuple

from estimator.printable import without_controls
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_workload import TrainingWorkload
from estimator.units import quantity
from tui.draw.figures import tokens
from tui.options.options import BOUNDS, OPTIONS, Option, bound_text
from tui.state.readings import own_points


class Chip(NamedTuple):
    """One input that is not default: how the header names it, and the scenario without it."""

    text: str
    without: Scenario


IN_HEADER = frozenset(
    {
        "model",
        "weights",
        "kv",
        "preset",
        "input-tokens",
        "output-tokens",
        "concurrency",
        "requests-per-second",
        "train",
        "optimizer",
        "lora-rank",
        "sequence-length",
        "global-batch",
        "dataset-tokens",
        "epochs",
    }
)
"""Options that the header always shows in words of their own."""
LAYOUT = ("tp", "pp", "ep", "dp")
LAST = ("region", "price-terms")
"""Where and on which terms stands last in the header, so its chips are the first to be dropped."""
TEXTS: dict[str, Callable[[Any], str]] = {
    "ttft": lambda value: f"TTFT<{value}",
    "tpot": lambda value: f"TPOT<{value}",
    "latency": lambda value: f"request<{value}",
    "traffic": str,
    "trace": lambda value: f"trace {value.path.rpartition('/')[2]}",
    "requests": lambda value: quantity(value, "request"),
    "burstiness": lambda value: f"burstiness {value:g}",
    "lengths": lambda value: f"{value} lengths",
    "prefix-cache-hit": lambda value: f"{value:.0%} cached",
    "images": lambda value: f"images {value}",
    "audio": lambda value: f"{value:g}s of sound",
    "draft-tokens": lambda value: f"draft {value}",
    "draft-model": lambda value: f"{value.rpartition('/')[2]} drafts",
    "accepted-tokens": lambda value: f"{value:g} a step",
    "length-variation": lambda value: f"lengths ±{value:.0%}",
    "prefill-replicas": lambda value: f"{value} prefill only",
    "engine": str,
    "memory-utilization": lambda value: f"util {value:g}".replace("0.", "."),
    "max-model-len": lambda value: f"len {tokens(value)}",
    "max-num-seqs": lambda value: f"seqs {value}",
    "max-num-batched-tokens": lambda value: f"chunk {tokens(value)}",
    "admission-steps": lambda value: f"admits in {value}",
    "decode-context-parallel": lambda value: f"dcp {value}",
    "prefix-caching": lambda value: "prefixes kept" if value else "no prefixes",
    "enforce-eager": lambda value: "eager" if value else "graphs",
    "kv-on-host": lambda value: "KV on the host" if value else "KV on devices",
    "compile-cache": lambda value: f"{value} compile cache",
    "sampling": lambda value: f"{value} sampling",
    "instance": lambda value: f"only {value}",
    "machines": lambda value: quantity(value, "machine"),
    "spare": lambda value: f"N+{value}",
    "most-machines": lambda value: f"at most {quantity(value, 'machine')}",
    "accelerator": lambda value: f"only {value}",
    "count": lambda value: quantity(value, "accelerator"),
    "usable-memory": lambda value: f"{value:g} GiB a device",
    "host-memory": lambda value: f"{value:g} GiB host",
    "region": str,
    "price-terms": str,
    "deployment": str,
    "usd-per-gpu-hour": lambda value: f"${value:g}/GPU-hour",
    "hardware-usd": lambda value: f"${value:,.0f} each",
    "host-usd": lambda value: f"host ${value:,.0f}",
    "host-watts": lambda value: f"host {value:g} W",
    "pue": lambda value: f"PUE {value:g}",
    "utilization": lambda value: f"{value:.0%} in use",
    "amortization-years": lambda value: f"{value:g} years",
    "usd-per-kwh": lambda value: f"${value:g}/kWh",
    "power-limit-watts": lambda value: f"{value:g} W",
    "micro-batch": lambda value: f"micro-batch {value}",
    "lora-targets": lambda value: f"on {value}",
    "packing": lambda value: "packed" if value else "not packed",
    "mean-tokens": lambda value: f"{quantity(value, 'token')} a sample",
    "train-embeddings": lambda value: "with embeddings" if value else "no embeddings",
    "optimizer-in-backward": lambda value: "optimizer in backward" if value else "optimizer after backward",
}
"""How an option's value reads as a chip; the others read `name value`."""


def chips(scenario: Scenario, apart_from: Collection[str] = ()) -> list[Chip]:
    """Every input that differs from the default scenario's, in the order of the header, without the options that are
    said elsewhere.
    """
    plain = Scenario(training=TrainingWorkload() if scenario.training else None)
    asked = {name: option for name, option in OPTIONS.items() if name not in apart_from}
    by_option = {name: chip for name, option in asked.items() if (chip := _chip(scenario, plain, option))}
    layout = {name: by_option.pop(name) for name in LAYOUT if name in by_option}
    shown = [by_option[name] for name in by_option if name not in LAST]
    if layout:
        unset: dict[str, Any] = dict.fromkeys(layout)
        placement = replace(scenario.placement, **unset)
        text = "·".join(f"{name.upper()}{getattr(scenario.placement, name)}" for name in layout)
        shown.append(Chip(text, replace(scenario, placement=placement)))
    if points := own_points(scenario):
        shown.append(Chip(points, replace(scenario, calibrations=())))
    rented = scenario.deployment == "cloud"  # hardware of one's own has neither region nor terms
    return shown + [by_option[name] for name in LAST if rented and name in by_option]


def _chip(scenario: Scenario, plain: Scenario, option: Option) -> Chip | None:
    """The chip of one option; None where it is default, does not apply, or is shown anyway."""
    section, dot, attribute = option.field.rpartition(".")
    owner: Any = getattr(scenario, section) if dot else scenario
    usual: Any = getattr(plain, section) if dot else plain
    if option.name in IN_HEADER or owner is None or not attribute or _is_said_by_another(scenario, option.name):
        return None
    value = getattr(owner, attribute)
    changed: dict[str, Any] = {attribute: getattr(usual, attribute)}
    if option.name == "engine":
        value = f"{value}@{scenario.engine_version}" if scenario.engine_version else value
        changed["engine_version"] = None
    if option.name == "trace":
        changed["traffic"] = None
    if option.name in BOUNDS and value is not None:
        value = bound_text(value, getattr(owner, f"{option.name}_percentile"))
        changed[f"{option.name}_percentile"] = None
    if value == getattr(usual, attribute):
        return None
    text = TEXTS.get(option.name, lambda value: f"{option.name.replace('-', ' ')} {value}")(value)
    without: Any = replace(owner, **changed)
    return Chip(without_controls(text), replace(scenario, **{section: without}) if dot else without)


def _is_said_by_another(scenario: Scenario, name: str) -> bool:
    """Whether a chip beside it or the load says an option as well: a trace its traffic, a burst its requests."""
    kind = scenario.workload.kind
    return (name == "traffic" and kind == "trace") or (name == "requests" and kind == "burst")
