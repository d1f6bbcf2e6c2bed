"""The catalogue from its YAML files: read, validated, merged with the user's own. Slow; a cache keeps its result."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from catalog import schema, yaml_file
from catalog.codec import encode
from catalog.model_listing import ModelListing
from catalog.references import Fault, constant_faults, device_faults, engine_faults, unknown
from catalog.shapes import ModelEntry, PriceCut
from estimator.advice.decisions import Decisions
from estimator.engines.kernel_constants import LlamaCpp, Network, NeuronSpeed
from estimator.engines.profiles import EngineProfile, version_key
from estimator.engines.speed_constants import Efficiency
from estimator.engines.spreads import Spread
from estimator.hardware.devices import Accelerator, Fabric, Machine
from estimator.hardware.elsewhere import Rental
from estimator.hardware.managed import ManagedPrices
from estimator.hardware.power import PowerConstants
from estimator.hardware.prices import InstancePrices
from estimator.scenario.inventory import Inventory

Sections = dict[str, Any]
"""Name -> JSON value: inventory, regions, models, problems, prices/<region>, model/<id>."""


LAYERED = frozenset({"efficiency.yaml", "training.yaml"})
"""Files of constants: a user's own holds what differs, key by key, from the packaged one."""

NO_CONSTANTS = Efficiency(
    kernels={},
    evidence={},
    engines={},
    llama_cpp=LlamaCpp(
        kernels={},
        devices={},
        cache_memory=0.0,
        device_us=0.0,
        pipeline=0.0,
        reduce_us=0.0,
        vector_compute=0.0,
        tile_rows=0.0,
        expert_tile_rows=0.0,
    ),
    neuron=NeuronSpeed(memory=0.0, cache_memory=0.0, layer_us=0.0, compute=0.0, all_reduce=0.0),
    network=Network(latency_us=0.0, bandwidth_gb_s=0.0),
    pipeline_stall=0.0,
    sparse_index_us=0.0,
    routing_entropy=0.0,
    expert_skew=0.0,
    bands=(),
    bands_source="",
    accepted={},
    draft_gain=Spread(1.0, 1.0),
    bandwidth_of_parts={},
)
"""Constants of folders without a valid efficiency.yaml: no accelerator and no engine finds its constants there."""


class Source(NamedTuple):
    """One catalogue file: where it is, its glob in `schema.FILES`, and how messages name it."""

    path: Path
    pattern: str
    shown: str


def sources(folders: tuple[Path, ...]) -> Iterator[Source]:
    """Every catalogue file of the data folders, in a fixed order; the first folder is the packaged one."""
    for number, folder in enumerate(folders):
        for pattern in schema.FILES:
            for path in _matching(folder, pattern):
                yield Source(path, pattern, path.relative_to(folder).as_posix() if number == 0 else str(path))


def _matching(folder: Path, pattern: str) -> list[Path]:
    """The files of a glob; hidden ones are an editor's locks and copies. None where the folder can not be entered."""
    try:
        return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
    except OSError:
        return []


def strays(folder: Path) -> Iterator[str]:
    """One problem for each YAML file of a user's folder that none of the globs finds."""
    read = {path for pattern in schema.FILES for path in _matching(folder, pattern)}
    for path in sorted({*_matching(folder, "**/*.yaml"), *_matching(folder, "**/*.yml")}):
        if path not in read and not any(part[0] in "._" for part in path.relative_to(folder).parts):
            yield f"{path}:1: {schema.UNRECOGNISED}"


