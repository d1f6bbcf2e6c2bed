"""The catalogue from its YAML files: read, validated, merged with the user's own. Slow; a cache keeps its result."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from catalog import schema
from catalog.codec import encode
from catalog.model_listing import ModelListing
from catalog.shapes import ModelEntry
from estimator.engines.profiles import EngineProfile
from estimator.engines.speed_constants import Efficiency
from estimator.errors import Refusal, close_names
from estimator.hardware.devices import Accelerator, Fabric, Machine
from estimator.hardware.prices import InstancePrices
from estimator.scenario.inventory import Inventory

Sections = dict[str, Any]
"""Name -> JSON value: inventory, regions, models, problems, prices/<region>, model/<id>."""


class Source(NamedTuple):
    """One catalogue file: where it is, its glob in `schema.FILES`, and how messages name it."""

    path: Path
    pattern: str
    shown: str


def sources(folders: tuple[Path, ...]) -> Iterator[Source]:
    """Every catalogue file of the data folders, in a fixed order; the first folder is the packaged one."""
    for number, folder in enumerate(folders):
        for pattern in schema.FILES:
            for path in sorted(folder.glob(pattern)):
                yield Source(path, pattern, path.relative_to(folder).as_posix() if number == 0 else str(path))


def strays(folder: Path) -> Iterator[str]:
    """One problem for each YAML file of a user's folder that none of the globs finds."""
    read = {path for pattern in schema.FILES for path in folder.glob(pattern)}
    for path in sorted(set(folder.rglob("*.yaml")) | set(folder.rglob("*.yml"))):
        if path not in read and not any(part[0] in "._" for part in path.relative_to(folder).parts):
            yield f"{path}:1: {schema.UNTOLD}"


class Files:
    """The valid content of all files by kind; what is not valid is a problem."""

    def __init__(self, found: Iterable[Source]) -> None:
        self.content: dict[str, list[tuple[Source, Any]]] = {pattern: [] for pattern in schema.FILES}
        self.problems: list[str] = []
        for source in found:
            try:
                value = schema.read(source.path, schema.FILES[source.pattern], source.shown)
            except schema.Invalid as invalid:
                self.problems += invalid.problems
            else:
                self.content[source.pattern].append((source, value))

    def entries(self, pattern: str) -> Iterator[tuple[Source, str, Any]]:
        """Each entry of the files that are mappings of entries."""
        for source, mapping in self.content[pattern]:
            for name, entry in mapping.items():
                yield source, name, entry

    def last(self, pattern: str, otherwise: Any) -> Any:
        return self.content[pattern][-1][1] if self.content[pattern] else otherwise

    def complain(self, source: Source, path: tuple[str | int, ...], reason: str) -> None:
        self.problems.append(schema.problem(source.path, source.shown, path, reason))


def build(folders: tuple[Path, ...]) -> Sections:
    """The sections of the catalogue; later folders add to earlier ones or replace their entries."""
    files = Files(sources(folders))
    files.problems += [problem for folder in folders[1:] for problem in strays(folder)]
    return merge(files)


def merge(files: Files) -> Sections:
    """The sections that these files make; what one says of a thing that another lacks is added to their problems."""
    inventory = _inventory(files)
    models = {entry.id: entry for _, entry in files.content["models/*/*.yaml"]}
    sections: Sections = {
        "inventory": encode(inventory),
        "regions": {name: text for _, name, text in files.entries("regions.yaml")},
        "models": [encode(_summary(entry)) for entry in sorted(models.values(), key=lambda each: each.id.lower())],
    }
    for region, quotes in _prices(files, inventory).items():
        sections[f"prices/{region}"] = encode(quotes)
        sections["regions"].setdefault(region, region)
    for entry in models.values():
        sections[f"model/{entry.id}"] = encode(entry)
    sections["problems"] = files.problems
    return sections


def _inventory(files: Files) -> Inventory:
    fabrics: dict[str, Fabric] = {name: entry.fabric(name) for _, name, entry in files.entries("fabrics.yaml")}
    accelerators: dict[str, Accelerator] = {}
    for source, name, entry in files.entries("accelerators.yaml"):
        if entry.fabric in fabrics:
            accelerators[name] = entry.accelerator(name)
        else:
            files.complain(source, (name, "fabric"), _unknown("fabric", entry.fabric, fabrics))
    machines: dict[str, Machine] = {}
    for source, family, entry in files.entries("instances/*.yaml"):
        if entry.accelerator not in accelerators:
            reason = _unknown("accelerator", entry.accelerator, accelerators)
            files.complain(source, (family, "accelerator"), reason)
        elif entry.fabric not in fabrics:
            files.complain(source, (family, "fabric"), _unknown("fabric", entry.fabric, fabrics))
        else:
            socket = accelerators[entry.accelerator].bandwidth_bytes_per_s if entry.kind == "host" else 0.0
            machines |= {machine.id: machine for machine in entry.machines(family, socket)}
    machines |= _devices(accelerators, machines)
    engines: tuple[EngineProfile, ...] = files.last("engines.yaml", ())
    efficiency, training = files.last("efficiency.yaml", Efficiency()), files.last("training.yaml", None)
    sizes = {name: shape for _, name, shape in files.entries("sizes.yaml")}
    return Inventory(
        accelerators=accelerators,
        fabrics=fabrics,
        machines=machines,
        engines=engines,
        efficiency=efficiency,
        training=training,
        sizes=sizes,
    )


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    near = close_names(name, known)
    return Refusal(kind, f"no {kind} {name!r}", tuple(near)).complaint + ("" if near else f"; add it to {kind}s.yaml")


def _devices(accelerators: dict[str, Accelerator], machines: dict[str, Machine]) -> dict[str, Machine]:
    """Accelerators that no machine holds, each alone."""
    held = {machine.accelerator for machine in machines.values()}
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
        if each.id not in held and each.kind != "cpu"
    }


def _prices(files: Files, inventory: Inventory) -> dict[str, dict[str, InstancePrices]]:
    """By region. Hosts and stand-alone devices without a price are unpriced there, not refused."""
    regions: dict[str, dict[str, InstancePrices]] = {}
    for source, entry in files.content["prices/*.yaml"]:
        for number, batch in enumerate(entry.quotes):
            for name in batch.usd_per_hour.keys() - inventory.machines.keys():
                path = ("quotes", number, "usd_per_hour", name)
                files.complain(source, path, _unknown("instance", name, inventory.machines))
        regions[entry.region] = entry.over(regions.get(entry.region, {}))
    anywhere = [machine.id for machine in inventory.machines.values() if machine.kind != "cloud"]
    return {region: dict.fromkeys(anywhere, InstancePrices()) | quotes for region, quotes in regions.items()}


def _summary(entry: ModelEntry) -> ModelListing:
    parameters = (entry.published or {}).get("total")
    return ModelListing(entry.id, entry.aliases, entry.family, entry.release, parameters)
