"""Calibration by a measurement of one's own: a benchmark's result becomes a factor on one accelerator and engine."""

import json
import math
import re
from dataclasses import replace
from typing import NamedTuple

from estimator.engines.speed_constants import Calibration
from estimator.errors import InputError
from estimator.scenario.workload import ServingWorkload
from estimator.serving.load.operating_point import operate
from estimator.serving.speed.step import Step
from estimator.units import MILLISECOND

LEAST, MOST = 0.1, 10.0
"""A factor outside of these says that another model, machine or load was measured (engineering guess)."""
MOST_POINTS = 64
"""Measured points that one session holds."""
MOST_RESERVE_GIB = 1000.0
"""Largest reserve that a session may hold [GiB]; no device has more memory."""
ROUNDS = 12
"""Alternating corrections of the two factors; each moves both figures."""
LONGEST_PASTE = 1_000_000
LARGEST = 1e15
"""No benchmark counts or times anything beyond it."""
MOST_DIGITS = 40
"""Characters of a pasted result that are read."""

# Names of one figure in JSON (vllm bench serve --save-result, sglang.bench_serving --output-file) and in print.
NAMES = {
    "requests": ("completed", "successful_requests", "num_prompts"),
    "input": ("total_input_tokens", "total_input"),
    "output": ("total_output_tokens", "total_generated_tokens", "total_output"),
    "rate": ("request_throughput", "request_throughput_req_s"),
    "output_rate": ("output_throughput", "output_token_throughput_tok_s"),
    "concurrency": ("max_concurrency", "maximum_request_concurrency", "max_request_concurrency"),
    "in_flight": ("concurrency",),
    "ttft": ("mean_ttft_ms", "median_ttft_ms"),
    "tpot": ("mean_tpot_ms", "median_tpot_ms", "mean_itl_ms", "median_itl_ms"),
}


class Measurement(NamedTuple):
    """What a benchmark client printed, for the whole server."""

    input_tokens: int
    output_tokens: int
    concurrency: float
    ttft_s: float | None
    tpot_s: float | None
    output_tokens_per_s: float | None


def parse(pasted: str) -> Measurement:
    """The measurement in a result of `vllm bench serve` or `sglang.bench_serving`, JSON or as printed. Raises
    InputError.
    """
    figures = _figures(pasted[:LONGEST_PASTE])

    def figure(name: str) -> float | None:
        return next((figures[key] for key in NAMES[name] if figures.get(key, 0) > 0), None)

    requests, tokens_in, tokens_out = figure("requests"), figure("input"), figure("output")
    ttft, tpot, rate = figure("ttft"), figure("tpot"), figure("rate")
    if not requests or not tokens_in or not tokens_out:
        raise InputError("measurement", "no request and token totals; paste a vllm bench serve or sglang result")
    if ttft is None and tpot is None and figure("output_rate") is None:
        raise InputError("measurement", "neither TTFT, TPOT nor output throughput is in it")
    input_tokens, output_tokens = max(round(tokens_in / requests), 1), max(round(tokens_out / requests), 1)
    concurrency = figure("concurrency") or figure("in_flight")
    if concurrency is None and rate and ttft and tpot:
        concurrency = rate * (ttft + (output_tokens - 1) * tpot) * MILLISECOND  # Little's law
    if concurrency is None:
        raise InputError("measurement", "no concurrency, and no request rate with latencies to work it out from")
    return Measurement(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        concurrency=max(concurrency, 1.0),
        ttft_s=ttft * MILLISECOND if ttft else None,
        tpot_s=tpot * MILLISECOND if tpot else None,
        output_tokens_per_s=figure("output_rate"),
    )


def calibration(measured: Measurement, step: Step, accelerator: str, replicas: int = 1) -> Calibration:
    """Factors of measured over predicted time for prefill and decode.

    Raises InputError where the two are too far apart to be of the same deployment.
    """
    workload = ServingWorkload(measured.input_tokens, measured.output_tokens)
    concurrency = max(measured.concurrency / replicas, 1.0)
    decode, prefill = step.decode_factor, step.prefill_factor
    for _ in range(ROUNDS):  # prompts delay tokens and steps delay prompts, so each factor moves both figures
        point = operate(replace(step, decode_factor=decode, prefill_factor=prefill), workload, concurrency)
        if measured.tpot_s:
            decode *= measured.tpot_s / point.tpot_s
        elif measured.output_tokens_per_s:
            decode *= replicas * point.requests_per_s * measured.output_tokens / measured.output_tokens_per_s
        if measured.ttft_s:
            prefill *= measured.ttft_s / point.ttft_s
        decode, prefill = min(max(decode, LEAST), MOST), min(max(prefill, LEAST), MOST)
    for name, factor in (("TPOT", decode), ("TTFT", prefill)):
        if not LEAST < factor < MOST:
            raise InputError("measurement", f"{name} is far from the prediction: another model, machine or load?")
    return Calibration(accelerator=accelerator, engine=step.engine, decode=decode, prefill=prefill)


def read_points(value: object) -> tuple[Calibration, ...]:
    """A user's measured points as a session file holds them, mappings of a Calibration's fields. Raises InputError."""
    if not isinstance(value, list) or len(value) > MOST_POINTS:
        raise InputError("calibrations", f"expected a list of at most {MOST_POINTS} measured points")
    return tuple(_point(each) for each in value)


def _point(value: object) -> Calibration:
    if not isinstance(value, dict) or not {"accelerator", "engine"} <= set(value) <= set(Calibration._fields):
        raise InputError("calibrations", f"a point is {', '.join(Calibration._fields)}")
    point = Calibration(**value)
    for name in (point.accelerator, point.engine):
        if not isinstance(name, str) or not re.fullmatch(r"[\w.-]{1,64}", name):
            raise InputError("calibrations", "accelerator and engine are ids of letters, digits, dots and dashes")
    for factor in (point.decode, point.prefill):
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not LEAST <= factor <= MOST:
            raise InputError("calibrations", f"decode and prefill are numbers from {LEAST:g} to {MOST:g}")
    reserve = point.reserve_gib
    if isinstance(reserve, bool) or not isinstance(reserve, int | float) or not abs(reserve) <= MOST_RESERVE_GIB:
        raise InputError("calibrations", f"reserve_gib is a number from {-MOST_RESERVE_GIB:g} to {MOST_RESERVE_GIB:g}")
    return point


def _figures(pasted: str) -> dict[str, float]:
    """Every number by its name in small letters: of a JSON object, of the last line of JSON lines, or of a print."""
    text = pasted.strip()
    document: object = None
    for candidate in (text, text.splitlines()[-1] if text else ""):
        if candidate.startswith("{"):
            try:
                document = json.loads(candidate)
            except (ValueError, RecursionError):
                continue
            break
    if isinstance(document, dict):
        numbers = {key: value for key, value in document.items() if isinstance(value, int | float)}
        pairs = [(str(key), str(value)) for key, value in numbers.items() if abs(value) < LARGEST]
    else:
        pairs = re.findall(r"^[^\w\n]*([A-Za-z][^:\n]{0,80}?)\s*:\s*([\d.,]+)\s*$", text, re.MULTILINE)
    figures = {}
    for name, value in pairs:
        try:
            figure = float(value.replace(",", "")[:MOST_DIGITS])
        except ValueError:
            continue
        if math.isfinite(figure):
            figures[re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")] = figure
    return figures
