"""The leaderboard's columns, each declared once: table, order, filters, `enter` and the headless table read them."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from estimator.results import Evaluation
from estimator.scenario.scenario import Scenario
from tui.draw import cells, figures
from tui.draw.table import Column
from tui.state import readings
from tui.state.readings import Figure

Units = Mapping[str, float]
"""Units that a bound may be written in, and the base units each is worth; "" is what a bare number means."""
SECONDS: Units = {"ms": 1e-3, "s": 1.0, "us": 1e-6}
NUMBER: Units = {"": 1.0, "k": 1e3, "m": 1e6}
PERCENT: Units = {"": 1e-2, "%": 1e-2}
HOURS: Units = {"": 1.0, "h": 1.0, "m": 1 / 60, "d": 24.0}


NEUTRAL = frozenset({"mem", "peak"})
"""Columns of which neither more nor less is better: memory that is used is paid for."""


class BoardColumn(NamedTuple):
    """One column of the leaderboard and everything that is made from it."""

    cell: Column
    """Key, title, width and priority in the drawn table."""
    figure: Callable[[Evaluation], Figure]
    """What orders the rows, in base units."""
    text: Callable[[Evaluation], str]
    """What fills a drawn cell."""
    changes: bool = False
    """An edit moves it: its cell shows how."""
    descending: bool = False
    """More is better: sorting puts the largest on top."""
    sorts: bool = True
    cost: bool = False
    """Blank in a row without a price, whose reason stands in its place."""
    before_note: Literal["never", "where refused", "always"] = "never"
    """Whether it keeps its cell left of a note that takes the place of figures."""
    bounds: tuple[str, ...] = ()
    """Names by which a filter bounds it."""
    words: bool = False
    """What a filter compares is a word, such as a class, and no number."""
    units: Units = NUMBER
    bound_figure: Callable[[Evaluation], float | None] | None = None
    """What a filter bounds, where that is not `figure`."""
    working: str = ""
    """The working that explains it."""
    json_key: str = ""
    """Where `--format json` has the figure, dotted."""
    meaning: str = ""
    """What the figure is, for the help."""
    plain_title: str = ""
    """Its title in the headless table, where that is not the drawn one."""
    plain_text: Callable[[Evaluation], str] | None = None
    """What fills its cell there, where that is not `text`."""

    @property
    def key(self) -> str:
        return self.cell.key

    def style_of_change(self, way: int) -> str:
        """The style of a figure that rose (1) or fell (-1): better or worse; plain where it is neither."""
        if way == 0 or self.key in NEUTRAL:
            return "" if way == 0 else "bold"
        return "better" if (way > 0) == self.descending else "worse"


def _device_order(row: Evaluation) -> str:
    return f"{row.candidate.accelerator} {row.candidate.accelerators:>6g}"


def _typical(value: Callable[[Evaluation], float | None], show: Callable[[float], str]) -> Callable[[Evaluation], str]:
    """A plain cell that shows a figure where there is one."""
    return lambda row: figures.NOTHING if (figure := value(row)) is None else show(figure)


def plain_instance(row: Evaluation) -> str:
    """A row's machine in words, `2 x p5.48xlarge`."""
    many = f"{row.candidate.machines} x " if row.candidate.machines > 1 else ""
    return many + row.candidate.machine


def plain_price(row: Evaluation) -> str:
    """A row's price an hour in dollars, or why there is none."""
    return readings.missing_price(row)[0] or figures.usd(row.cost.price_usd_per_hour)


def _price_marks(row: Evaluation) -> str:
    """⌂ behind the hour of hardware of one's own, * behind an old price."""
    if readings.price(row) is None:
        return ""
    return ("⌂" if readings.is_owned(row) else "") + ("*" if row.cost.price_stale else "")


