"""Pools of a load as text: `realtime=70%`, `batch=20%`, `long=10%,input-tokens=32k,ttft=5s`."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any

from estimator.bounds import Gt, Le
from estimator.checks import rules
from estimator.errors import InputError
from estimator.planning.pools import Pool, check_pools
from estimator.records import record
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServiceLevel
from tui.options import options, values

OWN = ("input-tokens", "output-tokens", "length-variation", "lengths", "prefix-cache-hit", "ttft", "tpot", "latency")
"""Options that a pool may have a value of its own of."""
CAN_WAIT = "batch"
"""Name of a pool whose requests can wait: no bound of the others holds, and they are spread over the day."""


@record(frozen=True, slots=True)
class _Part:
    share: Annotated[float, Gt(0), Le(1)]


SHARE = options.Option("pool", "share", "F", "")


def read_pools(texts: Iterable[str], scenario: Scenario) -> tuple[Pool, ...]:
    """The pools of a load, one of each text; empty without texts. Raises InputError for what is none."""
    pools = tuple(_pool(text.strip().rstrip(","), scenario) for text in texts)  # a list is written with commas, too
    if pools:
        check_pools(pools)
    return pools


def _pool(text: str, scenario: Scenario) -> Pool:
    said, *own = text.split(",")
    name, _, share = said.partition("=")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name) or not share:
        raise InputError("pool", f"{text!r} is no pool, expected NAME=SHARE[,OPTION=VALUE…]")
    if name == CAN_WAIT:
        scenario = replace(scenario, service_level=ServiceLevel())
    for each in own:
        option, _, value = each.partition("=")
        if option not in OWN or not value:
            raise InputError("pool", f"{name}: {each!r} is no value of its own, expected one of {', '.join(OWN)}")
        try:
            scenario = options.with_option(scenario, option, value)
        except InputError as error:
            raise InputError("pool", f"{name}: {error}") from None
    kind: Any = _Part
    taken: Any = values.read(SHARE, share, rules(kind)["share"])
    return Pool(name=name, share=taken, scenario=scenario, can_wait=name == CAN_WAIT)
