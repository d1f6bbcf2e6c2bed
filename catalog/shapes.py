"""Shapes of the YAML files, and the estimator's values that they stand for. Units as people write them."""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Predicate

from estimator.bounds import Ge, Gt, Le
from estimator.hardware.devices import Accelerator, AllReduce, Fabric, Machine
from estimator.hardware.prices import InstancePrices, Price
from estimator.units import GB, GIB, GIGA, MIB, MICROSECOND, TERA


def is_date(text: str) -> bool:
    """2026, 2026-10 or 2026-10-31."""
    return re.fullmatch(r"20\d\d(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", text) is not None


Date = Annotated[str, Predicate(is_date)]
Positive = Annotated[float, Gt(0), Le(1e9)]
Amount = Annotated[float, Ge(0), Le(1e9)]
Whole = Annotated[int, Ge(0), Le(10**9)]
Confidence = Literal["high", "medium", "low"]
Purchase = Literal["on-demand", "spot", "capacity-block"]
Terms = Literal["on-demand", "spot", "reserved-1y", "reserved-3y", "savings-1y", "savings-3y", "capacity-block"]
PriceKind = Literal["list", "derived", "snapshot", "estimate"]


@dataclass(frozen=True, slots=True)
class MemoryEntry:
    bandwidth_gb_s: Positive
    sold_gb: Amount = 0.0
    usable_mib: Amount = 0.0
    l2_mib: Amount = 0.0
    type: str = ""


@dataclass(frozen=True, slots=True)
class PeakEntry:
    """Peaks of an accelerator in a file: dense TFLOPS (or TOPS); 0 where the device lacks the format."""

    fp32: Amount = 0.0
    tf32: Amount = 0.0
    fp16: Amount = 0.0
    bf16: Amount = 0.0
    fp8: Amount = 0.0
    int8: Amount = 0.0
    fp4: Amount = 0.0
    int4: Amount = 0.0


@dataclass(frozen=True, slots=True)
class AcceleratorEntry:
    name: str
    vendor: str
    memory: MemoryEntry
    source: str
    as_of: Date
    label: str = ""
    kind: Literal["gpu", "neuron", "hpu", "tpu", "apple", "cpu", "other"] = "gpu"
    generation: str = ""
    kernels: str = "generic"
    dense_tflops: PeakEntry = field(default_factory=PeakEntry)
    fabric: str = "none"
    cores: Annotated[int, Ge(1), Le(1024)] = 1
    compute_capability: Amount = 0.0
    power_watts: Positive | None = None
    release_year: Annotated[int, Ge(2000), Le(2100)] | None = None
    list_price_usd: Positive | None = None
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    confidence: Confidence = "high"
    note: str = ""

    def accelerator(self, name: str) -> Accelerator:
        peaks = self.dense_tflops
        return Accelerator(
            id=name,
            name=self.name,
            label=self.label or self.name,
            vendor=self.vendor,
            kind=self.kind,
            generation=self.generation,
            kernels=self.kernels,
            memory_sold_gb=self.memory.sold_gb,
            memory_usable_bytes=round(self.memory.usable_mib * MIB),
            bandwidth_bytes_per_s=self.memory.bandwidth_gb_s * GB,
            l2_bytes=self.memory.l2_mib * MIB,
            fp32_flops=peaks.fp32 * TERA,
            tf32_flops=peaks.tf32 * TERA,
            fp16_flops=peaks.fp16 * TERA,
            bf16_flops=peaks.bf16 * TERA,
            fp8_flops=peaks.fp8 * TERA,
            int8_flops=peaks.int8 * TERA,
            fp4_flops=peaks.fp4 * TERA,
            int4_flops=peaks.int4 * TERA,
            fabric=self.fabric,
            compute_capability=self.compute_capability,
            tdp_watts=self.power_watts,
            release_year=self.release_year,
            list_price_usd=self.list_price_usd,
            cores=self.cores,
            tags=self.tags,
            aliases=self.aliases,
            confidence=self.confidence,
            note=self.note,
            source=self.source,
            as_of=self.as_of,
        )