INSTANCE = BoardColumn(
    cell=Column("instance", "instance", 14, 0, "left", most=20),
    meaning="the machine, and how many carry the load within the level",
    figure=readings.instance,
    text=readings.instance,
    before_note="always",
    plain_text=plain_instance,
)
DEVICES = BoardColumn(
    cell=Column("devices", "devices", 12, 2, "left", most=16),
    meaning="its accelerators, over all machines",
    figure=_device_order,
    text=_device_order,
    before_note="always",
    bounds=("devices",),
    bound_figure=lambda row: row.candidate.accelerators,
    json_key="accelerators",
    plain_text=lambda row: f"{row.candidate.accelerators:g}x{row.candidate.accelerator}",
)
PRICE = BoardColumn(
    cell=Column("price", "$/h", 7, 0, most=12),
    meaning="dollars an hour on the asked terms; a commitment's hour, a spot typical, or your own hardware written off",
    figure=readings.price,
    text=lambda row: cells.price_cell(readings.price(row)) + _price_marks(row),
    changes=True,
    cost=True,
    before_note="where refused",
    bounds=("$", "$/h"),
    working="usd_month",
    json_key="cost.price_usd_per_hour",
    plain_text=plain_price,
)
CLASS = BoardColumn(
    cell=Column("class", "class", 5, 8, "left"),
    meaning="how far to trust the row: A measured on this kind, B transferred from its kin, C specifications only",
    figure=lambda row: row.confidence,
    text=lambda row: row.confidence,
    bounds=("class",),
    words=True,
    json_key="confidence",
)

