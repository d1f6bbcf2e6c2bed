"""The machine that the program runs on: its accelerators by their drivers' names, its instance type, CPU and memory.

Every source may be absent: no driver, no tool, no cloud. Nothing here runs before it is asked for.
"""

import json
import os
import platform
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from estimator.errors import InputError
from estimator.hardware.devices import Machine
from estimator.printable import printable
from estimator.scenario.inventory import Inventory
from estimator.scenario.placement import devices
from estimator.units import GIB

TOOL_S = 5.0
"""Longest wait for a vendor's tool: engineering guess, amd-smi takes about a second."""
METADATA_S = 0.5
"""Longest wait for the instance metadata service, which answers within a millisecond on the host itself."""
METADATA = "http://169.254.169.254/latest/"
VENDOR = Path("/sys/devices/virtual/dmi/id/sys_vendor")
PROCESSORS = Path("/proc/cpuinfo")
MOST_BYTES = 1_000_000
"""Longest answer of a tool that is read."""


class ThisMachine(NamedTuple):
    """This machine's hardware, in words and as machines of the catalogue."""

    machines: tuple[Machine, ...] = ()
    """The instance type, where it is one that the catalogue has; else the devices of each kind by themselves."""
    words: str = ""
    """Accelerators, CPU and memory in one line; empty where nothing is known."""
    unknown: tuple[str, ...] = ()
    """Names of accelerators that the catalogue does not have."""


def detect(inventory: Inventory) -> ThisMachine:
    """Looks at this machine. Takes up to some seconds where vendors' tools are slow; never raises."""
    names = [*_quietly(nvidia_names), *_quietly(amd_names), *_quietly(apple_names)]
    words = [f"{count}x {printable(name)}" for name, count in Counter(names).items()]
    words += [printable(text) for text in (_first(processor_name), _first(memory_text)) if text]
    type_name = _first(instance_type)
    if type_name and type_name in inventory.machines:
        return ThisMachine((inventory.machines[type_name],), ", ".join([type_name, *words]))
    machines, unknown = [], []
    for name, count in Counter(names).items():
        try:
            machines.append(devices(inventory.accelerator(name).id, count, inventory))
        except InputError:
            unknown.append(printable(name))
    return ThisMachine(tuple(machines), ", ".join(words), tuple(unknown))


def nvidia_names() -> list[str]:
    """Names of the NVIDIA devices as the driver prints them. Needs the `nvidia` extra (nvidia-ml-py) and a driver."""
    import pynvml  # a driver's library is loaded: never before it is asked for

    pynvml.nvmlInit()
    try:
        handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        names = [pynvml.nvmlDeviceGetName(handle) for handle in handles]
    finally:
        pynvml.nvmlShutdown()
    return [name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in names]


def amd_names() -> list[str]:
    """Names of the AMD devices, as `amd-smi` or the older `rocm-smi` prints them."""
    said = _run(("amd-smi", "static", "--asic", "--json"))
    if said:
        listed = json.loads(said)
        entries = listed.get("gpu_data", []) if isinstance(listed, dict) else listed
        return [str(each["asic"]["market_name"]) for each in entries]
    said = _run(("rocm-smi", "--showproductname", "--json"))
    if not said:
        return []
    cards: dict[str, Any] = json.loads(said)
    keys = ("Card Series", "Card series", "Card Model", "Card model")
    named = (next((card[key] for key in keys if key in card), None) for card in cards.values())
    return [str(name) for name in named if name]


def apple_names() -> list[str]:
    """The chip of a Mac with Apple silicon: `Apple M2 Ultra`."""
    if platform.system() != "Darwin":
        return []
    brand = _run(("sysctl", "-n", "machdep.cpu.brand_string")).strip()
    return [brand] if brand.startswith("Apple") else []


def instance_type() -> str:
    """This machine's EC2 type by the metadata service (IMDSv2); empty elsewhere, where no request is made."""
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true" or not VENDOR.is_file():
        return ""
    if "amazon" not in VENDOR.read_text(encoding="utf-8", errors="replace").lower():
        return ""
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # link-local: never by a proxy
    ask = urllib.request.Request(
        f"{METADATA}api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    )
    with opener.open(ask, timeout=METADATA_S) as answer:
        token = answer.read(200).decode("ascii")
    named = urllib.request.Request(f"{METADATA}meta-data/instance-type", headers={"X-aws-ec2-metadata-token": token})
    with opener.open(named, timeout=METADATA_S) as answer:
        name: str = answer.read(60).decode("ascii")
    return name.strip()


def processor_name() -> str:
    """The CPU's own name; empty where the system does not say."""
    if PROCESSORS.is_file():
        lines = PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return _run(("sysctl", "-n", "machdep.cpu.brand_string")).strip() if platform.system() == "Darwin" else ""


def memory_text() -> str:
    """This machine's installed memory, as `64 GiB RAM`."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIB:.0f} GiB RAM"


def _run(command: tuple[str, ...]) -> str:
    """What a tool prints; empty where it is not installed, fails or takes too long."""
    path = shutil.which(command[0])
    if path is None:
        return ""
    try:
        done = subprocess.run([path, *command[1:]], capture_output=True, timeout=TOOL_S, check=True, text=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return done.stdout[:MOST_BYTES]


def _quietly(source: Callable[[], Iterable[str]]) -> list[str]:
    """What a source says; nothing where it is absent or broken, for drivers fail in ways of their own."""
    with suppress(Exception):
        return list(source())
    return []


def _first(source: Callable[[], str]) -> str:
    return next(iter(_quietly(lambda: [source()])), "")