@dataclass(frozen=True, slots=True)
class AllReduceEntry:
    alpha_us: Positive
    bandwidth_gb_s: Positive
    q: Annotated[float, Gt(0), Le(10)] = 1.0


@dataclass(frozen=True, slots=True)
class FabricEntry:
    name: str
    link_gb_s: Amount
    source: str
    all_reduce: dict[Annotated[int, Ge(2), Le(4096)], AllReduceEntry] = field(default_factory=dict)

    def fabric(self, name: str) -> Fabric:
        measured = {
            devices: AllReduce(entry.alpha_us * MICROSECOND, entry.bandwidth_gb_s * GB, entry.q)
            for devices, entry in sorted(self.all_reduce.items())
        }
        return Fabric(
            id=name, name=self.name, link_bytes_per_s=self.link_gb_s * GB, all_reduce=measured, source=self.source
        )


@dataclass(frozen=True, slots=True)
class SizeEntry:
    count: Annotated[float, Gt(0), Le(4096)]
    vcpus: Whole
    memory_gib: Positive
    fast_domain: Annotated[int, Ge(1), Le(4096)] = 1
    network_gbps: Amount = 0.0
    network_baseline_gbps: Positive | None = None
    network: str = ""
    efa: bool = False
    nvme_gb: Amount = 0.0
    purchase: tuple[Purchase, ...] | None = None


@dataclass(frozen=True, slots=True)
class FamilyEntry:
    """Instance types that share an accelerator, as a file lists them."""

    accelerator: str
    sizes: dict[str, SizeEntry]
    source: str
    as_of: Date
    kind: Literal["cloud", "host"] = "cloud"
    fabric: str = "none"
    """Between the accelerators of the sizes that have several."""
    cpu_architecture: Literal["x86_64", "arm64"] = "x86_64"
    purchase: tuple[Purchase, ...] = ("on-demand", "spot")
    end_of_life: bool = False
    note: str = ""

    def machines(self, family: str, memory_bandwidth_bytes_per_s: float) -> list[Machine]:
        """`memory_bandwidth_bytes_per_s` is that of one CPU socket; 0 where the accelerators count, not the host."""
        return [
            Machine(
                id=name,
                family=family,
                accelerator=self.accelerator,
                count=size.count,
                fabric=self.fabric if size.count > 1 else "none",
                vcpus=size.vcpus,
                memory_bytes=round(size.memory_gib * GIB),
                kind=self.kind,
                fast_domain=size.fast_domain,
                network_bytes_per_s=(size.network_baseline_gbps or size.network_gbps) * GIGA / 8,
                network_text=size.network or _network(size),
                efa=size.efa,
                nvme_bytes=round(size.nvme_gb * GB),
                cpu_architecture=self.cpu_architecture,
                memory_bandwidth_bytes_per_s=memory_bandwidth_bytes_per_s * size.count,
                purchase=size.purchase or self.purchase,
                end_of_life=self.end_of_life,
                note=self.note,
                source=self.source,
                as_of=self.as_of,
            )
            for name, size in self.sizes.items()
        ]


def _network(size: SizeEntry) -> str:
    upto = "up to " if size.network_baseline_gbps else ""
    return f"{upto}{size.network_gbps:g} Gbit/s" if size.network_gbps else ""


@dataclass(frozen=True, slots=True)
class QuoteBatch:
    """Prices that share their terms, kind, date and source."""

    terms: Terms
    kind: PriceKind
    as_of: Date
    source: str
    usd_per_hour: dict[str, Positive | tuple[Positive, Positive]]
    """One price, or the lowest and the highest of a region's zones, whose middle is taken for typical."""
    range: tuple[Positive, Positive] | None = None
    """Factors from a single price to its lowest and highest; never above on-demand."""
    stands_in_for: Terms | None = None
    """Terms that usually cost the same and have no published rate; quoted as derived."""

    def price(self, name: str) -> Price:
        usd = self.usd_per_hour[name]
        if isinstance(usd, tuple):
            low, high = sorted(usd)
            return Price(
                usd_per_hour=(low + high) / 2, kind=self.kind, as_of=self.as_of, low=low, high=high, source=self.source
            )
        if self.range:
            return Price(
                usd_per_hour=usd,
                kind=self.kind,
                as_of=self.as_of,
                low=usd * self.range[0],
                high=usd * self.range[1],
                source=self.source,
            )
        return Price(usd, self.kind, self.as_of, source=self.source)


