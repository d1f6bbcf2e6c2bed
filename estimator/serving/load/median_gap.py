"""Median time between two tokens of an answer."""

from math import exp

from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import OperatingPoint

MEDIAN_PROMPTS, MEDIAN_BLUR = 0.7, 0.15
"""Prompts a step at which half of the steps carry one, 1 - exp(-0.7); how gradually the median turns there (guess)."""


def median_gap_s(workload: ServingWorkload, point: OperatingPoint) -> float:
    """Median time between two tokens of an answer [s]: a step without prompts, until most steps carry one.

    Prompts come to steps as Poisson counts: at 0.7 a step half of the steps have one. Lengths that differ blur that.
    """
    prompts_a_step = point.concurrency / workload.output_tokens
    share = 1 / (1 + exp(-min((prompts_a_step - MEDIAN_PROMPTS) / MEDIAN_BLUR, 700.0)))
    return point.decode_step_s + share * (point.tpot_s - point.decode_step_s)
