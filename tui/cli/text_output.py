"""Results as plain text for people: aligned columns, no colour, nothing that a terminal would act upon."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from estimator.printable import printable
from estimator.results import Band, Evaluation, MemoryReport, PerformanceReport, PowerReport
from estimator.scenario.scenario import Scenario
from tui.cli import training_output
from tui.draw import figures
from tui.draw.bars import LIMITS
from tui.state import readings
from tui.state.chips import chips
from tui.state.columns import columns_of, plain_price


def aligned(rows: Iterable[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """Rows of cells as lines with columns as wide as their widest cell; those of `left` are set left, the
    others right.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


PLACES = frozenset({"instance", "accelerator", "count", "machines", "tp", "pp", "ep", "dp", "region", "price-terms"})
LOADS = frozenset({"ttft", "tpot", "latency", "traffic", "trace", "requests", "burstiness", "lengths"})
SAID = PLACES | LOADS | {"engine"}
"""Options that the line of a scenario says in words of its own, or its rows."""


def scenario(asked: Scenario) -> str:
    """The scenario in one line of text."""
    if asked.training:
        return printable(training_output.question(asked, asked.training))
    work = asked.workload
    engine = f"{asked.engine}@{asked.engine_version}" if asked.engine_version else asked.engine
    load = ", ".join((readings.load(work), *readings.traffic(work), *readings.level_bounds(asked.service_level)))
    own = f" | {points}" if (points := readings.own_points(asked)) else ""
    cache, answer = ("", "") if work.encodes else (f" kv {asked.kv}", f"{figures.tokens(work.output_tokens)} out, ")
    others = " · ".join(chip.text for chip in chips(replace(asked, calibrations=()), apart_from=SAID))
    chosen = f"{others} | " if others else ""
    return printable(
        f"{asked.model} {asked.weights}{cache} | {figures.tokens(work.input_tokens)} in, {answer}{load} | {engine} | "
        f"{chosen}{asked.region} {asked.price_terms}{own}"
    )


def leaderboard(asked: Scenario, rows: Sequence[Evaluation], everything: bool) -> str:
    """The leaderboard as text: rows that fit; those that do not only where everything is asked or nothing fits."""
    fitting = [row for row in rows if row.verdict == "fits"]
    shown = rows if everything or not fitting else fitting
    hidden = len(rows) - len(shown)
    rest = f"\n\n{hidden} more do not fit; --all lists them" if hidden else ""
    return f"{scenario(asked)}\n\n{board(asked, shown)}{rest}"


def board(asked: Scenario, rows: Sequence[Evaluation]) -> str:
    """Rows of a leaderboard under their titles."""
    titles = leaderboard_titles(asked)
    left = [0, len(titles) - 1, *(at for at, column in enumerate(columns_of(asked), 1) if column.cell.align == "left")]
    return aligned([titles, *leaderboard_cells(asked, rows)], left)


def leaderboard_titles(asked: Scenario) -> tuple[str, ...]:
    """Columns of a leaderboard that serves or trains: the rank, the declared columns, remarks."""
    return ("#", *(column.plain_title or column.cell.title for column in columns_of(asked)), "")


def leaderboard_cells(asked: Scenario, rows: Iterable[Evaluation]) -> list[list[str]]:
    """Rows of a leaderboard as cells, under `leaderboard_titles`."""
    columns = columns_of(asked)
    return [
        [
            str(place) if row.verdict == "fits" else "-",
            *((column.plain_text or column.text)(row) for column in columns),
            "  ".join(remarks(row, asked)),
        ]
        for place, row in enumerate(rows, 1)
    ]


def remarks(row: Evaluation, asked: Scenario) -> list[str]:
    """Badges of a row, what it misses, and why it does not fit."""
    texts = [
        ("cheapest run" if row.training else "best value") if row.best_value else "",
        "=" if row.tie else "",
        "old price" if row.cost.price_stale and row.verdict == "fits" else "",
        *readings.shortcomings(row, asked),
        (row.reason or "") if row.verdict != "fits" or row.training else "",
    ]
    return [text for text in texts if text]


def estimate(asked: Scenario, row: Evaluation, note: str | None = None) -> str:
    """One candidate in full as text; `note` is what its weight format takes."""
    missed = [each for each in readings.shortcomings(row, asked) if not (row.reason or "").startswith(each)]
    verdict = ", ".join([row.verdict.replace("_", " "), *missed])
    blocks = [
        scenario(asked),
        f"{candidate_text(row)}: {verdict} (class {row.confidence})"
        + (f"\n{printable(row.reason)}" if row.reason else ""),
    ]
    if row.suggestion:
        blocks[-1] += f"\n{printable(row.suggestion)}"
    if note:
        blocks[-1] += f"\n{asked.weights}: {printable(note)}"
    if row.memory:
        blocks.append(aligned(_memory(row.memory), left=(0, 2)))
    if row.training:
        blocks += [aligned(table, left=(0, len(table[0]) - 1)) for table in training_output.tables(row.training)]
        blocks += [printable(note) for note in row.training.notes]
    if row.performance:
        blocks.append(aligned(_performance(row.performance), left=(0, 4)))
        if seen := _percentiles(row.performance):
            blocks.append(aligned(seen))
    blocks.append(aligned(_cost(row), left=(0, 4)))
    return "\n\n".join(blocks)


def candidate_text(row: Evaluation) -> str:
    """The machines, their accelerators and how the model or the run is spread over them."""
    at = row.candidate
    machines = f"{at.machines} x " if at.machines > 1 else ""
    replicas = f" x {at.replicas} replicas" if at.replicas > 1 else ""
    spread = row.training.setup if row.training else at.layout
    kind = "unlike cards" if "+" in at.machine else f"x {at.accelerator}"
    return f"{machines}{at.machine} · {at.accelerators:g} {kind} · {spread}{replicas}"