SERVING = (
    INSTANCE,
    DEVICES,
    BoardColumn(
        cell=Column("layout", "layout", 8, 4, "left", most=12),
        meaning="how one engine spreads the model (tensor, pipeline, expert, data parallel), times the replicas",
        figure=readings.layout,
        text=readings.layout,
        sorts=False,
        before_note="always",
    ),
    PRICE,
    BoardColumn(
        cell=Column("tokens", "$/Mtok", 7, 1, most=13),
        meaning="dollars per 1M tokens, input and output together for the asked mix, with half of its band in per cent",
        figure=readings.token_cost,
        text=lambda row: cells.band_cell(row.cost.usd_per_1m_tokens),
        changes=True,
        cost=True,
        bounds=("$tok", "$/mtok"),
        working="usd_tokens",
        json_key="cost.usd_per_1m_tokens",
        plain_title="$/M tokens",
        plain_text=_typical(readings.token_cost, figures.usd),
    ),
    BoardColumn(
        cell=Column("ttft", "TTFT", 5, 5, most=9),
        meaning="mean time to the first token of the answer at this load, queueing included",
        figure=readings.ttft,
        text=lambda row: cells.wait_cell(readings.ttft(row)),
        changes=True,
        bounds=("ttft",),
        units=SECONDS,
        working="ttft",
        json_key="performance.ttft_s",
        plain_text=_typical(readings.ttft, figures.duration),
    ),
    BoardColumn(
        cell=Column("tpot", "TPOT", 6, 3, most=10),
        meaning="mean time per further token that one user sees",
        figure=readings.tpot,
        text=lambda row: cells.seconds_cell(readings.tpot(row)),
        changes=True,
        bounds=("tpot",),
        units=SECONDS,
        working="tpot",
        json_key="performance.tpot_s",
        plain_text=_typical(readings.tpot, figures.duration),
    ),
    BoardColumn(
        cell=Column("speed", "tok/s", 6, 9, most=10),
        meaning="output tokens per second of all users together",
        figure=readings.throughput,
        text=lambda row: cells.count_cell(readings.throughput(row)),
        changes=True,
        descending=True,
        bounds=("tok/s",),
        working="throughput",
        json_key="performance.output_tokens_per_s",
        plain_text=_typical(readings.throughput, figures.number),
    ),
    BoardColumn(
        cell=Column("users", "users", 5, 6, most=9),
        meaning="requests at once that hold the service level; those that the memory holds where none is asked",
        figure=readings.users,
        text=lambda row: cells.count_cell(readings.users(row)),
        changes=True,
        descending=True,
        bounds=("users",),
        working="users",
        plain_text=lambda row: figures.count(readings.users(row)),
    ),
    BoardColumn(
        cell=Column("mem", "mem", 4, 7, most=8),
        meaning="share of a device's memory that this load uses",
        figure=readings.memory_share,
        text=lambda row: figures.percent(readings.memory_share(row)),
        changes=True,
        bounds=("mem",),
        units=PERCENT,
        working="weights",
    ),
    CLASS,
)
TRAINING = (
    INSTANCE,
    DEVICES,
    BoardColumn(
        cell=Column("setup", "setup", 9, 3, "left", most=20),
        meaning="how the run is spread over its devices",
        figure=readings.setup,
        text=readings.setup,
        sorts=False,
        before_note="always",
    ),
    BoardColumn(
        cell=Column("settings", "settings", 14, 9, "left", most=40),
        meaning="micro-batch, and what memory is saved by",
        figure=readings.run_settings,
        text=readings.run_settings,
        sorts=False,
    ),
    PRICE,
    BoardColumn(
        cell=Column("run", "$/run", 8, 1, most=13),
        meaning="dollars of the whole run, with half of its band in per cent",
        figure=readings.run_cost,
        text=lambda row: cells.band_cell(row.training.usd if row.training else None),
        changes=True,
        cost=True,
        bounds=("$run",),
        json_key="training.usd",
        plain_text=_typical(readings.run_cost, figures.usd),
    ),
    BoardColumn(
        cell=Column("time", "time", 6, 2, most=10),
        meaning="length of the whole run",
        figure=readings.run_hours,
        text=lambda row: cells.hours_cell(readings.run_hours(row)),
        changes=True,
        bounds=("hours",),
        units=HOURS,
        json_key="training.hours",
        plain_text=_typical(readings.run_hours, lambda hours: figures.duration(hours * 3600)),
    ),
    BoardColumn(
        cell=Column("pace", "tok/s", 6, 5, most=10),
        meaning="tokens per second of all devices together",
        figure=readings.run_speed,
        text=lambda row: cells.count_cell(readings.run_speed(row)),
        changes=True,
        descending=True,
        json_key="training.tokens_per_s",
        plain_text=_typical(readings.run_speed, figures.number),
    ),
    BoardColumn(
        cell=Column("peak", "mem", 4, 6, most=8),
        meaning="share of a device's memory at the peak of a step",
        figure=readings.run_memory_share,
        text=lambda row: figures.percent(readings.run_memory_share(row)),
        changes=True,
        plain_title="memory",
        plain_text=lambda row: (
            f"{figures.gib(row.training.memory.peak_bytes.typical)} GiB" if row.training else figures.NOTHING
        ),
    ),
    BoardColumn(
        cell=Column("mfu", "MFU", 4, 7, most=8),
        meaning="useful FLOP/s over the 16-bit peak of the devices",
        figure=readings.run_mfu,
        text=lambda row: figures.percent(readings.run_mfu(row)),
        changes=True,
        descending=True,
        json_key="training.mfu",
    ),
    CLASS,
)
BY_KEY = {column.key: column for column in (*SERVING, *TRAINING)}
BOUNDS = {name: column for column in BY_KEY.values() for name in column.bounds}
"""The columns by the names that a filter bounds them by."""


def columns_of(scenario: Scenario, chosen: str = "") -> tuple[BoardColumn, ...]:
    """The board's columns for a service or a training run: all, or the chosen keys in their order.

    The machine always stands first; keys that the task does not have are left out.
    """
    own = TRAINING if scenario.training else SERVING
    keys = {column.key: column for column in own}
    picked = tuple(keys[key] for key in dict.fromkeys(chosen.split(",")) if key in keys and key != INSTANCE.key)
    return (INSTANCE, *picked) if picked else own
