"""What the scatter of answers' lengths does to means over requests: closed forms against sums over every moment."""

from statistics import fmean

import pytest

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.answers import STRATA, Answers, answers

MOMENTS = 20_000
THREE = Answers(lengths=(3.0, 11.0, 26.0), longest=30.0, last=0.1)
GAPS = (2.0, 10.0, 25.0)
ONE_TOKEN = Answers((1.0,), 1.0, 0.0)


def moments(steps: float) -> list[float]:
    """Steps that are left of an opening, seen from answers that begin all along it."""
    return [(index + 0.5) / MOMENTS * steps for index in range(MOMENTS)]


def test_a_wait_that_each_answer_has_once_adds_its_share_of_a_gap() -> None:
    assert THREE.mean_inverse == pytest.approx(fmean(1 / gap for gap in GAPS))
    assert Answers((1.0, 1.5, 3.0), 3.0, 0.0).mean_inverse == pytest.approx((1 + 1 / 2) / 2)
    assert ONE_TOKEN.mean_inverse == 0


@pytest.mark.parametrize("steps", [1.0, 2.0, 7.0, 10.0, 60.0])
def test_gaps_in_the_rest_of_an_opening_are_counted_from_every_beginning(steps: float) -> None:
    counted = [[min(gap, left) for left in moments(steps)] for gap in GAPS]
    assert THREE.steps_within(steps) == pytest.approx(fmean(map(fmean, counted)), rel=1e-6)
    shares = [fmean(each) / gap for each, gap in zip(counted, GAPS, strict=True)]
    assert THREE.within(steps) == pytest.approx(fmean(shares), rel=1e-6)


def test_no_opening_holds_no_gap() -> None:
    assert THREE.within(0) == THREE.steps_within(0) == 0
    assert ONE_TOKEN.within(5) == ONE_TOKEN.steps_within(5) == 0


def test_a_token_finds_those_in_work_whose_answers_are_not_complete() -> None:
    own = [fmean(fmean(token < other for other in (3, 11, 26)) for token in range(length)) for length in (3, 11, 26)]
    assert THREE.batch_share == pytest.approx(fmean(own))


def test_who_began_together_leaves_one_after_the_other() -> None:
    assert THREE.emptying(together=True) == [
        (3.0, 1.0),
        (8.0, pytest.approx(2 / 3)),
        (15.0, pytest.approx(1 / 3)),
        (4.0, 0.1),
    ]


def test_of_a_flow_those_are_in_work_that_have_so_much_left() -> None:
    """In a flow an answer is met by its length, at any of its tokens."""
    parts = THREE.emptying(together=False)
    assert [steps for steps, _ in parts] == [3.0, 8.0, 15.0, 4.0]
    middles = (1.5, 7.0, 18.5)
    left = [sum(max(length - middle, 0) for length in (3, 11, 26)) / 40 for middle in middles]
    assert [share for _, share in parts[:3]] == pytest.approx(left)


def test_equal_answers_are_one_stratum() -> None:
    assert answers(ServingWorkload(100, 200), 50) == Answers((200.0,), 200.0, 0.0)


@pytest.mark.parametrize("variation", [0.2, 1.0])
@pytest.mark.parametrize("requests", [2, 24, 1000])
def test_answers_that_scatter_keep_their_mean_and_the_longest_grows_with_their_number(
    variation: float, requests: int
) -> None:
    workload = ServingWorkload(100, 200, length_variation=variation)
    scattered = answers(workload, requests)
    assert len(scattered.lengths) == min(requests, STRATA)
    assert fmean(scattered.lengths) == pytest.approx(200, rel=1e-9)
    assert list(scattered.lengths) == sorted(scattered.lengths)
    assert scattered.longest >= scattered.lengths[-1]
    assert scattered.longest <= answers(workload, 2 * requests).longest
    assert scattered.last == pytest.approx((2 * min(requests, STRATA) * requests) ** -0.5)


def test_log_normal_answers_have_their_median_below_the_mean() -> None:
    """Deviation over mean 1: the median is 1 / sqrt(2) of the mean, the 97.7th percentile exp(2 sqrt(ln 2)) medians."""
    many = answers(ServingWorkload(100, 1000, length_variation=1.0), 100_000)
    median = (many.lengths[11] + many.lengths[12]) / 2
    assert median == pytest.approx(1000 / 2**0.5, rel=0.05)
    assert many.lengths[-1] / median == pytest.approx(2.718281828 ** (2.0368 * 0.832555), rel=0.03)
