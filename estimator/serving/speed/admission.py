"""When an engine begins requests that wait, while it decodes others: at its next step, or some steps later."""

from math import inf
from typing import NamedTuple

from estimator.engines.profiles import EngineProfile
from estimator.layout import Layout
from estimator.scenario.scenario import EngineSettings

HELD_SHARE = 0.8
"""Share of a step's tokens from which on prompts are held back no longer (batch_wait_max_tokens_ratio of the published
recipes for TensorRT-LLM, 0.8 to 0.9: github.com/SemiAnalysisAI/InferenceX)."""


class Admission(NamedTuple):
    """Decode steps for which an engine may leave requests waiting that it has room for.

    SGLang looks for new requests once in so many steps (srt/managers/scheduler_recv_skipper.py). TensorRT-LLM holds
    prompts back for so many steps, counted from the first of them, or until they fill a step; its attention replicas
    wait for each other instead, for a turn of so many steps or until each has a prompt (pyexecutor/scheduler).
    """

    steps: float = 1.0
    """Steps after which they are begun at the latest; 1 is the next one."""
    from_first: bool = False
    """Whether steps are counted from the first who waits, and not in turns that go on."""
    tokens: float = inf
    """Tokens of prompts that are begun at once."""
    prompts: float = inf
    """Number of prompts that are begun at once."""

    def enough(self, new: float) -> float:
        """Number of waiting prompts of `new` tokens that are begun at once."""
        return max(min(self.prompts, self.tokens / new if new else inf), 1.0)

    def waiting_steps(self, per_step: float, new: float) -> float:
        """Steps that a mean request waits, of which `per_step` with `new` tokens to compute come in a step; what is
        left of a running step not counted.
        """
        enough = self.enough(new)
        if not self.from_first:
            return (max(min(self.steps, enough / per_step), 1.0) - 1) / 2
        longest = min(self.steps, (enough - 1) / per_step)
        others = per_step * longest  # who comes while the first is held back waits for half as long
        return longest * (1 + others / 2) / (1 + others)


AT_ONCE = Admission()


def admission(engine: EngineProfile, settings: EngineSettings, layout: Layout, step_tokens: int) -> Admission:
    """When an engine whose steps take up to `step_tokens` prompt tokens begins requests, as its settings ask."""
    steps = settings.admission_steps or 1
    if steps == 1 or not engine.admission:
        return AT_ONCE
    if engine.admission == "polled":
        return Admission(steps)
    if layout.dp > 1:
        return Admission(steps, prompts=layout.dp)
    return Admission(steps, from_first=True, tokens=HELD_SHARE * step_tokens)
