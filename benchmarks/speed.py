"""Time of one evaluation, one compilation, one leaderboard and a sweep: `python -m benchmarks.speed`.

Each stands beside a tight loop of about the same arithmetic, so that the ratio holds on any machine.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from math import hypot

from benchmarks.measure import Measure, table
from catalog.load import Catalog, load
from estimator.cost.bill import cost_report
from estimator.cost.quote import quote
from estimator.layout import Layout
from estimator.ranking.rank import rank
from estimator.scenario.nodes import node_of
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServiceLevel, ServingWorkload
from estimator.serving.deployment import deploy
from estimator.serving.load.operating_point import operate
from estimator.serving.load.performance import performance
from estimator.serving.load.replay import Limits, replay
from estimator.serving.memory import compile_memory
from estimator.serving.speed.compile import compile_step, rank_operators
from estimator.serving.speed.step import Step

ARITHMETIC = 24
"""Operators evaluated for one prefill and one decode of a dense model."""


def measure() -> Iterator[Measure]:
    """The arithmetic from one operating point up to a leaderboard and a sweep."""
    catalog = load()
    scenario = Scenario()
    inventory, prices = catalog.inventory, catalog.prices(scenario.region)
    model = catalog.model(scenario.model)
    node = node_of(inventory.machines["p5.48xlarge"], inventory)
    deployment = deploy(node, model, scenario, inventory)
    workload = scenario.workload

    def compiled() -> object:
        compile_step.cache_clear()
        rank_operators.cache_clear()
        return compile_step(deployment, Layout(4))

    step = compile_step(deployment, Layout(4))
    asked = quote(node.machine, node.device, prices, scenario.price_terms, scenario.ownership)

    def evaluated() -> object:
        speed = performance(step, workload, 16, replicas=2)
        return cost_report(asked, 1, 640, speed, workload)

    loop = best(arithmetic, 2000)
    yield Measure("tight loop of the same arithmetic", loop * 1e6, "µs")
    yield from (
        Measure(name, seconds * 1e6, "µs", f"{seconds / loop:.1f} x the loop", target)
        for name, seconds, target in (
            ("prefill, decode and their queueing", best(lambda: operate(step, workload, 16.0), 2000), ""),
            ("one evaluation with bands and cost", best(evaluated, 1000), "40 µs"),
            ("compiling a step", best(compiled, 500), ""),
        )
    )
    loads = iter(range(17, 1000))

    def ranked() -> object:
        other = replace(scenario, workload=replace(workload, concurrency=next(loads)))
        return rank(model, other, inventory, prices)

    ranked()
    seconds = best(ranked, 1, rounds=9)
    layouts = rank(model, scenario, inventory, prices).considered
    yield Measure("the leaderboard after an edit", seconds * 1e3, "ms", f"{layouts} distinct layouts", "12 ms")
    yield from fleets(catalog)
    yield from replays(catalog)
    sweep = list(product(range(1, 101), range(100, 100_100, 1000), range(10)))
    started = time.perf_counter()
    for users, tokens, drafts in sweep:
        operate(step, replace(workload, input_tokens=tokens, draft_tokens=drafts), float(users))
    yield Measure("100,000 operating points", time.perf_counter() - started, "s", target="6 s")


def fleets(catalog: Catalog) -> Iterator[Measure]:
    """The leaderboard at a rate: the smallest fleet of every machine, and a replay of the first."""
    workload = ServingWorkload(1000, 300, requests_per_second=200)
    for name, level in (
        ("mean", ServiceLevel(ttft_s=1.0)),
        ("p95, the first row replayed", ServiceLevel(ttft_s=1.0, ttft_percentile=95)),
    ):
        scenario = Scenario(workload=workload, service_level=level)
        model, prices = catalog.model(scenario.model), catalog.prices(scenario.region)
        rates = iter(range(201, 300))

        def ranked(scenario: Scenario = scenario, rates: Iterator[int] = rates) -> object:
            other = replace(scenario, workload=replace(workload, requests_per_second=next(rates)))
            return rank(model, other, catalog.inventory, prices)  # noqa: B023

        ranked()
        yield Measure(f"fleets for a rate, TTFT {name}", best(ranked, 1, rounds=9) * 1e3, "ms", target="20 ms")


def replays(catalog: Catalog) -> Iterator[Measure]:
    """1,000 requests of 1,000 and 300 tokens at 80 % of what one L40S does, under every kind of scheduler."""
    model, node = (
        catalog.model("meta-llama/Llama-3.1-8B-Instruct"),
        node_of(catalog.inventory.machines["g6e.xlarge"], catalog.inventory),
    )
    for engine in ("vllm", "sglang", "trtllm", "tgi", "llamacpp", "transformers"):
        deployment = deploy(node, model, Scenario(engine=engine, weights="bf16"), catalog.inventory)
        step, memory = compile_step(deployment, Layout()), compile_memory(deployment, Layout())
        lengths = ServingWorkload(1000, 300, length_variation=0.5, requests=1000)
        limits = Limits.of(memory, step, lengths.total_tokens)
        full = operate(step, lengths, min(limits.sequences, memory.pool_sequences(lengths.total_tokens)))
        workload = replace(lengths, requests_per_second=0.8 * full.requests_per_s)

        def replayed(step: Step = step, workload: ServingWorkload = workload, limits: Limits = limits) -> object:
            return replay(step, workload, limits)

        name = f"a replay of 1,000 requests, {engine}"
        yield Measure(name, best(replayed, 1, rounds=5) * 1e3, "ms", step.speed.scheduler.prompts, "30 ms")


def arithmetic() -> float:
    """What an evaluation must at least compute: a latency and a smooth maximum for every operator."""
    total = 0.0
    for index in range(ARITHMETIC):
        rows = 16.0 + index
        total += 80 * (1e-6 + hypot(rows * 2e8 / 1e15, (1e8 + rows * 1e5) / 3e12))
    return total


def best(run: Callable[[], object], repeats: int, rounds: int = 7) -> float:
    """Seconds of one call in the fastest of several rounds."""
    fastest = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(repeats):
            run()
        fastest = min(fastest, (time.perf_counter() - started) / repeats)
    return fastest


if __name__ == "__main__":
    print(table(measure()))
