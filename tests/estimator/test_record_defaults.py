"""What a record leaves out changes nothing: nothing is added, factors and counts are one, switches are off.

What a question leaves out is another matter: its defaults are those that the form shows.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from math import inf

import pytest

import estimator

ASKED = ("estimator.scenario", "estimator.planning")
"""Rooms of what is asked."""
ONE = {
    "Accelerator": {"cores"},
    "Calibration": {"decode", "prefill"},
    "Admission": {"steps"},
    "DecodeAttention": {"passes", "readers"},
    "FirstToken": {"wait", "captured"},
    "Layout": {"tp", "pp", "ep", "dp"},
    "Machine": {"fast_domain"},
    "MemoryReport": {"attention_copies"},
    "Mxfp4Kernel": {"hidden_tile", "intermediate_tile", "inner_tile", "scale_copies"},
    "OutsideTorch": {"ranks", "stages"},
    "Pool": {"groups"},
    "PrefillAttention": {"bytes_per_s"},
    "PromptCost": {"factor"},
    "RuleOfThumb": {"weights_factor"},
    "Sharding": {"expert_groups", "stages"},
    "Spread": {"tensor", "expert_groups", "expert_slices"},
    "Step": {"decode_factor", "prefill_factor", "least_batch"},
    "Tensor": {"inputs", "copies"},
    "TowerPass": {"levels"},
    "TrainingSetup": {"tp", "pp", "cp", "dp", "ep", "micro_batch", "accumulation"},
    "KernelFactors": {
        *("latency", "bandwidth", "compute", "fp8_compute", "fp4_compute", "attention_bandwidth", "prompt_attention"),
        "fp8_cache",
        *("expert_compute", "expert_bandwidth", "expert_latency", "block_expert_latency", "expert_imbalance"),
        "all_reduce_latency",
    },
    "Framework": {
        *("activation_factor", "low_precision_activation_factor", "recompute_factor"),
        *("sharded_adapter_boundary_factor", "live_activations", "live_logits"),
    },
}
"""What multiplies, and what there is one of."""
ON = {
    "AdapterSlots": {"beside_expert_parallel"},
    "DenseMlp": {"gated"},
    "DecoderShape": {"gated"},
    "EngineProfile": {"pipeline", "expert_parallel"},
    "Evaluation": {"meets_service_level", "holds_load"},
    "Framework": {"buckets"},
    "HeadStyle": {"transform", "transform_norm_bias", "dense_bias", "projection_bias", "tied"},
    "Links": {"inside_measured"},
    "Mamba1": {"conv_bias"},
    "Mamba2": {"conv_bias", "norm"},
    "MixtureOfExperts": {"gated"},
    "StateTypes": {"configured"},
    "Tiles": {"by_aspect"},
    "Wrapper": {"ties_outside"},
    "Attention": {"stores_cache"},
    "RoutedAttention": {"stores_cache"},
}
"""Switches for what is left out, or for what nearly all have."""
USUAL: dict[str, dict[str, float]] = {
    "Adapters": {"rank": 16},  # max_lora_rank of vLLM
    "CompressedSparseAttention": {"window": 128},
    "DecoderShape": {"vocabulary": 128_256, "context": 131_072},  # those of Llama 3.1
    "Framework": {"quantised_rest_bytes": 2},  # 16 bit
    "Images": {"width": 1024, "height": 1024},
    "NativeGrid": {"around": 2},  # a token before and one after
    "Packer": {"zero_bits": 16},
    "StateTypes": {"unnamed": 2, "convolutions": 2},
    "WeightFormat": {"rest_bits": 16},
}
"""Numbers that are neither: what is usual."""


def records() -> Iterator[type]:
    """Every record of the estimator that is no question."""
    for module in pkgutil.walk_packages(estimator.__path__, "estimator."):
        for each in vars(importlib.import_module(module.name)).values():
            own = inspect.isclass(each) and each.__module__ == module.name and not each.__name__.startswith("_")
            if own and not module.name.startswith(ASKED):
                yield each


def defaults(record: type) -> dict[str, object]:
    if is_dataclass(record):
        return {each.name: each.default for each in fields(record) if each.default is not MISSING}
    return dict(getattr(record, "_field_defaults", {}))


RECORDS = [each for each in records() if defaults(each)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: f"{each.__module__}.{each.__name__}")
def test_what_a_record_leaves_out_changes_nothing(record: type) -> None:
    name = record.__name__
    for field, value in defaults(record).items():
        if isinstance(value, bool):
            assert value is (field in ON.get(name, ())), field
        elif isinstance(value, int | float) and value != inf:
            assert value == USUAL.get(name, {}).get(field, field in ONE.get(name, ())), field


def test_every_exception_is_a_field_of_a_record() -> None:
    known = {each.__name__: defaults(each) for each in RECORDS}
    for table in (ONE, ON, USUAL):
        for name, names in table.items():
            assert set(names) <= set(known[name]), name