class Files:
    """The valid content of all catalogue files by kind, and a problem for everything that is not valid."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.content: dict[str, list[tuple[Source, Any]]] = {pattern: [] for pattern in schema.FILES}
        self.problems: list[str] = []
        layers: dict[str, yaml_file.Document] = {}
        for source in sources:
            try:
                document = schema.document(source.path, source.shown)
                if source.pattern in layers:
                    document = document.over(layers[source.pattern])
                value = schema.validate(document, schema.FILES[source.pattern], source.shown)
            except schema.Invalid as invalid:
                self.problems += invalid.problems
            else:
                self.content[source.pattern].append((source, value))
                if source.pattern in LAYERED:
                    layers[source.pattern] = document

    def entries(self, pattern: str) -> Iterator[tuple[Source, str, Any]]:
        """Each entry of the files that are mappings of entries."""
        for source, mapping in self.content[pattern]:
            for name, entry in mapping.items():
                yield source, name, entry

    def last(self, pattern: str, otherwise: Any) -> Any:
        return self.content[pattern][-1][1] if self.content[pattern] else otherwise

    def complain(self, source: Source, path: yaml_file.Place, reason: str) -> None:
        self.problems.append(schema.problem(source.path, source.shown, path, reason))

    def complain_of(self, source: Source, faults: Iterable[Fault]) -> set[str | int]:
        """Notes every fault of a file as a problem; returns the entries that have one."""
        entries = set()
        for fault in faults:
            self.complain(source, fault.place, fault.reason)
            entries.add(fault.place[0])
        return entries


def build(folders: tuple[Path, ...]) -> Sections:
    """The sections of the catalogue from its data folders; later folders add to earlier ones or replace their
    entries.
    """
    files = Files(sources(folders))
    files.problems += [problem for folder in folders[1:] for problem in strays(folder)]
    return merge(files)


def merge(files: Files) -> Sections:
    """The sections that valid files make; a name in one file that no other defines is added to their problems."""
    inventory = _inventory(files)
    models = {entry.id: entry for _, entry in files.content["models/*/*.yaml"]}
    sections: Sections = {
        "inventory": encode(inventory),
        "regions": {name: text for _, name, text in files.entries("regions.yaml")},
        "models": [encode(_listing(entry)) for entry in sorted(models.values(), key=lambda each: each.id.lower())],
    }
    for region, quotes in _prices(files, inventory).items():
        sections[f"prices/{region}"] = encode(quotes)
        sections["regions"].setdefault(region, region)
    for entry in models.values():
        sections[f"model/{entry.id}"] = encode(entry)
    sections["decisions"] = encode(files.last("decisions.yaml", Decisions()))
    sections["sagemaker"] = encode(files.last("sagemaker_prices.yaml", ManagedPrices("", "", "")))
    sections["quality"] = {name: encode(note) for _, name, note in files.entries("quality.yaml")}
    sections["api_prices"] = {name: encode(price) for _, name, price in files.entries("api_prices.yaml")}
    sections["elsewhere"] = [encode(each) for each in _elsewhere(files, inventory)]
    sections["problems"] = files.problems
    return sections


def _elsewhere(files: Files, inventory: Inventory) -> Iterator[Rental]:
    """Other clouds' machines whose accelerators are known."""
    for source, rentals in files.content["elsewhere.yaml"][-1:]:
        for place, each in enumerate(rentals):
            if each.accelerator in inventory.accelerators:
                yield each
            else:
                reason = unknown("accelerator", each.accelerator, inventory.accelerators, "accelerators.yaml")
                files.complain(source, (place, "accelerator"), reason)


def _inventory(files: Files) -> Inventory:
    fabrics: dict[str, Fabric] = {name: entry.fabric(name) for _, name, entry in files.entries("fabrics.yaml")}
    efficiency: Efficiency = files.last("efficiency.yaml", NO_CONSTANTS)
    power: PowerConstants | None = files.last("power.yaml", None)
    accelerators: dict[str, Accelerator] = {}
    for source, name, entry in files.entries("accelerators.yaml"):
        if entry.fabric not in fabrics:
            files.complain(source, (name, "fabric"), unknown("fabric", entry.fabric, fabrics, "fabrics.yaml"))
        elif entry.kernels not in efficiency.kernels:
            reason = unknown("kernel class", entry.kernels, efficiency.kernels, "efficiency.yaml")
            files.complain(source, (name, "kernels"), reason)
        else:
            accelerators[name] = _with_idle_power(entry.accelerator(name), power)
    for source, constants in files.content["efficiency.yaml"][-1:]:
        files.complain_of(source, constant_faults(constants, accelerators))
    machines: dict[str, Machine] = {}
    for source, family, entry in files.entries("instances/*.yaml"):
        if entry.accelerator not in accelerators:
            reason = unknown("accelerator", entry.accelerator, accelerators, "accelerators.yaml")
            files.complain(source, (family, "accelerator"), reason)
        elif entry.fabric not in fabrics:
            files.complain(source, (family, "fabric"), unknown("fabric", entry.fabric, fabrics, "fabrics.yaml"))
        else:
            socket = accelerators[entry.accelerator].bandwidth_bytes_per_s if entry.kind == "host" else 0.0
            machines |= {machine.id: machine for machine in entry.machines(family, socket)}
    machines |= _devices(accelerators, machines)
    sizes = {name: shape for _, name, shape in files.entries("sizes.yaml")}
    return Inventory(
        accelerators=accelerators,
        fabrics=fabrics,
        machines=machines,
        engines=_engines(files, efficiency, accelerators),
        efficiency=efficiency,
        training=files.last("training.yaml", None),
        sizes=sizes,
        power=power,
    )


