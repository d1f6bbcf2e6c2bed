"""The command that starts an engine the way it was estimated: every value that was assumed, and why."""

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from estimator.advice.launch_server import Argument, Server, Start
from estimator.advice.launch_writers import WRITERS
from estimator.engines.memory_policy import device_defaults
from estimator.engines.profiles import EngineProfile
from estimator.engines.support import stand_in
from estimator.errors import InputError
from estimator.models.formats import cache_format
from estimator.models.model import Model
from estimator.results import Evaluation
from estimator.scenario.inventory import Inventory
from estimator.scenario.nodes import engine_on, node_for
from estimator.scenario.placement import machine_named
from estimator.scenario.scenario import Scenario
from estimator.scenario.seen import seen_by
from estimator.serving.deployment import engine_adapters

FIRST_PORT = 8000
"""Port of the first replica; the next ones take those that follow."""
VISIBLE_DEVICES = {"amd": "HIP_VISIBLE_DEVICES", "aws": "NEURON_RT_VISIBLE_CORES"}
"""Variable by which a process is given its devices, by vendor; CUDA_VISIBLE_DEVICES for the others.
Source: HIP and AWS Neuron runtime documentation."""
MOST_REPLICA_NOTES = 8
DRAFT_WRITERS = frozenset({"vllm", "sglang", "llamacpp"})
"""Servers whose options for drafts are written."""


class Command(NamedTuple):
    """A program, its options, and what must be true before it runs."""

    program: str
    arguments: tuple[Argument, ...]
    notes: tuple[str, ...] = ()
    setup: str = ""
    """Lines of shell that write a file the program reads; empty where it reads none."""

    @property
    def line(self) -> str:
        """The command as it is pasted into a shell, one option a line."""
        return self.setup + " \\\n  ".join((self.program, *(argument.text for argument in self.arguments)))


def launch(model: Model, scenario: Scenario, row: Evaluation, inventory: Inventory) -> Command:
    """The command that starts one replica of a candidate that fits. Raises InputError where there is nothing to
    start.
    """
    if row.verdict != "fits" or row.memory is None:
        raise InputError("command", f"{row.candidate.machine}: {row.reason or row.verdict.replace('_', ' ')}")
    candidate, scenario = row.candidate, seen_by(model, scenario, inventory)
    node = node_for(machine_named(candidate, inventory), scenario, inventory)
    engine = engine_on(node.device, inventory.engine(scenario.engine, scenario.engine_version), inventory)
    writer = WRITERS.get(engine.program.launch)
    if writer is None:
        raise InputError("engine", f"{engine.name} is no server that can be started; one of {', '.join(WRITERS)}")
    weights = stand_in(engine, scenario.weights)
    image_tokens = model.architecture.whole_image_tokens
    device = inventory.accelerators[candidate.accelerator]
    server = Server(
        model=quoted_operand(model.location),
        weights=model.weights(weights).id,
        is_own_format=model.weights(weights) == model.checkpoint,
        quantisation=engine.program.quantises.get(weights, ""),
        cache=cache_format(scenario.kv).id,
        host_cache_option=engine.program.host_cache_option if scenario.settings.kv_on_host else "",
        eager_option=engine.program.eager_option,
        prefix_options=engine.program.prefix_options,
        layout=candidate.layout,
        layers=model.architecture.layers,
        machines=-(-candidate.layout.devices // node.devices),
        memory=row.memory,
        max_model_len=scenario.settings.max_model_len or scenario.workload.total_tokens,
        users=max(1, round(scenario.workload.concurrency / max(candidate.replicas, 1))),
        defaults=device_defaults(engine.memory, device, image_tokens),
        has_prediction_modules=bool(model.architecture.mtp),
        drafter=model.drafter,
        drafter_operand=_drafter_operand(model),
        card_memory_gb=tuple(inventory.accelerators[name].memory_sold_gb for name in node.machine.cards),
        adapters=engine_adapters(engine, scenario.settings),
        scenario=scenario,
    )
    start: Start = writer(server)
    arguments = (*start.arguments, *_port(candidate.replicas, start.port), *start.last)
    placed = _replica_notes(row, node.devices, device.vendor, start.port)
    notes = (*_notes(server, engine, model), *placed, *start.notes)
    return Command(program=start.program, arguments=arguments, notes=notes, setup=start.setup)


def quoted_operand(name: str) -> str:
    """A name as an operand for a shell: quoted, and with `./` before a leading dash, so that it is never an option."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)


def _drafter_operand(model: Model) -> str:
    return quoted_operand(model.draft_model.location) if model.draft_model else ""


def _port(replicas: int, option: str) -> Iterator[Argument]:
    if replicas > 1:
        why = f"the first of {replicas} replicas; the next ones take those that follow"
        yield Argument(option.format(FIRST_PORT), why)


def _replica_notes(row: Evaluation, node_devices: int, vendor: str, port: str) -> Iterator[str]:
    """Where each replica runs: its devices, its port and its machine."""
    candidate, devices = row.candidate, row.candidate.layout.devices
    if candidate.replicas <= 1:
        return
    yield f"{candidate.replicas} replicas: one command for each, on {devices} accelerators of its own"
    if devices > node_devices:
        yield f"each replica takes {-(-devices // node_devices)} machines of its own"
        return
    each_machine = node_devices // devices
    variable = VISIBLE_DEVICES.get(vendor, "CUDA_VISIBLE_DEVICES")
    for replica in range(min(candidate.replicas, each_machine, MOST_REPLICA_NOTES)):
        first = replica * devices
        listed = ",".join(map(str, range(first, first + devices)))
        yield f"replica {replica + 1}: {variable}={listed} before the command, {port.format(FIRST_PORT + replica)}"
    if candidate.replicas > each_machine:
        yield f"{each_machine} replicas on each of {candidate.machines} machines"


def _notes(server: Server, engine: EngineProfile, model: Model) -> Iterator[str]:
    if not server.is_own_format and not server.quantisation:
        yield f"point it at a checkpoint in {server.weights}; {model.id} is {model.native_weights}"
    if not server.memory.cuda_graphs_in_budget and server.memory.cuda_graph_bytes:
        yield f"{engine.name} captures CUDA graphs outside its memory fraction"
    if server.machines > 1:
        last = server.machines - 1
        yield f"run it on each of {server.machines} machines with NODE_RANK 0 to {last} and the first's HEAD_ADDRESS"
    drafter = model.draft_model
    if server.scenario.workload.draft_tokens and not server.drafts:
        yield f"{model.id} has no prediction modules: name a draft model (--draft-model)"
    elif server.scenario.workload.draft_tokens and engine.program.launch not in DRAFT_WRITERS:
        yield f"how {engine.name} is told to draft is not written here: its own documentation says"
    elif drafter and drafter.architecture.vocabulary != model.architecture.vocabulary:
        yield f"{drafter.id} pads its vocabulary to another size: the engine may ask for one of the same"
