"""Figures of the memory, performance and compare pages on the selected row with what each means, for the help."""

from collections.abc import Mapping
from typing import NamedTuple

from estimator.errors import InputError
from estimator.results import Band, Evaluation
from tui.draw.bars import HATCHES
from tui.draw.cells import seconds_cell
from tui.draw.figures import duration, number, size, span, usd
from tui.pages.comparison import lines_for
from tui.pages.facts import bench_of, memory_facts
from tui.pages.training import STYLES
from tui.state.answer import Answer
from tui.state.pins import LETTERS


class Explained(NamedTuple):
    """One thing on a page explained: how it is written there, what it reads on the row, what it means."""

    name: str
    value: str
    meaning: str


SERVING_PARTS = {
    "weights": "weights of the model on one device",
    "KV cache": "what this load holds of the pool of the KV cache",
    "activations": "activations of the largest step, as the engine reserves them",
    "runtime": "context of the driver, libraries and communication",
    "CUDA graphs": "recorded decode steps",
    "reserve": "what the engine leaves alone",
    "free for KV": "what is left of the pool for more requests",
}
TRAINING_PARTS = {
    "weights": "the model's own weights, frozen or trained",
    "gradients": "one of each trained weight",
    "optimizer": "states and master weights of the optimizer",
    "adapters": "LoRA weights with their gradients and states",
    "activations": "what the backward pass needs of the forward pass",
    "logits": "scores of the vocabulary and their gradients",
    "gathered": "layers that sharding gathers for a moment",
    "overhead": "context of the driver, libraries and communication",
}


def memory_figures(answer: Answer, row: Evaluation) -> list[Explained]:
    """Every part of one device's memory with its hatch, its size, and what it is."""
    if row.training:
        parts = [(each.name, each.value, STYLES.get(each.name, "overhead")) for each in row.training.memory.parts]
        return _parts(parts, TRAINING_PARTS)
    if row.memory is None:
        return []
    return _parts(
        [(each.name, each.value, each.style) for each in memory_facts(answer, row).usage.shares], SERVING_PARTS
    )


def _parts(parts: list[tuple[str, float, str]], meanings: Mapping[str, str]) -> list[Explained]:
    return [Explained(f"{HATCHES[style]} {name}", size(value), meanings.get(name, "")) for name, value, style in parts]


def speed_figures(answer: Answer, row: Evaluation) -> list[Explained]:
    """The headline figures of the performance page and the ridge of its roof; of a run, its step, pace and cost."""
    run, speed = row.training, row.performance
    if run:
        shown = [
            Explained("step", _banded(duration(run.step_s.typical), run.step_s), "seconds of one optimizer step"),
            Explained(
                "speed", _banded(f"{number(run.tokens_per_s.typical)}/s", run.tokens_per_s), "tokens of all devices"
            ),
            Explained("MFU", f"{run.mfu:.1%}", "useful FLOP/s over the 16-bit peak of the devices"),
            Explained(
                "run", _banded(duration(run.hours.typical * 3600), run.hours), "all steps, start-up, checkpoints"
            ),
        ]
        cost = [Explained("cost", _banded(usd(run.usd.typical), run.usd), "of the whole run")] if run.usd else []
        return [*shown, *cost]
    if speed is None:
        return []
    step = bench_of(answer, row).step
    ridge = step.peak_flops_per_s / step.peak_bytes_per_s
    return [
        Explained(
            "TTFT", _banded(duration(speed.ttft_s.typical), speed.ttft_s), "time to the first token; its bars add up"
        ),
        Explained(
            "TPOT", _banded(duration(speed.tpot_s.typical), speed.tpot_s), "time per further token; its bars add up"
        ),
        Explained("ridge", f"{ridge:,.0f} FLOP/byte", "left of it memory limits, right of it arithmetic"),
    ]


def _banded(text: str, band: Band) -> str:
    return f"{text} {span(band, seconds_cell)}".strip()


def compared_figures(answer: Answer) -> list[Explained]:
    """Every line of the comparison with the baseline's figure, and which way is better."""
    if not answer.session.pins or answer.pinned is None:
        return []
    try:
        known = [answer.pinned(answer.session.pins[0])]
    except (InputError, KeyError):  # a pin that can not be asked any more
        return []
    better = {"low": "less is better", "high": "more is better", "": ""}
    return [
        Explained(
            line.title,
            f"{LETTERS[0]} {line.text(known[0])}",
            ", ".join(filter(None, (line.group, better[line.better]))),
        )
        for line in lines_for(known)
    ]
