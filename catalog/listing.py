"""The catalogue as rows and pages, for the verbs `catalog list`, `show` and `check`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from catalog.codec import encode
from catalog.load import Catalog
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator, Machine
from estimator.hardware.elsewhere import cheapest_elsewhere
from estimator.models.model import read_model
from estimator.units import GB, TERA


class Row(NamedTuple):
    """One entry of the catalogue in one line."""

    kind: str
    """accelerator, instance, host, device, model, engine, fabric, region"""
    id: str
    name: str
    detail: str
    as_of: str = ""


def rows(catalog: Catalog) -> Iterator[Row]:
    """Every entry of the catalogue in one line, kind by kind."""
    inventory = catalog.inventory
    for accelerator in inventory.accelerators.values():
        yield Row("accelerator", accelerator.id, accelerator.name, _figures(accelerator), accelerator.as_of)
    for machine in inventory.machines.values():
        accelerator = inventory.accelerators[machine.accelerator]
        yield Row(_KINDS[machine.kind], machine.id, accelerator.name, _size(machine), machine.as_of)
    for model in catalog.models.values():
        published = f"{model.parameters / 1e9:.1f} B parameters" if model.parameters else ""
        yield Row("model", model.id, model.family, published, model.release)
    for engine in inventory.engines:
        yield Row("engine", f"{engine.id}@{engine.version}", engine.name, "", engine.as_of)
    for fabric in inventory.fabrics.values():
        yield Row("fabric", fabric.id, fabric.name, f"{fabric.link_bytes_per_s / GB:g} GB/s")
    for region, name in catalog.regions.items():
        yield Row("region", region, name, "")


def show(catalog: Catalog, name: str) -> dict[str, Any]:
    """Everything the catalogue says of one entry as text; of an instance, also its price by region. Raises
    InputError.
    """
    inventory = catalog.inventory
    machine = inventory.machines.get(name)
    if machine and machine.kind != "device":
        here, there = _price_by_region(catalog, name), _price_elsewhere(catalog, machine.accelerator, machine.count)
        return _page(machine) | {"on_demand_usd_per_hour": here} | there
    if name in inventory.fabrics:
        return _page(inventory.fabrics[name])
    if name in catalog.regions:
        return {"id": name, "name": catalog.regions[name], "quotes": encode(catalog.prices(name).quotes)}
    engine, _, version = name.partition("@")
    if any(profile.id == engine for profile in inventory.engines):
        return _page(inventory.engine(engine, version or None))
    try:
        accelerator = inventory.accelerator(name)
    except InputError:
        return catalog.model_entry(name)
    return _page(accelerator) | _price_elsewhere(catalog, accelerator.id, 1)


def _page(value: object) -> dict[str, Any]:
    page: dict[str, Any] = encode(value)
    return page


def check(catalog: Catalog, path: Path | None = None) -> tuple[str, ...]:
    """The problems of one file laid over the packaged catalogue, or of the catalogue in use."""
    if path is None:
        return catalog.problems
    from catalog import build, cache, schema

    try:
        pattern = schema.pattern_of(path)
    except schema.Invalid as invalid:
        return invalid.problems
    if pattern is None:
        return (f"{path}:1: {schema.UNRECOGNISED}",)
    hardware = (each for each in build.sources((cache.DATA,)) if each.pattern in _REFERRED_TO)
    files = build.Files((*hardware, build.Source(path, pattern, str(path))))
    build.merge(files)
    for source, entry in files.content["models/*/*.yaml"]:
        try:
            read_model(entry.id, encode(entry))
        except InputError as error:
            files.complain(source, ("config", *error.field.split(".")), error.complaint)
    return tuple(files.problems)


def _price_by_region(catalog: Catalog, name: str) -> dict[str, float | None]:
    """On-demand where the type is offered; None where it has no such price."""
    prices = {region: catalog.prices(region).quotes.get(name) for region in catalog.regions}
    return {
        region: quotes.on_demand.usd_per_hour if quotes.on_demand else None
        for region, quotes in prices.items()
        if quotes is not None
    }


def _price_elsewhere(catalog: Catalog, accelerator: str, count: float) -> dict[str, Any]:
    """What other clouds ask for an hour of as many of an accelerator, by provider; nothing where none is known."""
    rentals = cheapest_elsewhere(catalog.elsewhere, accelerator)
    asked = {f"{each.provider}, {each.as_of}": round(each.usd_per_device_hour * count, 4) for each in rentals}
    return {"elsewhere_usd_per_hour": asked} if asked else {}


def _figures(accelerator: Accelerator) -> str:
    memory = f"{accelerator.memory_sold_gb:g} GB, " if accelerator.memory_sold_gb else ""
    peak = f", {accelerator.matrix_flops / TERA:g} TFLOPS" if accelerator.matrix_flops else ""
    return f"{memory}{accelerator.bandwidth_bytes_per_s / GB:g} GB/s{peak}"


def _size(machine: Machine) -> str:
    return f"{machine.count:g} x {machine.accelerator}" + (f", {machine.vcpus} vCPU" if machine.vcpus else "")


_KINDS = {"cloud": "instance", "host": "host", "device": "device"}
_REFERRED_TO = ("fabrics.yaml", "accelerators.yaml", "instances/*.yaml", "efficiency.yaml", "training.yaml")
