"""Which layouts a model, an engine and a machine allow."""

from functools import lru_cache
from typing import NamedTuple

from estimator.engines.profiles import EngineProfile
from estimator.errors import Refusal
from estimator.hardware.devices import Accelerator
from estimator.layout import Layout
from estimator.models.architecture import Architecture
from estimator.models.model import Model


class Divisors(NamedTuple):
    """Counts of a model (heads, experts …) that tensor and expert parallelism must divide."""

    heads: int
    kv_heads: int
    experts: int


@lru_cache(maxsize=1024)
def divisors(architecture: Architecture) -> Divisors:
    """The counts that parallel ranks must divide, by the narrowest layer of the model; 0 where there is nothing to
    divide.
    """
    heads, kv_heads, experts = [], [], []
    for group in architecture.groups:
        mixer, mlp = group.layer.mixer, group.layer.mlp
        if mixer and mixer.query_heads:
            heads.append(mixer.query_heads)
        if mixer and mixer.key_value_heads:
            kv_heads.append(mixer.key_value_heads)
        if mlp and mlp.routed:
            experts.append(mlp.routed.experts)
    return Divisors(min(heads, default=0), min(kv_heads, default=0), min(experts, default=0))


@lru_cache(maxsize=8192)
@lru_cache(maxsize=4096)
def legal_layouts(
    model: Model, devices: int, engine: EngineProfile, device: Accelerator | None = None
) -> tuple[Layout, ...]:
    """Every layout of one engine on up to that many equal devices of one machine, fewest devices first."""
    layouts = []
    for tp in legal_tensor_parallel(model, engine, devices, device):
        layouts.append(Layout(tp))
        if engine.pipeline and not (engine.one_split and tp > 1):
            layouts += [Layout(tp, pp) for pp in _pipelines(model.architecture, tp, devices)]
    if layouts and engine.expert_parallel and divisors(model.architecture).experts:
        layouts += _expert_layouts(model, devices, engine)
    return tuple(sorted(layouts, key=lambda layout: (layout.devices, layout.pp, layout.dp)))


def legal_tensor_parallel(
    model: Model, engine: EngineProfile, devices: int, device: Accelerator | None = None
) -> tuple[int, ...]:
    """Tensor-parallel degrees that the model's heads, the engine and the device allow, up to that many devices."""
    if _recipe_refusal(engine, model):
        return ()
    degrees = _engine_degrees(engine, device) or range(1, devices + 1)
    return tuple(tp for tp in degrees if tp <= devices and not _head_refusal(model, tp, engine))


def layout_refusal(
    model: Model, layout: Layout, devices: int, engine: EngineProfile, device: Accelerator | None = None
) -> Refusal | None:
    """Why a layout can not run on that many devices, with the legal values; None where it can."""
    unserved = _recipe_refusal(engine, model)
    if unserved:
        return unserved
    degrees = _engine_degrees(engine, device)
    refusal = _head_refusal(model, layout.tp, engine)
    if degrees and layout.tp not in degrees:
        refusal = f"{engine.name} does not run {layout.tp} ranks"
    if refusal:
        return Refusal("tp", f"{refusal}; legal: {_listed(legal_tensor_parallel(model, engine, MOST_RANKS, device))}")
    if layout.pp > 1 and not engine.pipeline:
        return Refusal("pp", f"{engine.name} has no pipeline parallelism; legal: 1")
    if layout.pp > 1 and layout.tp > 1 and engine.one_split:
        return Refusal("pp", f"{engine.name} splits by layers or by tensors, not by both; legal with tp {layout.tp}: 1")
    if layout.pp > 1 and model.architecture.shares_layers:
        return Refusal("pp", "layers that share weights stand on no single stage; legal: 1")
    if layout.pp > model.architecture.layers:
        return Refusal("pp", f"{layout.pp} stages for {model.architecture.layers} layers")
    return _expert_refusal(model, layout, engine) or _too_large(layout, devices)


def _expert_refusal(model: Model, layout: Layout, engine: EngineProfile) -> Refusal | None:
    experts = divisors(model.architecture).experts
    if layout.dp > 1 and not experts:
        return Refusal("dp", "attention data parallelism needs experts; run independent replicas instead; legal: 1")
    if layout.ep == 1:
        return None
    if not experts:
        return Refusal("ep", f"{model.id} has no experts; legal: 1")
    if not engine.expert_parallel:
        return Refusal("ep", f"{engine.name} has no expert parallelism; legal: 1")
    if experts % layout.ep:
        return Refusal("ep", f"{layout.ep} does not divide {experts} experts")
    if layout.ep != layout.tp * layout.dp:
        ranks = layout.tp * layout.dp
        return Refusal(
            "ep", f"experts spread over all tp x dp ranks, here {ranks}; legal: {_listed(tuple(sorted({1, ranks})))}"
        )
    return None


def _too_large(layout: Layout, devices: int) -> Refusal | None:
    if layout.devices <= devices:
        return None
    return Refusal("tp", f"{layout} needs {layout.devices} accelerators, the candidate has {devices}")


MOST_RANKS = 64


def _recipe_refusal(engine: EngineProfile, model: Model) -> Refusal | None:
    """Why the engine does not serve the class at all; None where it does. Diffusion of a text is not modelled."""
    architecture = model.architecture
    if not architecture.generates and not architecture.encodes:
        return Refusal("model", f"{model.id} writes no text ({architecture.task}), which is not modelled here")
    if engine.architectures and architecture.class_name not in engine.architectures:
        return Refusal("engine", f"{engine.name} has no recipe for {architecture.class_name}")
    return None


def _engine_degrees(engine: EngineProfile, device: Accelerator | None) -> tuple[int, ...]:
    """The only degrees that the engine runs on that device; empty is any."""
    if device is None:
        return engine.tensor_parallel
    return engine.tensor_parallel_of.get(device.generation, engine.tensor_parallel)


@lru_cache(maxsize=8192)
def _head_refusal(model: Model, tp: int, engine: EngineProfile) -> str | None:
    heads, kv_heads, _ = divisors(model.architecture)
    if engine.pads_heads:
        return f"{tp} ranks for {heads} query heads" if 0 < heads < tp else None
    if heads % tp:
        return f"{tp} does not divide {heads} query heads"
    if kv_heads and kv_heads % tp and tp % kv_heads:
        return f"{tp} neither divides nor multiplies {kv_heads} key-value heads"
    return None


def _pipelines(architecture: Architecture, tp: int, devices: int) -> list[int]:
    """Stages that fill the devices by powers of two, or all of them."""
    most = 1 if architecture.shares_layers else min(devices // tp, architecture.layers)
    return sorted({stages for stages in (2, 4, 8, most) if 1 < stages <= most})


def _expert_layouts(model: Model, devices: int, engine: EngineProfile) -> list[Layout]:
    """Expert parallel over all ranks; beside tensor parallel attention, or with whole attention copies."""
    experts = divisors(model.architecture).experts
    layouts = []
    for ranks in (2, 4, 8, 16, 32, 64):
        if ranks > devices or experts % ranks:
            continue
        if not _head_refusal(model, ranks, engine):
            layouts.append(Layout(tp=ranks, ep=ranks))
        layouts.append(Layout(dp=ranks, ep=ranks))
    return layouts


def _listed(degrees: tuple[int, ...]) -> str:
    return ", ".join(str(degree) for degree in degrees)