def _memory(memory: MemoryReport) -> list[list[str]]:
    outside = "" if memory.cuda_graphs_in_budget else "beside the engine's budget"
    rows = [
        ("memory per device", memory.device_bytes, "as sold"),
        ("usable", memory.usable_bytes, "as the driver reports it"),
        ("weights", memory.weights_bytes, ""),
        *([("weights on the host", memory.host_bytes, "of the machine")] if memory.host_bytes else []),
        *(
            [("KV cache on the host", in_ram, "of a replica")]
            if (in_ram := memory.host_cache_bytes) is not None
            else []
        ),
        ("activations", memory.activation_bytes, ""),
        ("runtime", memory.runtime_bytes, ""),
        *([("CUDA graphs", memory.cuda_graph_bytes, outside)] if memory.cuda_graph_bytes else []),
        ("KV cache", memory.kv_cache_bytes, f"at utilization {memory.utilization:g}"),
    ]
    return [
        *([name, figures.gib(value) + " GiB", note] for name, value, note in rows),
        ["KV capacity", figures.count(memory.kv_capacity_tokens), "tokens of a replica"],
        ["most users", figures.number(memory.max_concurrency), "sequences of the asked length, of a replica"],
        ["longest context", figures.count(memory.max_context_tokens), "tokens"],
    ]


def _performance(speed: PerformanceReport) -> list[list[str]]:
    rows = [
        ("TTFT", speed.ttft_s, figures.duration, f"prefill limited by {LIMITS[speed.prefill_bound]}"),
        ("TPOT", speed.tpot_s, figures.duration, f"decode limited by {LIMITS[speed.decode_bound]}"),
        ("request latency", speed.request_latency_s, figures.duration, ""),
        ("tokens/s per user", speed.tokens_per_s_per_user, figures.number, ""),
        ("output tokens/s per replica", speed.output_tokens_per_s_per_replica, figures.number, ""),
        ("output tokens/s", speed.output_tokens_per_s, figures.number, ""),
        ("total tokens/s", speed.total_tokens_per_s, figures.number, "input and output"),
        ("requests/s", speed.requests_per_s, figures.number, ""),
    ]
    if speed.one_pass:
        rows = [
            ("batch latency", speed.ttft_s, figures.duration, f"limited by {LIMITS[speed.prefill_bound]}"),
            ("sequences/s", speed.requests_per_s, figures.number, ""),
            ("tokens/s", speed.total_tokens_per_s, figures.number, "read; nothing is written"),
        ]
    head = ["speed", "low", "typical", "high", ""]
    return [head, *([name, *map(show, band), note] for name, band, show, note in rows), *_arrivals(speed)]


def _arrivals(speed: PerformanceReport) -> list[list[str]]:
    """Utilization where requests arrive at a rate."""
    if not speed.utilization:
        return []
    return [
        [
            "utilization",
            "",
            figures.percent(speed.utilization),
            "",
            "more arrives than is served" if speed.overloaded else "",
        ]
    ]


def _percentiles(speed: PerformanceReport) -> list[list[str]]:
    """What the requests see one by one."""
    seen = speed.percentiles
    if seen is None:
        return []
    named = (("TTFT", seen.ttft_s), ("TPOT", seen.tpot_s), ("request latency", seen.latency_s))
    return [
        ["requests see", "mean", "p50", "p90", "p95", "p99"],
        *([name, *map(figures.duration, each)] for name, each in named),
    ]


def _cost(row: Evaluation) -> list[list[str]]:
    cost = row.cost
    rows = [["cost", "low", "typical", "high", ""]]
    age = f"{cost.price_age_days:,} days: old" if cost.price_stale else ""
    note = ", ".join(filter(None, (cost.price_kind, cost.price_as_of, age)))
    low, high = figures.usd(cost.price_low_usd_per_hour), figures.usd(cost.price_high_usd_per_hour)
    rows.append(["$/hour", low, plain_price(row), high, note])
    for name, band in (
        ("$/1M tokens", cost.usd_per_1m_tokens),
        ("$/1M input tokens", cost.usd_per_1m_input_tokens),
        ("$/1M output tokens", cost.usd_per_1m_output_tokens),
        ("$/request", cost.usd_per_request),
    ):
        if band:
            rows.append([name, *map(figures.usd, band), ""])
    rows.append(["$/month", "", figures.usd(cost.usd_per_month), "", "730 hours"])
    if cost.tokens_per_usd:
        rows.append(["tokens per $", *map(figures.count, cost.tokens_per_usd), "input and output"])
    return rows + _power(cost.power)


def _power(power: PowerReport) -> list[list[str]]:
    """What it draws at the load, and what that makes of a token."""
    if power.watts is None:
        return []
    rows = [["power", "", f"{figures.number(power.watts)} W", "", "at the limit while it works"]]
    if power.kwh_per_1m_tokens is not None and power.tokens_per_joule is not None:
        note = f"{figures.number(power.tokens_per_joule)} tokens a joule"
        rows.append(["kWh/1M tokens", "", figures.number(power.kwh_per_1m_tokens), "", note])
    if power.usd_per_1m_tokens is not None:
        rows.append(["power $/1M tokens", "", figures.usd(power.usd_per_1m_tokens), "", "within $/1M tokens"])
    return rows


def _typical(band: Band | None, show: Callable[[float], str]) -> str:
    return figures.NOTHING if band is None else show(band.typical)
