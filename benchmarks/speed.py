"""Time of one evaluation, one compilation, one leaderboard and a sweep: `python -m benchmarks.speed`.

Each stands beside a tight loop of about the same arithmetic, so that the ratio holds on any machine.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from math import hypot

from benchmarks.measure import Measure, table
from catalog.load import load
from estimator.cost.bill import cost_report
from estimator.cost.quote import quote
from estimator.layout import Layout
from estimator.ranking.rank import rank
from estimator.scenario.nodes import node_of
from estimator.scenario.scenario import Scenario
from estimator.serving.deployment import deploy
from estimator.serving.load.operating_point import operate
from estimator.serving.load.performance import performance
from estimator.serving.speed.compile import compile_step, rank_operators

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
    sweep = list(product(range(1, 101), range(100, 100_100, 1000), range(10)))
    started = time.perf_counter()
    for users, tokens, drafts in sweep:
        operate(step, replace(workload, input_tokens=tokens, draft_tokens=drafts), float(users))
    yield Measure("100,000 operating points", time.perf_counter() - started, "s", target="6 s")


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
