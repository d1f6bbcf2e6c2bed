"""One replica under its engine's own scheduler, from event to event: arrivals, prompts, finished requests, full caches.

Between two events the batch stays the same, so that its decode steps are summed in closed form.
"""

from collections import deque
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from math import ceil, inf
from typing import NamedTuple

from estimator.engines.speed_constants import Scheduler
from estimator.records import record
from estimator.serving.load.replay.step_table import StepTable
from estimator.serving.memory import ServingMemory
from estimator.serving.speed.admission import AT_ONCE
from estimator.serving.speed.step import Step


class Limits(NamedTuple):
    """The most that one replica runs or holds at once: requests, cache and step tokens."""

    sequences: int
    """Sequences that the engine runs at once."""
    cache_tokens: float = inf
    """Tokens of its cache."""

    @classmethod
    def of(cls, memory: ServingMemory, step: Step, tokens: int, room: float = inf) -> "Limits":
        """Limits of a replica whose requests have `tokens` tokens on average; `room` is how many of them it has room
        for where that is less than its devices hold (layers in host memory)."""
        dp = memory.layout.dp
        room = min(room, memory.pool_sequences(tokens) * dp)
        sequences = min(memory.slots, step.speed.max_batch * dp, room if memory.slots == inf else inf)
        return cls(sequences=max(int(sequences), 1), cache_tokens=room * tokens)


class Job:
    """One request on its way through a replica."""

    __slots__ = (
        "admitted_step",
        "arrival_s",
        "attention_s",
        "begun_s",
        "cached",
        "came_step",
        "came_work",
        "done",
        "finish_s",
        "first_token_s",
        "given",
        "number",
        "output",
        "prompt",
        "remaining",
        "sent_s",
    )

    def __init__(self, number: int, sent_s: float, prompt: int, cached: int, output: int) -> None:
        self.number, self.sent_s, self.arrival_s = number, sent_s, sent_s
        self.prompt, self.cached, self.output, self.remaining = prompt, cached, output, output
        """Tokens to compute before the first answer, those that are cached already, and tokens of the answer."""
        self.given = prompt + cached
        self.done, self.admitted_step, self.attention_s = 0, 0, 0.0
        self.came_step = self.came_work = 0.0
        """Decode steps, and steps of any kind, that the replica had taken when it came."""
        self.begun_s = self.first_token_s = self.finish_s = inf

    @property
    def context(self) -> int:
        """Tokens in the cache once the prompt is computed."""
        return self.prompt + self.cached


@record(frozen=True, slots=True)
class Span:
    """Engine steps of one kind in a row, as a replay sums them."""

    start_s: float
    step_s: float
    steps: float
    tokens: float
    """Answer tokens of each step."""
    running: int
    waiting: int
    cache_tokens: float


