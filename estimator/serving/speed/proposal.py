"""Seconds in which drafts are proposed: a pass for each of them, or one for a whole block."""

from typing import NamedTuple

from estimator.serving.speed.step import Step


class Proposal(NamedTuple):
    """What proposes tokens to verify, on the ranks of one pipeline stage."""

    step: Step
    """A step of the drafter, without its host time."""
    block: bool = False
    """Whether one pass fills a block of masked tokens (DFlash), or each token takes a pass of its own."""

    def seconds(self, sequences: float, context: float, drafts: int, launch_s: float) -> float:
        """Seconds of proposing `drafts` tokens for each of `sequences` sequences at `context` tokens, of one attention
        replica; every pass is launched and sampled in `launch_s`.
        """
        step = self.step
        together = sequences * step.layout.dp
        if not self.block:
            return drafts * (step.step_s(together, context) + launch_s)
        filled = step.step_s(0, 0.0, new=drafts + 1, cached=int(context), prompts=together)
        head = step.operators.head
        return filled + head.seconds(sequences * (drafts + 1)) - head.seconds(sequences) + launch_s
