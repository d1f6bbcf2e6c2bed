"""The form's fields: every scenario option with its text, its choices and its steps."""

from dataclasses import replace
from typing import Any, NamedTuple

from estimator.checks import Rule, rules
from estimator.models.formats import CACHE_FORMATS, WEIGHT_FORMATS
from estimator.scenario.inventory import Inventory
from estimator.scenario.presets import PRESETS
from estimator.scenario.scenario import Scenario
from estimator.scenario.training_presets import TRAINING_PRESETS
from tui.options.options import GROUPS, NUMBERS, SERVING_ONLY, Option, bound_text, with_option

UNSET = {
    "model": "",
    "images": "none",
    "audio": "none",
    "engine": "the newest",
    "requests-per-second": "users held",
    "requests": "for ever",
    "trace": "none",
    "draft-model": "its own modules",
    "accepted-tokens": "as measured",
    "ttft": "any",
    "tpot": "any",
    "latency": "any",
    "memory-utilization": "engine's own",
    "max-model-len": "the model's",
    "max-num-seqs": "engine's own",
    "max-num-batched-tokens": "engine's own",
    "admission-steps": "1",
    "decode-context-parallel": "off",
    "enforce-eager": "no",
    "prefix-caching": "engine's own",
    "compile-cache": "cold",
    "kv-on-host": "no",
    "lora": "none",
    "sampling": "greedy",
    "precision": "stack's own",
    "loss": "stack's own",
    "usd-per-gpu-hour": "the catalogue's",
    "hardware-usd": "street price",
    "power-limit-watts": "datasheet's",
    "usable-memory": "the driver's",
    "host-memory": "the machine's",
    "train": "off: serving",
    "preset": "own",
}
"""What an empty field means; the others leave it to the ranking."""
STEPS = {
    "prefix-cache-hit": 0.05,
    "length-variation": 0.1,
    "memory-utilization": 0.01,
    "usd-per-kwh": 0.01,
    "host-usd": 500.0,
    "host-watts": 50.0,
    "pue": 0.05,
    "utilization": 0.05,
}
"""Shares, small prices and what begins at 0 move by a difference; the others double and halve."""
STARTS = {
    "accepted-tokens": 2.0,
    "requests-per-second": 1.0,
    "requests": 100,
    "ttft": 1.0,
    "tpot": 0.05,
    "latency": 20.0,
    "memory-utilization": 0.9,
    "audio": 30.0,
    "max-model-len": 8192,
    "max-num-seqs": 256,
    "max-num-batched-tokens": 8192,
    "machines": 1,
    "count": 1,
    "tp": 1,
    "pp": 1,
    "ep": 1,
    "dp": 1,
    "usd-per-gpu-hour": 2.0,
    "hardware-usd": 10_000.0,
    "power-limit-watts": 300.0,
    "usable-memory": 16.0,
    "host-memory": 64.0,
}
"""Where an empty number begins when it is stepped."""


OWNED = frozenset(
    {
        "hardware-usd",
        "host-usd",
        "amortization-years",
        "usd-per-kwh",
        "host-watts",
        "pue",
        "utilization",
        "power-limit-watts",
    }
)
"""Options that only owned hardware has."""
DRAFTING = frozenset({"accepted-tokens", "draft-model"})
"""Options that only drafts have."""
OF_AN_ENGINE = frozenset({"weights", "kv", "engine"})
"""Options of what serves a model; a run has a framework, and a format of its frozen base."""
STATED_MEMORY = frozenset({"usable-memory", "host-memory"})
"""Options about the machine that is named."""


class Field(NamedTuple):
    """One field of the workload form: its option, its text, its choices and its steps."""

    option: Option
    text: str
    """As it would be typed; empty where unset."""
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.option.name

    @property
    def is_number(self) -> bool:
        return self.option.metavar in NUMBERS

    @property
    def shown(self) -> str:
        """The text that the form shows: the value, a model without its organisation, or what an empty field means."""
        return self.text.rpartition("/")[2] or UNSET.get(self.name, "any")


class Section(NamedTuple):
    title: str
    fields: tuple[Field, ...]


def sections(scenario: Scenario, inventory: Inventory) -> tuple[Section, ...]:
    """The form of a scenario: groups that apply, with what each field holds."""
    groups = []
    for group in GROUPS:
        options = [option for option in group.options if _applies(option, scenario)]
        fields = tuple(Field(option, _text(scenario, option), _choices(option, inventory)) for option in options)
        if fields:
            groups.append(Section(group.title, fields))
    return tuple(groups)


