"""`docs/questions.md`: what users ask, the keys that answer it, the answer as a picture.

Run as `python -m scripts.questions_page`. The same table drives the tests: each question's keys are pressed in the
application, and its figures sought on the screen.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from catalog.load import load
from estimator.results import Evaluation
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from tui.app import LlmCalc
from tui.draw.cells import count_cell, hours_cell, seconds_cell
from tui.draw.figures import percent, tokens, usd
from tui.state import readings
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.session import Session

PAGE = Path(__file__).parent.parent / "docs" / "questions.md"
SIZE = (100, 30)
MOST_KEYS = 3
NAMES = {"!": "exclamation_mark", "$": "dollar_sign", "/": "slash", "]": "right_square_bracket", ".": "full_stop"}
HEAD = """# Thirty questions, and the keys that answer them

Each picture is the application after these keys, on a model that is chosen; typed values stand in quotes. The page is
made by `python -m scripts.questions_page`; a test presses the same keys.
"""


class Typed(str):
    """A value that is typed; it counts as no key."""

    __slots__ = ()


class Question(NamedTuple):
    """What is asked, on which scenario, with which keys, and what must then be on the screen."""

    number: int
    text: str
    keys: tuple[str, ...]
    shows: Callable[[Answer], Sequence[str]]
    """Words and figures, worked out from the answer."""
    scenario: Scenario = Scenario()

    @property
    def pressed(self) -> list[str]:
        """The keys that count."""
        return [key for key in self.keys if not isinstance(key, Typed)]


def _first(answer: Answer) -> Evaluation:
    assert answer.selected
    return answer.selected


def _row(answer: Answer) -> list[str]:
    """What the leaderboard shows of the selected row."""
    row = _first(answer)
    return [readings.instance(row), seconds_cell(readings.tpot(row)), percent(readings.memory_share(row))]


def _asking(**changes: object) -> Scenario:
    return replace(Scenario(), **changes)  # type: ignore[arg-type]


QUESTIONS = (
    Question(1, "How much memory, which GPU do I need for model X?", (), _row),
    Question(
        2,
        "Why does the engine run out of memory when the weights fit?",
        ("!",),
        lambda answer: ["the driver reports", "left for the KV cache", "weights"],
    ),
    Question(
        3,
        "What context fits?",
        ("x",),
        lambda answer: ["longest context", tokens(_first(answer).memory.max_context_tokens)],  # type: ignore[union-attr]
    ),
    Question(
        4,
        "What does memory utilization do?",
        ("2", "."),
        lambda answer: ["util .93", "utilization 0.93", "KV cache"],
    ),
    Question(
        5,
        "How many concurrent users can this serve?",
        ("ctrl+p", Typed("tpot 80ms"), "enter"),
        lambda answer: ["TPOT<80ms", f"{_first(answer).max_users}"],
    ),
    Question(
        6,
        "How many replicas for R requests/s within a service level?",
        ("ctrl+p", Typed("requests-per-second 20"), "enter"),
        lambda answer: ["20/s", readings.instance(_first(answer)), usd(_first(answer).cost.usd_per_month)],
    ),
    Question(
        7,
        "How many tokens/s will I get?",
        (),
        lambda answer: ["tok/s", count_cell(readings.throughput(_first(answer)))],
    ),
    Question(
        8,
        "Is the KV cache of GQA, MLA, sliding windows and hybrids right?",
        ("2",),
        lambda answer: ["B/token", "layers"],
        _asking(model="google/gemma-3-27b-it"),
    ),
    Question(
        9,
        "Does the speed of an MoE count active or all parameters?",
        ("3",),
        lambda answer: ["experts"],
        _asking(model="Qwen/Qwen3-30B-A3B"),
    ),
    Question(
        10,
        "Which quantization, and is it faster?",
        ("a",),
        lambda answer: ["int4-awq", "weight-only", "fp8 products", "TPOT"],
    ),
    Question(
        11,
        "What does an fp8 KV cache bring?",
        ("c",),
        lambda answer: ["kv fp8", "▲", f"{_first(answer).max_users}"],
    ),
    Question(
        12,
        "TP=2 or two replicas?",
        ("/", Typed("g6e.12"), "enter", "p"),
        lambda answer: ["TP4", "TP2x2", "TTFT"],
    ),
    Question(
        13,
        "Heads are not divisible by three GPUs: can I use them?",
        ("ctrl+p", Typed("tp 3"), "enter"),
        lambda answer: ["3 does not divide 64 query heads; legal: 1, 2, 4"],
    ),
    Question(14, "Which instance for 7B, 13B, 70B?", (), _row, _asking(model="13B")),
    Question(
        15,
        "How many machines for a model of 671B?",
        (),
        lambda answer: [readings.instance(_first(answer)), readings.layout(_first(answer))],
        _asking(model="deepseek-ai/DeepSeek-R1"),
    ),
    Question(
        16,
        "Run it myself, or call an API: from which volume on?",
        ("b",),
        lambda answer: [
            f"{readings.instance(_first(answer))} costs less than",
            "a month on",
            "% of what it carries",
            "even at",
        ],
    ),
    Question(
        17,
        "Spot or on-demand?",
        ("/", Typed("g6e.12"), "enter", "$"),
        lambda answer: ["spot", "low–high", "taken back"],
    ),
    Question(
        18,
        "When are reserved, savings plans and capacity blocks cheaper?",
        ("/", Typed("p5.48"), "enter", "$"),
        lambda answer: ["pays from", "h/month", "savings-3y"],
    ),
    Question(
        19,
        "What do idle hours cost, what does autoscaling save, how long is a cold start?",
        ("v",),
        lambda answer: [
            f"{usd(_first(answer).cost.usd_per_month)} at worst",
            f"autoscale 1 to {_first(answer).candidate.replicas} replicas",
            "a cold start takes",
        ],
        _asking(workload=ServingWorkload(requests_per_second=20.0)),
    ),
    Question(
        20,
        "What does it take to fine-tune with LoRA, QLoRA, or in full?",
        ("t", "w"),
        lambda answer: ["train qlora", hours_cell(readings.run_hours(_first(answer)))],
    ),
    Question(
        21,
        "How long will fine-tuning take, and what will it cost?",
        ("t",),
        lambda answer: [hours_cell(readings.run_hours(_first(answer))), usd(readings.run_cost(_first(answer)))],
    ),
    Question(
        22,
        "Why does LoRA run out of memory at long sequences?",
        ("t", "2"),
        lambda answer: ["logits", "activations"],
    ),
    Question(
        23,
        "How long a sequence can I train on?",
        ("t", "x"),
        lambda answer: ["longest sequence at this micro-batch", "sequences of"],
    ),
    Question(
        24,
        "How are max_num_seqs and max_num_batched_tokens set?",
        ("l",),
        lambda answer: ["--max-num-seqs", "vllm serve"],
    ),
    Question(
        25,
        "What can I run on the hardware that I have?",
        ("i", "enter"),
        lambda answer: [f"{_first(answer).candidate.machine} at", "longest", "users"],
    ),
    Question(
        26,
        "70B on 24 or 48 GB: which format, what context?",
        ("/", Typed("g6e.xl"), "enter", "a"),
        lambda answer: ["int4-awq", "short"],
    ),
    Question(
        27,
        "How does the length of a prompt change memory, time and cost?",
        ("]",),
        lambda answer: ["4k→512", "▲", seconds_cell(readings.tpot(_first(answer)))],
    ),
    Question(
        28,
        "Can I get the instance: quota, region, the cheapest one?",
        ("r",),
        lambda answer: ["vCPU of the quota", "us-west-2"],
    ),
    Question(
        29,
        "Inferentia and Trainium: is my model supported, is it cheaper?",
        ("/", Typed("neuron"), "enter"),
        lambda answer: [readings.instance(_first(answer)), "compiles first", "class C"],
    ),
    Question(
        30,
        "Can I trust, reproduce, script this?",
        ("3", "enter"),
        lambda answer: ["nearest measured case", "predicted"],
        _asking(placement=Placement(instance="p5.48xlarge")),
    ),
)


async def answered(question: Question, calculator: Calculator) -> tuple[str, Answer]:
    """The screen and the answer after the keys of a question."""
    app = LlmCalc(calculator, Session(scenario=question.scenario))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        for key in question.keys:
            letters = [{" ": "space", "-": "minus"}.get(each, each) for each in key]
            await pilot.press(*(letters if isinstance(key, Typed) else [NAMES.get(key, key)]))
            while app._feeder is not None and not app._feeder.done():
                await app._feeder
            await pilot.pause()
        if question.number == 25:
            await pilot.pause(2.0)  # the list grows while one looks
        strips = app.screen._compositor.render_strips()
        shown = "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
        assert app.answer
        return shown, app.answer


async def page() -> str:
    """The whole page."""
    calculator = Calculator(load())
    parts = [HEAD]
    for question in QUESTIONS:
        shown, _ = await answered(question, calculator)
        keys = " ".join(f"“{key}”" if isinstance(key, Typed) else f"`{key}`" for key in question.keys)
        parts.append(f"## {question.number}. {question.text}\n\n{keys or 'no key'}\n\n```text\n{shown}\n```\n")
    return "\n".join(parts)


def main() -> int:
    PAGE.write_text(asyncio.run(page()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
