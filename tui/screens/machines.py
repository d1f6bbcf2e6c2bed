"""The machine picker: this machine where it is known, instance types, and devices of one's own."""

from collections.abc import Mapping
from dataclasses import dataclass

from textual import on, work
from textual.message import Message

from catalog.sources import this_machine
from catalog.sources.this_machine import ThisMachine
from estimator.hardware.devices import Machine
from estimator.hardware.prices import RegionPrices
from estimator.printable import without_controls
from estimator.scenario.inventory import Inventory
from estimator.scenario.placement import OWNED_COUNTS, OWNED_KINDS, devices
from tui.draw.figures import usd
from tui.draw.table import Cell, Column
from tui.screens.table_picker import TablePicker

OWN = "this machine"
COLUMNS = (
    Column("machine", "machine", 7, 0, "left"),
    Column("devices", "accelerators", 12, 0, "left"),
    Column("memory", "GB", 3, 2),
    Column("price", "$/h", 7, 1),
)


class MachinePicker(TablePicker):
    """A picker of machines. Returns the name of one; this machine is looked for in a thread, and is there or not."""

    PROMPT = "what runs on: g6e.12xlarge, 2x rtx4090, mi300x …"
    DETAIL = 3

    @dataclass
    class Detected(Message):
        """Message: what this machine turned out to be."""

        here: ThisMachine

    def __init__(self, inventory: Inventory, prices: RegionPrices, current: str) -> None:
        self.inventory, self.prices = inventory, prices
        self.machines = machines_by_name(inventory)
        super().__init__(list(self.machines), current)
        self.said = "looking at this machine …"

    def on_mount(self) -> None:
        self.look()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def look(self) -> None:
        """Looks at this machine in a thread, which only posts messages."""
        self.post_message(self.Detected(this_machine.detect(self.inventory)))

    @on(Detected)
    def show_detected(self, event: Detected) -> None:
        here = event.here
        chosen = self.matches[self.cursor] if self.matches else ""
        for machine in here.machines:
            self.machines = {f"{OWN}: {machine.id}": machine, **self.machines}
        unknown = f"not in the catalogue: {', '.join(here.unknown)}" if here.unknown else ""
        self.said = unknown or (f"this machine: {here.words}" if here.words else "")
        self.names = list(self.machines)
        self.columns_at.cache_clear()
        self.matches = self.matching(self.query_text)
        self.cursor = self.matches.index(chosen) if chosen in self.matches else 0
        self.redraw()

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS

    def values(self, name: str) -> Mapping[str, Cell]:
        machine = self.machines[name]
        device = self.inventory.accelerators[machine.accelerator]
        offered = self.prices.quotes.get(machine.id)
        memory = machine.count * device.memory_sold_gb
        return {
            "machine": Cell(name, "bold" if name.startswith(OWN) else ""),
            "devices": Cell(f"{machine.count:.3g}x {device.label or device.id}"),
            "memory": Cell(f"{memory:,.0f}" if memory else "RAM", "dim"),
            "price": Cell(usd(offered.on_demand.usd_per_hour) if offered and offered.on_demand else "", "dim"),
        }

    def detail(self, name: str, cells: int) -> str:
        return " · ".join(filter(None, (super().detail(name, cells), without_controls(self.said))))

    def detail_lines(self, cells: int) -> int:
        return self.DETAIL


def machines_by_name(inventory: Inventory) -> Mapping[str, Machine]:
    """Instance types and CPU hosts by id, then the devices that one can own, alone and together."""
    named = {machine.id: machine for machine in inventory.machines.values() if machine.kind != "device"}
    for device in inventory.accelerators.values():
        if device.kind in OWNED_KINDS:
            counts = OWNED_COUNTS if device.fabric != "none" else (1,)
            own = (devices(device.id, count, inventory) for count in counts)
            named |= {machine.id: machine for machine in own if machine.id not in named}
    return named