def _applies(option: Option, scenario: Scenario) -> bool:
    """Whether a field can matter: a run's settings without a run, a price per kWh in the cloud can not."""
    if scenario.training and option.name in SERVING_ONLY | OF_AN_ENGINE:
        return False
    if option.name in OWNED:
        return scenario.deployment != "cloud"
    if option.name in STATED_MEMORY:
        return bool(scenario.placement.accelerator or scenario.placement.instance)
    if option.name == "burstiness":
        return scenario.workload.requests_per_second is not None and scenario.workload.kind != "trace"
    if option.name in DRAFTING:
        return scenario.workload.draft_tokens > 0
    return not option.field.startswith("training.") or option.name == "train" or scenario.training is not None


def typed(scenario: Scenario, name: str, text: str) -> Scenario:
    """The scenario with what was typed into a field. Raises InputError with the reason where it is refused."""
    text = text.strip()
    if text == UNSET.get(name, "any"):
        text = ""  # what an empty field shows is what it means
    if name == "train" and not text:
        return replace(scenario, training=None)
    if name == "preset" and not text:
        return scenario  # what it filled in is the scenario's own
    if name == "draft-tokens" and text in ("", "0"):
        workload = replace(scenario.workload, draft_tokens=0, draft_model=None, accepted_tokens=None)
        return replace(scenario, workload=workload)
    if name == "traffic":
        kind = text or "closed"
        return with_option(_ready_for(scenario, kind), name, None if kind in ("closed", "rate") else kind)
    if not text:
        return with_option(scenario, name, None)
    return with_option(scenario, name, text)


def _ready_for(scenario: Scenario, kind: str) -> Scenario:
    """The scenario with the numbers that a traffic can not do without, and without those that it can not have."""
    workload = scenario.workload
    if kind == "closed":
        workload = replace(workload, requests_per_second=None)
    if kind == "rate":
        workload = replace(workload, requests_per_second=workload.requests_per_second or STARTS["requests-per-second"])
    if kind == "burst":
        workload = replace(workload, requests=workload.requests or int(STARTS["requests"]))
    return replace(scenario, workload=workload)


def stepped(scenario: Scenario, field: Field, by: int) -> Scenario:
    """The scenario with a field one choice on, twice or half, or a small difference up or down. Raises InputError."""
    if field.choices:
        now = field.text or UNSET.get(field.name, "")
        at = field.choices.index(now) + by if now in field.choices else (0 if by > 0 else -1)
        return typed(scenario, field.name, field.choices[at % len(field.choices)])
    rule = _rule(scenario, field.option)
    if rule is None or rule.type not in (int, float):
        return scenario
    if not field.text:
        return with_option(scenario, field.name, STARTS.get(field.name, 1))
    value = _value(scenario, field.option)
    if field.name in STEPS:
        moved = round(value + by * STEPS[field.name], 4)
        return with_option(scenario, field.name, moved if rule.complaint(moved) is None else value)
    if rule.type is int:
        value = max(value * 2, 1) if by > 0 else value // 2 if rule.complaint(value // 2) is None else value
    else:
        value = value * 2 if by > 0 else value / 2
    return with_option(scenario, field.name, value)


def _value(scenario: Scenario, option: Option) -> Any:
    """What the scenario holds for an option; None where it is unset."""
    section, dot, attribute = option.field.rpartition(".")
    owner = getattr(scenario, section) if dot else scenario
    return getattr(owner, attribute, None) if attribute else None


def _rule(scenario: Scenario, option: Option) -> Rule | None:
    section, dot, attribute = option.field.rpartition(".")
    owner: Any = getattr(scenario, section) if dot else scenario
    kind: Any = type(owner)
    return rules(kind).get(attribute) if attribute and owner is not None else None


def _text(scenario: Scenario, option: Option) -> str:
    if option.name == "preset":
        own = [each.name for each in PRESETS if each.describes(scenario)]
        own += [each.name for each in TRAINING_PRESETS if each.describes(scenario)]
        return own[-1] if own else ""
    if option.name == "traffic":
        return scenario.workload.kind
    value = _value(scenario, option)
    if value is None:
        return ""
    if option.name == "engine" and scenario.engine_version:
        return f"{value}@{scenario.engine_version}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if option.seconds:
        return bound_text(value, getattr(scenario.service_level, f"{option.name}_percentile"))
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.15g}" if isinstance(value, float) else str(value)


def _choices(option: Option, inventory: Inventory) -> tuple[str, ...]:
    if option.metavar == "BOOL":
        return ("no", "yes")
    match option.name:
        case "preset":
            return tuple(each.name for each in (*PRESETS, *TRAINING_PRESETS))
        case "weights":
            return tuple(WEIGHT_FORMATS)
        case "kv":
            return tuple(CACHE_FORMATS)
        case "engine":
            return tuple(dict.fromkeys(profile.id for profile in inventory.engines))
        case "framework" if inventory.training:
            return tuple(inventory.training.frameworks)
        case "traffic":
            return tuple(kind for kind in option.choices if kind != "trace")  # the field beside it names the file
    return option.choices
