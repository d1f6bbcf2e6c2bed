"""Prompts that come at random to a running batch: they come in spells, and answers are slow while one lasts."""

from math import ceil, exp
from typing import NamedTuple

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import OperatingPoint, prompts_in_a_step
from estimator.serving.speed.step import Step

HIGHEST_LOAD = 0.98
"""Share of the time that a server is busy beyond which its queue has no steady length (guess)."""
BATCH_ROUNDS = 3
"""Corrections of how many prompts one step computes and how long each takes; the last moves neither by a hundredth."""


class Queue(NamedTuple):
    """Who waits, and how long."""

    share: float = 0.0
    """Share of the requests that wait in it."""
    wait_s: float = 0.0
    """Mean wait of those."""

    @property
    def mean_s(self) -> float:
        """Mean wait of all requests."""
        return self.share * self.wait_s


class Seen(NamedTuple):
    """What requests that come at random see of prompts."""

    tpot_s: float
    load: float = 0.0
    """Share of the time in which prompts are computed, and of the requests that find one at work."""
    wait_s: float = 0.0
    """Mean wait of these for other prompts."""
    lost_s: float = 0.0
    """What spells of prompts add to an answer beyond its share of all prompts, in the mean over all."""

    @property
    def prompts(self) -> Queue:
        """Who waits for other prompts."""
        return Queue(self.load, self.wait_s)

    @property
    def caught(self) -> Queue:
        """Who begins an answer while prompts wait, and what that adds to it."""
        return Queue(self.load, self.lost_s / self.load) if self.load else Queue()


class Spells:
    """Prompts at one replica, at some rate: how long they wait, and what they take from answers in work.

    An answer that lasts much longer than a spell of prompts has its share of all of them: its tokens take d / (1 - load
    of prompts). A shorter one lies within a spell or between two, and most begin within one, as a prompt ends there.
    With r the time that prompts wait, f the share of tokens computed meanwhile and k the tokens after which an answer
    forgets how it began, tokens number n take r - f after the first and as much less as exp(-n / k) says.
    """

    def __init__(
        self,
        step: Step,
        workload: ServingWorkload,
        requests_per_s: float,
        one: OperatingPoint,
        full: OperatingPoint,
        variation: float,
    ) -> None:
        """Of `requests_per_s` prompts, whose lengths have a `variation` over their mean, at a replica that is timed
        with one answer and with all that it holds."""
        self.requests_per_s, self.chunked = requests_per_s, step.speed.scheduler.chunked
        self.new, self.verified = workload.uncached_tokens[0], 1 + workload.draft_tokens
        self.decodes = workload.output_tokens > 1  # else no step decodes others
        self.accepted, self.steps = workload.tokens_per_step, workload.output_tokens / workload.tokens_per_step
        self.most = prompts_in_a_step(step, self.new) if self.new else 1.0
        self.scatter = 1 / workload.burstiness + variation**2
        together = max(min(1 + (full.concurrency - 1) / workload.output_tokens, self.most), 1.0)
        self.alone_s = one.prompt_s
        self.fixed_s = (one.prompt_s - full.prompt_s) / (1 - 1 / together) if together > 1 else 0.0
        """Part of a prompt's time that all prompts of one step share."""

    def chunks(self, number: float) -> float:
        """Steps for which one prompt lasts beside a number of answers in work, where it rides along with these."""
        return 1 / max(self.most - number * self.verified / self.new, 1 / self.new) if self.new else 0.0

    def seen(self, number: float, decode_s: float, prompt_s: float) -> Seen:
        """What requests see among `number` answers in work, whose tokens take `decode_s` each without prompts and whose
        prompts `prompt_s`."""
        rate, decode_s = self.requests_per_s, decode_s * self.accepted
        if not self.new:
            return Seen(decode_s / self.accepted)
        if self.chunked:
            chunks = self.chunks(number)
            busy_s = prompt_s + chunks * decode_s * self.decodes
        else:
            busy_s = prompt_s = self._in_turn_s(decode_s)
        load = min(rate * busy_s, HIGHEST_LOAD)
        wait_s = busy_s * self.scatter / (2 * (1 - load))
        spell_s = (load + rate * load * wait_s) * busy_s / (1 - load)  # from the end of a prompt
        lost_s = spell_s
        if self.chunked:
            longer_s = prompt_s / chunks
            slow = load * decode_s
            slow /= slow + (1 - load) * (decode_s + longer_s)
            forgotten = 1 / (load * (decode_s + longer_s) / spell_s + rate * decode_s)
            lost_s = longer_s * (load - slow) * forgotten * (1 - exp(-self.steps / forgotten))
        token_s = decode_s / (1 - min(rate * prompt_s, HIGHEST_LOAD)) + lost_s / self.steps
        return Seen(token_s / self.accepted, load=load, wait_s=wait_s, lost_s=lost_s)

    def _in_turn_s(self, decode_s: float) -> float:
        """Engine time of a prompt where those that came during one step, be it of prompts or of answers, are computed
        in the next."""
        prompt_s = self.alone_s - self.fixed_s / 2
        for _ in range(BATCH_ROUNDS):  # each overshoots
            load = min(self.requests_per_s * prompt_s, HIGHEST_LOAD)
            together = (1 + self.requests_per_s * (1 - load) * decode_s) / (1 - load**2)
            following = self.alone_s - self.fixed_s * (1 - 1 / min(together, max(self.most, 1.0)))
            prompt_s = (prompt_s + following) / 2
        return prompt_s

    def among(self, point: OperatingPoint, seen: Seen, overhead_s: float, output_tokens: int) -> OperatingPoint:
        """A point of so many answers in work as requests that come at random see it."""
        wait_s = seen.prompts.mean_s
        ttft_s = self._prompt_s(point, seen) + wait_s + overhead_s + seen.tpot_s / 2
        return point._replace(
            ttft_s=ttft_s,
            tpot_s=seen.tpot_s,
            request_s=ttft_s + (output_tokens - 1) * seen.tpot_s,
            requests_per_s=min(self.requests_per_s, point.requests_per_s),
            prompt_wait_s=wait_s,
        )

    def _prompt_s(self, point: OperatingPoint, seen: Seen) -> float:
        """Seconds of a prompt in steps that decode others, where there are any, and beside the prompts that came with
        it; never less than alone."""
        if not (self.chunked and self.new and self.decodes):
            return point.prompt_alone_s
        chunks = self.chunks(point.concurrency)
        companions = min(self.requests_per_s * seen.tpot_s * self.accepted, max(1 / chunks - 1, 0.0))
        riding_s = ceil(chunks) * point.decode_step_s * self.accepted + point.prompt_s * (1 + companions)
        busy = 1 - exp(-self.requests_per_s * seen.tpot_s * self.steps * self.accepted)
        return point.prompt_alone_s + busy * max(riding_s - point.prompt_alone_s, 0.0)
