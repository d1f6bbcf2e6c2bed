"""Seconds of proposing drafts on an engine of round numbers, by hand [ms]: `tests.estimator.serving.linear_engine`."""

from dataclasses import replace

import pytest

from estimator.layout import Layout
from estimator.serving.speed.proposal import Proposal
from tests.estimator.serving.linear_engine import MS, Linear, linear_engine


def drafter(layout: Layout = Layout(), block: bool = False) -> Proposal:  # noqa: B008
    engine = linear_engine(layout=layout)
    return Proposal(replace(engine, operators=engine.operators._replace(head=Linear(0.0, 0.5 * MS))), block)


def test_each_token_is_a_pass_that_is_launched() -> None:
    assert drafter().seconds(20, 1000, 3, 1 * MS) / MS == pytest.approx(3 * (8 + 2 + 10 + 1))
    replicas = drafter(Layout(dp=2)).seconds(20, 1000, 3, 1 * MS) / MS
    assert replicas == pytest.approx(3 * (8 + 2 + 10 + 1))  # twenty on each


def test_a_block_is_one_pass_with_the_head_over_all_of_its_tokens() -> None:
    """Four masked tokens for each of twenty: eighty rows in one pass, and eighty of the head where a prompt has one."""
    block = drafter(block=True).seconds(20, 1000, 3, 1 * MS) / MS
    assert block == pytest.approx((8 + 0.1 * 80) + 0.5 * 80 + 1)