class Replica:
    """A replica in a replay: a clock, requests that wait, prompts in work and answers in work."""

    def __init__(
        self, table: StepTable, scheduler: Scheduler, limits: Limits, jobs: Sequence[Job], accepted: float = 1.0
    ) -> None:
        self.table, self.scheduler, self.limits, self.accepted = table, scheduler, limits, accepted
        self.admission = table.step.admission
        self.chunk_tokens = table.step.speed.prompts.chunk_tokens * table.at_once
        self.arriving = [(job.arrival_s, job.number, job) for job in jobs]
        heapify(self.arriving)
        self.waiting: deque[Job] = deque()
        self.prompts: deque[Job] = deque()
        self.running: list[tuple[float, int, Job]] = []
        """Heap by the step at which an answer ends."""
        self.clock_s, self.steps, self.used_tokens, self.context_tokens = 0.0, 0.0, 0.0, 0.0
        self.work = 0.0
        """Steps of any kind; `steps` counts those that decode."""
        self.preemptions = 0
        self.spans: list[Span] = []
        self.finished: list[Job] = []

    def arrive(self, job: Job) -> None:
        """Adds a request that comes while the replay runs."""
        heappush(self.arriving, (job.arrival_s, job.number, job))

    def advance(self) -> bool:
        """Moves the replica to its next event; False where nothing is left to do."""
        self._take_arrivals()
        if not self.running and not self.prompts and not self.waiting:
            if not self.arriving:
                return False
            self.clock_s = self.arriving[0][0]
            self._take_arrivals()
        if self.waiting and (self.scheduler.prompts != "static" or not self.running) and not self._held_steps():
            self._admit()
        if self.prompts and (self.scheduler.prompts != "chunked" or not self.running):
            self._step_of_prompts()
        elif self.prompts:
            self._mixed_step()
        else:
            self._decode()
        return True

    def _take_arrivals(self) -> None:
        while self.arriving and self.arriving[0][0] <= self.clock_s:
            job = heappop(self.arriving)[2]
            job.came_step, job.came_work = self.steps, self.work
            self.waiting.append(job)

    def _held_steps(self) -> float:
        """Decode steps for which the first who waits is left waiting yet, however much room there is."""
        if not self.running:
            return 0.0
        first, rule = self.waiting[0], self.admission
        launched = first.came_work + self.scheduler.ahead - self.work
        if rule is AT_ONCE or len(self.waiting) >= rule.enough(first.prompt):
            return max(launched, 0.0)
        held_from = first.came_step if rule.from_first else (ceil(first.came_step / rule.steps) - 1) * rule.steps
        return max(launched, held_from + rule.steps - self.steps, 0.0)

    def _admit(self) -> None:
        """Those who wait, in their order, as long as sequences and cache last; alone, anybody fits."""
        waiting, limits = self.waiting, self.limits
        budget = self.chunk_tokens
        latest = self.work - self.scheduler.ahead if self.running else self.work
        while waiting and len(self.running) + len(self.prompts) < limits.sequences and budget > 0:
            job = waiting[0]
            if job.came_work > latest:
                return
            taken = job.context + (job.remaining if self.scheduler.reserves else 0)
            busy = self.running or self.prompts
            if busy and self.used_tokens + taken > limits.cache_tokens:
                return
            waiting.popleft()
            self.used_tokens += taken
            if job.attention_s == 0.0 and job.prompt:
                job.attention_s = self.table.prompt_attention_s(job.prompt, job.cached)
            self.prompts.append(job)
            budget -= job.prompt - job.done

    def _chunks(self, budget: float) -> tuple[float, float, float, list[Job]]:
        """Rows, prompts and attention seconds of what fits a step, and the prompts that it completes."""
        rows = count = attention_s = 0.0
        complete: list[Job] = []
        for job in self.prompts:
            chunk = min(job.prompt - job.done, budget - rows)
            if chunk < 0 or (chunk == 0 and job.prompt > job.done):
                break
            before = job.done
            if not before:
                job.begun_s = self.clock_s
            job.done += int(chunk) if chunk >= 1 else job.prompt - job.done
            worked = job.done - before
            rows += worked
            if job.prompt:
                count += worked / job.prompt
                attention_s += job.attention_s * (job.done**2 - before**2) / job.prompt**2
            if job.done >= job.prompt:
                complete.append(job)
        return rows, count, attention_s, complete

    def _step_of_prompts(self) -> None:
        rows, count, attention_s, complete = self._chunks(self.chunk_tokens)
        seconds = self.table.prompts_s(rows, max(count, rows / self.chunk_tokens), attention_s) if rows else 0.0
        self._record(seconds, 1, 0.0)
        self.clock_s += seconds
        self._begin_answers(complete)

    def _mixed_step(self) -> None:
        batch = len(self.running)
        budget = max(self.chunk_tokens - batch * self.table.verified, 1.0)
        rows, count, attention_s, complete = self._chunks(budget)
        context = self.context_tokens / batch
        seconds = self.table.mixed_s(batch, context, rows, max(count, rows / self.chunk_tokens), attention_s)
        self._record(seconds, 1, batch * self.accepted)
        self._pass(seconds, 1, batch)
        self._begin_answers(complete)

    def _decode(self) -> None:
        """Steps of the same batch up to the next event."""
        batch = len(self.running)
        context = self.context_tokens / batch
        steps = max(ceil(self.running[0][0] - self.steps), 1)
        now_s = self.table.decode_s(batch, context)
        if self.waiting and (waiting := self._held_steps()):
            steps = min(steps, ceil(waiting))
        if self.arriving and self._has_room():
            steps = min(steps, max(ceil((self.arriving[0][0] - self.clock_s) / now_s), 1))
        if not self.scheduler.reserves and batch > 1:
            left = (self.limits.cache_tokens - self.used_tokens) / (batch * self.accepted)
            steps = int(min(steps, max(left, 1.0)))
        mean_s = self.table.decode_s(batch, context + (steps - 1) / 2 * self.accepted) if steps > 1 else now_s
        self._record(mean_s, steps, batch * self.accepted)
        self._pass(mean_s * steps, steps, batch)

    def _has_room(self) -> bool:
        """Whether a request that arrives is admitted at once."""
        if self.scheduler.prompts == "static" or (self.waiting and not self._held_steps()):
            return False
        first = self.arriving[0][2]
        taken = first.context + (first.remaining if self.scheduler.reserves else 0)
        return len(self.running) < self.limits.sequences and self.used_tokens + taken <= self.limits.cache_tokens

    def _pass(self, seconds: float, steps: int, batch: int) -> None:
        """Time goes by, and answers grow."""
        self.clock_s += seconds
        self.steps += steps
        grown = batch * steps * self.accepted
        self.context_tokens += grown
        if not self.scheduler.reserves:
            self.used_tokens += grown
        self._settle()

    def _settle(self) -> None:
        """Answers that are complete leave, and a full cache puts the last ones back."""
        while self.running and self.running[0][0] <= self.steps:
            job = heappop(self.running)[2]
            self._leave(job, self._written(job))
            job.finish_s = max(self.clock_s, job.first_token_s)
            self.finished.append(job)
        while self.used_tokens > self.limits.cache_tokens and len(self.running) > 1 and not self.scheduler.reserves:
            self._preempt()

    def _written(self, job: Job) -> float:
        """Tokens that a running answer has gained since its prompt was computed."""
        return (self.steps - job.admitted_step) * self.accepted

    def _leave(self, job: Job, written: float) -> None:
        self.context_tokens -= job.context + written
        self.used_tokens -= job.context + (job.remaining if self.scheduler.reserves else written)

    def _preempt(self) -> None:
        """The answer that began last gives its pages back; its prompt and what it wrote are computed again."""
        entry = max(self.running, key=lambda each: (each[2].admitted_step, each[1]))
        self.running.remove(entry)
        heapify(self.running)
        job = entry[2]
        written = self._written(job)
        self._leave(job, written)
        whole = min(int(written), job.remaining - 1)
        job.prompt, job.remaining = job.prompt + whole, job.remaining - whole
        job.done, job.attention_s = 0, 0.0
        self.waiting.appendleft(job)
        self.preemptions += 1

    def _begin_answers(self, complete: list[Job]) -> None:
        for job in complete:
            self.prompts.remove(job)
            drain_s = max(job.begun_s + self.table.alone_s(job.prompt, job.cached) - self.clock_s, 0.0)
            job.first_token_s = min(job.first_token_s, self.clock_s + drain_s)
            job.admitted_step = int(self.steps)
            self.context_tokens += job.context
            steps = ceil((job.remaining - 1) / self.accepted) + self._idle_steps(drain_s)
            heappush(self.running, (self.steps + steps, job.number, job))
        self._settle()

    def _idle_steps(self, drain_s: float) -> int:
        """Decode steps that a prompt still on its way through later pipeline stages lets pass."""
        if not drain_s:
            return 0
        batch = len(self.running) + 1
        return round(drain_s / self.table.decode_s(batch, self.context_tokens / batch))

    def _record(self, step_s: float, steps: float, tokens: float) -> None:
        self.work += steps
        self.spans.append(
            Span(
                start_s=self.clock_s,
                step_s=step_s,
                steps=steps,
                tokens=tokens,
                running=len(self.running),
                waiting=len(self.waiting) + len(self.prompts),
                cache_tokens=self.used_tokens,
            )
        )
