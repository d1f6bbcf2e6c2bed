"""A small leaderboard made by hand, so that pictures of it do not move with prices or constants."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import cast

from catalog.load import Catalog
from catalog.model_listing import ModelListing
from estimator.engines.speed_constants import Efficiency
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator, AllReduce, Fabric, Machine
from estimator.hardware.elsewhere import Rental
from estimator.hardware.prices import RegionPrices
from estimator.layout import Layout
from estimator.models.architecture import Architecture, Layer, LayerGroup
from estimator.models.mixers.attention import Attention
from estimator.models.mlps import DenseMlp
from estimator.models.model import Model
from estimator.models.tensors import Tensor
from estimator.results import (
    Band,
    Candidate,
    Confidence,
    CostReport,
    Evaluation,
    Leaderboard,
    MemoryReport,
    OperatorTime,
    PerformanceReport,
    PriceState,
)
from estimator.scenario.inventory import Inventory
from estimator.scenario.scenario import Scenario
from estimator.units import GB, GIB
from tui.state.answer import Answer
from tui.state.calculator import Calculator
from tui.state.pins import Pin
from tui.state.session import Session

# machine, accelerator, devices, GB each, usable GiB, replicas, tp, $/h, class, tie, best
MACHINES = (
    ("g6e.12xlarge", "l40s", 4, 48, 44.4, 1, 4, 10.49, "A", False, False),
    ("g7e.12xlarge", "rtx-pro-6000", 2, 96, 94.9, 1, 2, 11.2, "C", True, True),
    ("g6.48xlarge", "l4", 8, 24, 22.3, 1, 8, 13.35, "B", False, False),
    ("p4d.24xlarge", "a100-40", 8, 40, 39.4, 1, 8, 21.96, "A", False, False),
    ("p4de.24xlarge", "a100-80", 8, 80, 79.3, 2, 4, 27.45, "A", True, False),
    ("p5.48xlarge", "h100-sxm", 8, 80, 79.6, 4, 2, 55.04, "A", False, False),
    ("p6-b200.48xlarge", "b200", 8, 180, 178.4, 8, 1, 113.93, "B", False, False),
)
BLOCK_ONLY = ("p5e.48xlarge", "h200", 8, 141, 140.1, 4, 2, None, "A", False, False)
SHORT = (
    ("p5.4xlarge", "h100-sxm", 1, 80, 79.6, 1, 1, 6.88, 4.1, "w int4-awq fits"),
    ("g6.12xlarge", "l4", 4, 24, 22.3, 1, 4, 4.6, 9.75, "w int4-awq fits"),
    ("g5.xlarge", "a10g", 1, 24, 22.1, 1, 1, 1.006, 61.2, None),
)


def band(typical: float, half: float = 0.15) -> Band:
    return Band(typical * (1 - half), typical, typical * (1 + half))


def cost(price: float | None, tokens_per_s: float, memory_gb: float, state: PriceState) -> CostReport:
    if price is None:
        return CostReport(state)
    output = price / 3600 / tokens_per_s * 1e6
    return CostReport(
        state,
        price,
        price_kind="list",
        price_as_of="2026-07-20",
        usd_per_1m_tokens=band(output / 5, 0.28),
        usd_per_1m_input_tokens=band(output / 9, 0.28),
        usd_per_1m_output_tokens=band(output, 0.28),
        usd_per_request=band(output / 2000, 0.28),
        usd_per_month=price * 730,
        usd_per_hour_per_gb=price / memory_gb,
    )


def memory_report(
    usable_gib: float, sold_gb: int, weights_bytes: float, scenario: Scenario, short_gib: float
) -> MemoryReport:
    usable = usable_gib * GIB
    pool = 0.9 * usable - weights_bytes - 3 * GIB
    per_token = (40_960 if scenario.kv == "bf16" else 20_480) * 2
    capacity = max(0, int(pool / per_token))
    return MemoryReport(
        device_bytes=sold_gb * GB,
        usable_bytes=int(usable),
        visible_bytes=usable,
        budget_bytes=0.9 * usable,
        weights_bytes=weights_bytes,
        activation_bytes=2 * GIB,
        runtime_bytes=0.75 * GIB,
        cuda_graph_bytes=0.25 * GIB,
        cuda_graphs_in_budget=True,
        left_bytes=-short_gib * GIB if short_gib else pool,
        kv_cache_bytes=0 if short_gib else pool,
        utilization=0.9,
        kv_bytes_per_token=per_token,
        kv_capacity_tokens=capacity,
        max_concurrency=capacity / scenario.workload.total_tokens,
        max_context_tokens=capacity,
        request_bytes=per_token * scenario.workload.total_tokens,
        shortfall_bytes=short_gib * GIB,
    )


def performance(devices: int, replicas: int, bandwidth: float, scenario: Scenario) -> PerformanceReport:
    """Slower with more users and longer prompts, faster with more devices; nothing more."""
    users = scenario.workload.concurrency / replicas
    tpot = (0.008 + 0.0004 * users) * 8 / devices * bandwidth
    ttft = 0.0001 * scenario.workload.input_tokens * 8 / devices * bandwidth
    speed = scenario.workload.concurrency / tpot
    return PerformanceReport(
        concurrency=users,
        ttft_s=band(ttft),
        tpot_s=band(tpot),
        request_latency_s=band(ttft + 512 * tpot),
        tokens_per_s_per_user=band(1 / tpot),
        output_tokens_per_s_per_replica=band(speed / replicas),
        output_tokens_per_s=band(speed),
        total_tokens_per_s=band(speed * 5),
        requests_per_s=band(speed / 512),
        prefill_bound="compute",
        decode_bound="memory",
        prefill_time_share=0.2,
        prefill=(OperatorTime("gemm", 0.8 * ttft, "compute"), OperatorTime("all-reduce", 0.2 * ttft, "network")),
        decode=(OperatorTime("gemm", 0.7 * tpot, "memory"), OperatorTime("all-reduce", 0.3 * tpot, "network")),
    )


def rank(
    model: Model,
    scenario: Scenario,
    inventory: Inventory,
    prices: RegionPrices,
    machines: Iterable[Machine] | None = None,
) -> Leaderboard:
    """The hand-made rows, moved by the scenario in the plainest way."""
    if scenario.weights == "nf4":
        raise InputError("weights", "nf4 is not served by vllm")
    bits = {"bf16": 16, "fp8": 8, "int8": 8}.get(scenario.weights, 4.5)
    weights = 70.6e9 * bits / 8
    discount = 1.0 if scenario.price_terms == "on-demand" else 0.6
    dear = 1.2 if scenario.region == "eu-central-1" else 1.0
    rows = []
    for rank_of, (name, device, count, sold, usable, replicas, tp, price, grade, tie, best) in enumerate(
        (*MACHINES, BLOCK_ONLY)
    ):
        speed = performance(count, replicas, 1.5 / (1 + rank_of / 4), scenario)
        rows.append(
            Evaluation(
                Candidate(name, 1, device, count, Layout(tp=tp), replicas),
                "fits",
                None,
                confidence(grade),
                memory := memory_report(usable, sold, weights / tp, scenario, 0),
                speed,
                cost(
                    price and price * discount * dear,
                    speed.output_tokens_per_s.typical,
                    count * sold,
                    "capacity_block_only" if price is None else "priced",
                ),
                max_users=int(memory.max_concurrency) * replicas,
                best_value=best,
                tie=tie,
            )
        )
    for name, device, count, sold, usable, replicas, tp, price, short, advice in SHORT:
        rows.append(
            Evaluation(
                Candidate(name, 1, device, count, Layout(tp=tp), replicas),
                "does_not_fit",
                f"{short} GiB short",
                "A",
                memory_report(usable, sold, weights / tp, scenario, short),
                None,
                cost(price * discount * dear, 1, count * sold, "priced"),
                suggestion=advice,
            )
        )
    return Leaderboard(tuple(rows), 37)


def confidence(grade: str) -> Confidence:
    assert grade in ("A", "B", "C")
    return grade  # type: ignore[return-value]


class Shelf:
    """What the application asks of a catalogue: two models, the machines of the board, two regions."""

    regions = MappingProxyType({"us-east-1": "N. Virginia", "eu-central-1": "Frankfurt", "us-west-2": "Oregon"})
    problems: tuple[str, ...] = ()
    elsewhere: tuple[Rental, ...] = ()
    model_ids = ("meta-llama/Llama-3.3-70B-Instruct", "meta-llama/Llama-3.1-8B-Instruct", "openai/gpt-oss-20b")

    def __init__(self) -> None:
        self.inventory = inventory()
        self.models = {id: ModelListing(id) for id in self.model_ids}

    def lists(self, model_id: str) -> bool:
        return model_id in self.models

    def model_id(self, name: str) -> str:
        if name not in self.model_ids:
            raise InputError("model", f"unknown model {name!r}")
        return name

    def prices(self, region: str) -> RegionPrices:
        if region not in self.regions:
            raise InputError("region", f"unknown region {region!r}")
        return RegionPrices(region, {})


class PlainCalculator(Calculator):
    """Ranks by hand."""

    def __init__(self) -> None:
        super().__init__(cast(Catalog, Shelf()))

    def model(self, name: str) -> Model:
        if name not in self.catalog.model_ids:
            raise InputError("model", f"unknown model {name!r}")
        return self.resolved.setdefault(name, tiny_model(name))

    def rank(self, session: Session, model: Model, prices: RegionPrices) -> Leaderboard:
        return rank(model, session.scenario, self.catalog.inventory, prices)

    def detail(self, answer: Answer, row: Evaluation) -> Evaluation:
        return row

    def pinned(self, pin: Pin) -> Answer:
        session = Session(scenario=pin.scenario)
        model, prices = self.model(pin.scenario.model), self.catalog.prices(pin.scenario.region)
        rows = [row for row in self.rank(session, model, prices).rows if row.candidate.machine == pin.machine]
        return Answer(session, model, self.catalog.inventory, Leaderboard(tuple(rows), 1), tuple(rows), prices)


def tiny_model(name: str) -> Model:
    grouped = Attention(hidden=8192, heads=64, kv_heads=8, head_dim=128)
    shape = Architecture(
        class_name="LlamaForCausalLM",
        hidden=8192,
        vocabulary=128_256,
        groups=(LayerGroup(80, Layer(grouped, DenseMlp(8192, 28_672))),),
        embedding=(Tensor("embed_tokens", "embedding", 128_256, 8192),),
        head=(Tensor("lm_head", "head", 128_256, 8192),),
        final=(),
        max_context=131_072,
    )
    native = "mxfp4" if "gpt-oss" in name else "bf16"
    return Model(name, shape, native, licence="llama3.3", release="2024-12-06", source="https://huggingface.co/" + name)


def inventory() -> Inventory:
    devices = {row[1]: row[3] for row in (*MACHINES, BLOCK_ONLY)} | {"a10g": 24}
    links = AllReduce(1e-5, 1e11, 1.0)
    fabrics = {name: Fabric(name, name.upper(), 1e11, {2: links, 8: links}) for name in ("pcie", "nvswitch")}
    sold = {row[0]: (row[1], row[2]) for row in (*MACHINES, BLOCK_ONLY, *SHORT)}
    return Inventory(
        {
            id: Accelerator(
                id=id,
                name=f"NVIDIA {id.upper()}",
                label=id.upper(),
                vendor="nvidia",
                kind="gpu",
                generation="hopper",
                kernels="h100",
                memory_sold_gb=gb,
                memory_usable_bytes=int(gb * GB * 0.98),
                bandwidth_bytes_per_s=2e12,
            )
            for id, gb in devices.items()
        },
        fabrics,
        {
            name: Machine(
                name, name.partition(".")[0], device, count, "nvswitch" if count == 8 else "pcie", 48, 384 * GIB
            )
            for name, (device, count) in sold.items()
        },
        (),
        cast(Efficiency, None),
    )