@dataclass(frozen=True, slots=True)
class PriceCut:
    """A day on which the list prices of some families were lowered: older quotes of these terms are too high."""

    families: tuple[str, ...]
    terms: tuple[Terms, ...]
    on: Date
    source: str

    def outdates(self, family: str, terms: str, as_of: str) -> bool:
        """Whether a quote of that date is from before the cut; part of a date is before what it is the start of."""
        return family in self.families and terms in self.terms and as_of < self.on


@dataclass(frozen=True, slots=True)
class PricesEntry:
    """One region. A type that appears nowhere in it is not offered there."""

    region: str
    quotes: tuple[QuoteBatch, ...]
    spot_interruption: dict[str, tuple[str, ...]] = field(default_factory=dict)
    offered_without_price: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)

    def over(self, quotes: dict[str, InstancePrices]) -> dict[str, InstancePrices]:
        """These prices laid over others; a later batch wins."""
        merged = {name: prices._asdict() for name, prices in quotes.items()}
        for name in self.offered_without_price:
            merged.setdefault(name, {})
        for batch in self.quotes:
            for name in batch.usd_per_hour:
                price = batch.price(name)
                row = merged.setdefault(name, {})
                row[batch.terms.replace("-", "_")] = price
                if batch.stands_in_for:
                    row[batch.stands_in_for.replace("-", "_")] = price._replace(kind="derived")
        for band, names in self.spot_interruption.items():
            for name in names:
                merged.setdefault(name, {})["spot_interruption"] = band
        for name, note in self.notes.items():
            merged.setdefault(name, {})["note"] = note
        return {name: _capped(InstancePrices(**row)) for name, row in merged.items()}


def _capped(prices: InstancePrices) -> InstancePrices:
    """A spot price never exceeds on-demand."""
    spot, on_demand = prices.spot, prices.on_demand
    if not (spot and on_demand):
        return prices
    most = on_demand.usd_per_hour
    low, high = (None if price is None else min(price, most) for price in (spot.low, spot.high))
    return prices._replace(spot=spot._replace(usd_per_hour=min(spot.usd_per_hour, most), low=low, high=high))


@dataclass(frozen=True, slots=True)
class PublishedEntry:
    """What an upload's page or files say of it."""

    total: Annotated[int, Ge(0), Le(10**15)] | None = None
    """Parameters."""
    counts: tuple[str, ...] = ()
    """What the total counts beside the language model: mtp, vision, fp8-scales …"""
    extras: dict[str, Annotated[int, Ge(-(10**15)), Le(10**15)]] = field(default_factory=dict)
    """Parameters that only the source knows of, by what they are."""
    active: Annotated[int, Ge(0), Le(10**15)] | None = None
    """Parameters that one token uses."""
    stored_bytes: Annotated[int, Ge(0), Le(10**16)] | None = None
    """Bytes of all weight files."""
    safetensors_bytes: Annotated[int, Ge(0), Le(10**16)] | None = None
    """Bytes that the index of its safetensors files states."""
    safetensors_of: str = ""
    """The upload that `safetensors_bytes` is of, where it is another."""
    repository: str = ""
    """The upload that the total is of, where it is another."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One checkpoint: its config.json (reduced) and what its card says; `estimator.models.model` reads it."""

    id: str
    config: dict[str, Any]
    source: str
    as_of: Date
    aliases: tuple[str, ...] = ()
    family: str = ""
    quantization: dict[str, Any] | None = None
    published: PublishedEntry | None = None
    kv: dict[str, Any] | None = None
    licence: str = ""
    release: str = ""
