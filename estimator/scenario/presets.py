"""Presets: what typical applications ask of a server. They fill the workload and the service level, nothing else."""

from dataclasses import replace
from typing import NamedTuple

from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload


class Preset(NamedTuple):
    """A named workload with the service level its users expect."""

    name: str
    title: str
    workload: ServingWorkload
    service_level: ServiceLevel

    def applied_to(self, scenario: Scenario) -> Scenario:
        """The scenario serving this preset's workload; model, formats, engine and place stay."""
        return replace(scenario, workload=self.workload, service_level=self.service_level, training=None)

    def describes(self, scenario: Scenario) -> bool:
        """Whether a scenario still asks exactly what this preset does."""
        question = scenario.workload, scenario.service_level
        return scenario.training is None and question == (self.workload, self.service_level)


PRESETS = (
    Preset(
        name="chatbot",
        title="short turns over a shared system prompt",
        workload=ServingWorkload(input_tokens=1024, output_tokens=256, concurrency=32, prefix_cache_hit=0.5),
        service_level=ServiceLevel(ttft_s=1.0, tpot_s=0.05),
    ),
    Preset(
        name="rag",
        title="long retrieved passages, a short answer",
        workload=ServingWorkload(input_tokens=8192, output_tokens=512, concurrency=16, prefix_cache_hit=0.2),
        service_level=ServiceLevel(ttft_s=3.0, tpot_s=0.06),
    ),
    Preset(
        name="content-generation",
        title="a short brief, a long text",
        workload=ServingWorkload(input_tokens=512, output_tokens=2048, concurrency=16),
        service_level=ServiceLevel(ttft_s=3.0, tpot_s=0.08),
    ),
    Preset(
        name="code-assistant",
        title="the files around the cursor, a quick completion",
        workload=ServingWorkload(input_tokens=4096, output_tokens=256, concurrency=32, prefix_cache_hit=0.6),
        service_level=ServiceLevel(ttft_s=0.5, tpot_s=0.025),
    ),
    Preset(
        name="batch",
        title="offline work, throughput alone counts",
        workload=ServingWorkload(input_tokens=2048, output_tokens=512, concurrency=256),
        service_level=ServiceLevel(),
    ),
    Preset(
        name="agent",
        title="a growing history of tool calls, mostly cached",
        workload=ServingWorkload(input_tokens=16_384, output_tokens=512, concurrency=16, prefix_cache_hit=0.8),
        service_level=ServiceLevel(ttft_s=2.0, tpot_s=0.04),
    ),
)


def preset(name: str) -> Preset:
    """The preset of a name. Raises InputError with the names there are."""
    for each in PRESETS:
        if each.name == name.lower():
            return each
    raise InputError("preset", f"no preset {name!r}; one of {', '.join(each.name for each in PRESETS)}")


def cut_to_context(scenario: Scenario, longest: int | None) -> tuple[Scenario, str]:
    """The scenario with as much of its prompt as the model holds beside the answer, and what was cut, in words;
    unchanged and without words where all of it fits, or none would be left."""
    limit = scenario.settings.max_model_len or longest
    workload = scenario.workload
    over = workload.total_tokens - limit if limit and not scenario.training else 0
    if limit is None or not 0 < over < workload.input_tokens:
        return scenario, ""
    shorter = replace(workload, input_tokens=workload.input_tokens - over)
    cut = f"cut from {workload.input_tokens:,} to {shorter.input_tokens:,} input tokens"
    return replace(scenario, workload=shorter), f"{cut}, the model holds {limit:,}"
