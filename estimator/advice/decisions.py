"""What articles advise by stage and by use, beside what today's figures say."""

from collections.abc import Sequence
from dataclasses import field

from estimator.errors import unknown_name
from estimator.records import record
from estimator.results import Evaluation, MemoryReport
from estimator.scenario.workload import ServingWorkload


@record(frozen=True, slots=True)
class Tier:
    """A stage of growth, up to a number of requests a day."""

    requests_per_day: int | None
    """Upper end; None has none."""
    says: str
    instances: tuple[str, ...]
    terms: str


@record(frozen=True, slots=True)
class UseCase:
    """An application: the preset that asks like it, and a model of the size it takes."""

    preset: str
    model: str
    says: str
    """What the article names for it."""
    why: str


@record(frozen=True, slots=True)
class Decisions:
    """The rules of choice that published articles give, by stage of growth and by use case."""

    tiers: dict[str, Tier] = field(default_factory=dict)
    """In ascending order."""
    use_cases: dict[str, UseCase] = field(default_factory=dict)
    source: str = ""
    as_of: str = ""

    def tier(self, requests_per_day: float) -> tuple[str, Tier]:
        """The stage of growth of a number of requests a day, with its name."""
        for name, tier in self.tiers.items():
            if tier.requests_per_day is None or requests_per_day < tier.requests_per_day:
                return name, tier
        return list(self.tiers.items())[-1]

    def use_case(self, name: str) -> UseCase:
        """The use case of a name. Raises InputError with the names there are."""
        if name not in self.use_cases:
            raise unknown_name("use-case", f"unknown {name!r}", name, self.use_cases)
        return self.use_cases[name]


def contradiction(named: Sequence[str], rows: Sequence[Evaluation]) -> str:
    """Where today's figures differ from the machines that an article names; empty where they agree.

    `rows` are a whole board in its order: what answers what is asked comes first.
    """
    answering = [row for row in rows if row.verdict == "fits" and row.holds_load and row.meets_service_level]
    if not answering:
        return "no single machine carries this load within its level: plan a fleet"
    best = answering[0]
    if best.candidate.machine in named:
        return ""
    known = {row.candidate.machine: row for row in rows}
    texts = []
    for name in named:
        row = known.get(name)
        own, least = (each.cost.usd_per_1m_tokens if each else None for each in (row, best))
        if row is None or row.verdict != "fits":
            texts.append(f"{name}: {row.reason if row and row.reason else 'not offered here'}")
        elif row not in answering:
            texts.append(f"{name} misses the load or its level")
        elif own and least:
            texts.append(f"{name} costs {own.typical / least.typical:.1f} times as much a token")
    return f"today {best.candidate.machine} answers for less; " + ", ".join(texts)


def needed_memory_bytes(row: Evaluation, workload: ServingWorkload) -> float | None:
    """Accelerator memory that one replica needs for its share of the load: weights, working memory of each device, and
    the cache of its requests [bytes]; None without a memory report.
    """
    memory = row.memory
    if memory is None:
        return None
    devices = row.candidate.layout.devices
    replicas = max(row.candidate.replicas, 1)
    requests = row.performance.concurrency if row.performance else workload.concurrency / replicas
    cache = memory.request_bytes * requests / memory.attention_copies if memory.host_cache_bytes is None else 0.0
    return devices * (_fixed_bytes(memory) + cache)


def _fixed_bytes(memory: MemoryReport) -> float:
    return memory.weights_bytes + memory.activation_bytes + memory.runtime_bytes + memory.cuda_graph_bytes