def _with_idle_power(device: Accelerator, power: PowerConstants | None) -> Accelerator:
    """The device with what it draws without work, where its power is known."""
    if power is None or device.tdp_watts is None:
        return device
    return replace(device, idle_watts=device.tdp_watts * power.idle_share)


def _engines(files: Files, efficiency: Efficiency, accelerators: dict[str, Accelerator]) -> tuple[EngineProfile, ...]:
    """Every engine's profiles by ascending version; a later file adds or replaces versions."""
    engines: dict[str, dict[tuple[int, ...], EngineProfile]] = {}
    for source, profiles in files.content["engines.yaml"]:
        faults = (*engine_faults(profiles, efficiency), *device_faults(profiles, accelerators.values()))
        faulty = files.complain_of(source, faults)
        for number, profile in enumerate(profiles):
            if number not in faulty:
                engines.setdefault(profile.id, {})[version_key(profile.version)] = profile
    return tuple(profile for versions in engines.values() for _, profile in sorted(versions.items()))


def _devices(accelerators: dict[str, Accelerator], machines: dict[str, Machine]) -> dict[str, Machine]:
    """Accelerators that no machine holds, each alone."""
    in_machines = {machine.accelerator for machine in machines.values()}
    return {
        each.id: Machine(
            id=each.id,
            family=each.vendor,
            accelerator=each.id,
            count=1.0,
            fabric="none",
            vcpus=0,
            memory_bytes=0,
            kind="device",
            note=each.note,
            source=each.source,
            as_of=each.as_of,
        )
        for each in accelerators.values()
        if each.id not in in_machines and each.kind != "cpu"
    }


def _prices(files: Files, inventory: Inventory) -> dict[str, dict[str, InstancePrices]]:
    """By region. Hosts and stand-alone devices without a price are unpriced there, not refused."""
    regions: dict[str, dict[str, InstancePrices]] = {}
    for source, entry in files.content["prices/*.yaml"]:
        for number, batch in enumerate(entry.quotes):
            for name in batch.usd_per_hour.keys() - inventory.machines.keys():
                path = ("quotes", number, "usd_per_hour", name)
                files.complain(source, path, unknown("instance", name, inventory.machines, "instances/*.yaml"))
        regions[entry.region] = entry.over(regions.get(entry.region, {}))
    cuts = [cut for _, cuts in files.content["price_cuts.yaml"] for cut in cuts]
    for quotes in regions.values():
        for name, prices in quotes.items():
            if machine := inventory.machines.get(name):
                quotes[name] = _after_cuts(prices, machine.family, cuts)
    for quotes in regions.values():
        quotes |= _derived(quotes, regions.get(LIST_REGION, {}))
    anywhere = [machine.id for machine in inventory.machines.values() if machine.kind != "cloud"]
    return {region: dict.fromkeys(anywhere, InstancePrices()) | quotes for region, quotes in regions.items()}


LIST_REGION = "us-east-1"
"""Where list prices are read most often; ratios of other regions to it have stood still (g5, g6, g6e: to 0.02 %)."""


def _derived(quotes: dict[str, InstancePrices], listed: dict[str, InstancePrices]) -> dict[str, InstancePrices]:
    """The types whose own list price is older than the one of `LIST_REGION`, with what follows from that one.

    `price_cuts.yaml` names every family whose list price changed since 2025-04-04 (compared in us-east-1 on
    2026-07-20). Without a cut in between the price of then, times the ratio, is the region's own price still.
    """
    derived = {}
    for name, offered in quotes.items():
        own, there = offered.on_demand, listed[name].on_demand if name in listed else None
        if own and there and own.kind == there.kind == "list" and not own.cut_on and own.as_of < there.as_of:
            source = f"{own.source}; {LIST_REGION} lists the type unchanged on {there.as_of}"
            price = own._replace(kind="derived", as_of=there.as_of, source=source)
            derived[name] = offered._replace(on_demand_derived=price)
    return derived


def _after_cuts(prices: InstancePrices, family: str, cuts: Iterable[PriceCut]) -> InstancePrices:
    """The prices, each with the day of a later cut of its list price where one is known."""
    for cut in cuts:
        for terms in cut.terms:
            price = prices.quote(terms)
            if price and cut.outdates(family, terms, price.as_of):
                cut_price = {terms.replace("-", "_"): price._replace(cut_on=cut.on)}
                prices = InstancePrices(**(prices._asdict() | cut_price))
    return prices


def _listing(entry: ModelEntry) -> ModelListing:
    parameters = entry.published.total if entry.published else None
    return ModelListing(
        id=entry.id, aliases=entry.aliases, family=entry.family, release=entry.release, parameters=parameters
    )
