"""Pools as they are typed."""

import pytest

from estimator.errors import InputError
from estimator.scenario.scenario import Scenario
from estimator.scenario.workload import ServiceLevel
from tui.options.pools import read_pools

ASKED = Scenario(service_level=ServiceLevel(ttft_s=1.0))


def test_a_pool_has_its_own_values_and_else_those_of_the_load() -> None:
    realtime, batch, long = read_pools(["realtime=70%", "batch=0.2", "long=10%,input-tokens=32k,ttft=5s@p95"], ASKED)
    assert (realtime.name, realtime.share, realtime.scenario, realtime.can_wait) == ("realtime", 0.7, ASKED, False)
    assert batch.can_wait
    assert not batch.scenario.service_level
    assert long.scenario.workload.input_tokens == 32 * 1024
    assert long.scenario.service_level == ServiceLevel(ttft_s=5.0, ttft_percentile=95)
    assert read_pools([], ASKED) == ()
    assert read_pools(["a=70%,", "b=30%"], ASKED) == read_pools(["a=70%", "b=30%"], ASKED)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("realtime", "no pool, expected NAME=SHARE"),
        ("Realtime=1", "no pool, expected NAME=SHARE"),
        ("a=1,region=eu-west-1", "'region=eu-west-1' is no value of its own, expected one of input-tokens"),
        ("a=1,ttft=fast", "a: ttft: 'fast' is not a time"),
        ("a=0", "> 0 and <= 1"),
        ("a=150%", "> 0 and <= 1"),
        ("a=40%", "add up to 0.4, expected 1"),
    ],
)
def test_what_is_no_pool_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_pools([text], ASKED)
