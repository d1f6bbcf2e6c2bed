"""Training memory: states and adapters against the documents, and how every saver orders them."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.layout import TrainingSetup
from estimator.models.architecture import Architecture
from estimator.models.by_hand import DecoderShape, by_hand, interpolated_shape, shape_named
from estimator.scenario.training_presets import TRAINING_PRESETS
from estimator.scenario.training_workload import CHECKPOINTING, TrainingWorkload, check
from estimator.training import activations, heuristic, memory, resident
from estimator.training.lora import adapter_parameters
from estimator.training.run import Run
from estimator.training.states import state_bytes
from estimator.training.weights import rank_parameters
from estimator.units import GIB

QUICK = settings(deadline=None, max_examples=60)


@pytest.fixture(scope="module")
def plain(catalog: Catalog) -> Run:
    """Llama-3.1-8B under torchtitan, on one device."""
    constants = catalog.inventory.training
    return Run(llama(catalog), TrainingWorkload(), constants.frameworks["torchtitan"], constants)


def llama(catalog: Catalog, name: str = "meta-llama/Llama-3.1-8B") -> Architecture:
    return catalog.model(name).architecture


def peak(plain: Run, of: Architecture, workload: TrainingWorkload, **setup: object) -> float:
    return memory.peak_memory(
        plain._replace(architecture=of, workload=workload, setup=TrainingSetup(**setup))
    ).device_bytes


def test_adapters_as_peft_counts_them(catalog):
    assert adapter_parameters(llama(catalog, "meta-llama/Llama-3.2-3B"), 32, "q_proj,v_proj") == 9_175_040
    assert adapter_parameters(llama(catalog, "meta-llama/Llama-2-7b-hf"), 8, "q_proj,v_proj") == 4_194_304
    assert adapter_parameters(llama(catalog), 32, "all-linear") == 83_886_080


def test_adapters_of_experts_count_every_expert(catalog):
    of = llama(catalog, "Qwen/Qwen3-30B-A3B")
    assert adapter_parameters(of, 8, "gate_proj") == 48 * 128 * 8 * (2048 + 768)


def test_a_target_that_matches_nothing_is_refused(catalog):
    with pytest.raises(InputError, match="lora_targets"):
        adapter_parameters(llama(catalog), 8, "c_attn")


@pytest.mark.parametrize(
    ("precision", "optimizer", "total"),
    [
        ("bf16-mixed", "adamw", 16),
        ("bf16-master", "adamw", 16),
        ("bf16", "adamw", 8),
        ("fp32", "adamw", 16),
        ("bf16", "sgd", 4),
        ("bf16", "lion", 6),
        ("bf16", "adafactor", 4),
        ("bf16", "paged-adamw-8bit", 4),
    ],
)
def test_bytes_per_parameter_by_optimizer(precision, optimizer, total):
    assert state_bytes(precision, optimizer).total == total


def test_eight_bit_moments_take_a_quarter_of_fp32_ones():
    assert state_bytes("bf16", "adamw-8bit").moments == pytest.approx(2, rel=0.03)


def test_states_fall_by_16_bytes_over_the_added_shards(plain):
    """torchtitan, Llama-3.1-8B: 15.0-15.4 GiB less on 128 devices than on 8."""
    workload = TrainingWorkload("full", precision="bf16-mixed", sequence_length=8192)
    few, many = (
        peak(plain, plain.architecture, workload, dp=dp, sharding="fsdp", micro_batch=2, checkpointing="selective")
        for dp in (8, 128)
    )
    assert (few - many) / GIB == pytest.approx(14.0, abs=0.2)


@pytest.mark.parametrize(("shards", "bytes_each"), [(1, 10), (2, 20), (4, 20)])
def test_the_transformers_trainer_keeps_what_fsdp_trains_in_fp32(catalog, plain, shards, bytes_each):
    """fms-acceleration, Llama-3-8B: 74.8 GiB allocated on 1 and 2 A100, 37.4 on 4, whatever the micro-batch."""
    stack = catalog.inventory.training.frameworks["peft"]
    sharding = "fsdp" if shards > 1 else "none"
    run = plain._replace(
        workload=TrainingWorkload("full"), framework=stack, setup=TrainingSetup(dp=shards, sharding=sharding)
    )
    held = memory.peak_memory(run)
    allocated = memory.stepping(held).device_bytes - held.resident.overhead_bytes
    assert allocated == pytest.approx(bytes_each * plain.architecture.text_parameters / shards)
    assert allocated / GIB == pytest.approx({1: 74.8, 2: 74.8, 4: 37.4}[shards], rel=0.01)


def test_lora_under_the_transformers_trainer_peaks_as_measured(catalog, plain):
    """fms-acceleration, Mistral-7B, 8 sequences of 4,096 on one A100: 42.2 GiB by nvidia-smi, 36.1 allocated."""
    workload = TrainingWorkload("lora", lora_targets="attention", sequence_length=4096)
    run = plain._replace(
        architecture=llama(catalog, "mistralai/Mistral-7B-v0.1"),
        workload=workload,
        framework=catalog.inventory.training.frameworks["peft"],
        setup=TrainingSetup(micro_batch=8, checkpointing="full"),
    )
    assert memory.peak_memory(run).device_bytes / GIB == pytest.approx(42.2, rel=0.1)


def test_activations_of_a_llama_layer(plain):
    """16 h + 4 h_kv + 8 f bytes per token and layer (Llama-3.1-8B: 184 KB)."""
    workload = TrainingWorkload("full")
    per_token = activations.bytes_per_token(plain._replace(workload=workload))
    assert per_token == 32 * (16 * 4096 + 4 * 1024 + 8 * 14336)


def test_quantised_base_keeps_tables_wider(plain):
    held = rank_parameters(plain.architecture)
    nf4 = resident.frozen_base_bytes(plain._replace(workload=TrainingWorkload("qlora", base="nf4")), held)
    assert nf4 == held.linear * 4.5 / 8 + held.rest * 2


def test_the_rule_of_thumb_counts_16_bytes_and_a_tenth(catalog):
    of = llama(catalog)
    preset = next(each for each in TRAINING_PRESETS if each.name == "heuristic")
    parts = heuristic.parts(of, preset.workload, 1)
    assert sum(parts.values()) == pytest.approx(of.text_parameters * 16 * 1.1)
    small = heuristic.parts(llama(catalog, "meta-llama/Llama-3.2-1B"), TrainingWorkload("lora"), 1)
    assert small["overhead_bytes"] == 2e9


def test_parts_say_what_they_are_made_of(catalog, plain):
    run = plain._replace(workload=TrainingWorkload("full"), setup=TrainingSetup())
    device = catalog.inventory.accelerators["h100-sxm"]

    def told(workload, **setup):
        peak_of = run._replace(workload=workload, setup=TrainingSetup(**setup))
        return {
            part.name: part.working for part in memory.report_memory(peak_of, memory.peak_memory(peak_of), device).parts
        }

    alone, spread = told(TrainingWorkload("full")), told(TrainingWorkload("full"), dp=8, sharding="zero3")
    assert alone["overhead"] == "CUDA context and libraries"
    assert spread["overhead"] == "CUDA context and libraries, NCCL"
    assert alone["weights"].startswith("8.03 B parameters x ")
    assert " over " not in "".join(alone.values())
    assert all(spread[name].endswith(" over 8 (zero3)") for name in ("weights", "gradients", "optimizer"))
    assert spread["gathered"] == "layers gathered ahead"
    buckets = told(TrainingWorkload("full"), dp=8, sharding="zero1")
    assert buckets["gathered"] == "communication buckets"
    assert " over " not in buckets["weights"] + buckets["gradients"]
    frozen = told(TrainingWorkload("qlora", base="nf4"))
    assert frozen["weights"] == "8.03 B parameters, frozen, nf4"
    assert told(TrainingWorkload("lora"))["weights"] == "8.03 B parameters, frozen, 16-bit"


def test_parts_add_up_to_the_peak(catalog, plain):
    workload = TrainingWorkload("qlora", sequence_length=4096, lora_rank=64)
    setup = TrainingSetup(dp=8, sharding="fsdp", micro_batch=2, checkpointing="full")
    run = plain._replace(workload=workload, setup=setup)
    report = memory.report_memory(run, memory.peak_memory(run), catalog.inventory.accelerators["h100-sxm"])
    assert sum(part.value for part in report.parts) == pytest.approx(report.peak_bytes.typical)
    assert all(part.working for part in report.parts)


ARCHITECTURES = st.builds(
    lambda layers, heads, gated, tied: by_hand(
        DecoderShape(
            layers=layers,
            hidden=heads * 64,
            heads=heads,
            intermediate=heads * 192,
            vocabulary=32_000,
            kv_heads=heads // 4 or 1,
            gated=gated,
            tied=tied,
        )
    ),
    st.integers(2, 48),
    st.sampled_from((4, 8, 16, 32)),
    st.booleans(),
    st.booleans(),
)
WORKLOADS = st.builds(
    TrainingWorkload,
    method=st.sampled_from(("full", "lora", "qlora", "dora")),
    optimizer=st.sampled_from(("adamw", "adamw-8bit", "lion", "sgd", "muon")),
    sequence_length=st.sampled_from((512, 2048, 8192)),
    lora_rank=st.sampled_from((4, 16)),
    loss=st.sampled_from(("fused", "plain")),
)


@QUICK
@given(of=ARCHITECTURES, workload=WORKLOADS, ranks=st.sampled_from((2, 4, 8, 64)))
def test_each_zero_stage_needs_no_more_than_the_last(plain, of, workload, ranks):
    stages = [
        peak(plain, of, workload, dp=ranks, sharding=stage, micro_batch=1)
        for stage in ("none", "zero1", "zero2", "zero3")
    ]
    assert stages == sorted(stages, reverse=True)


@QUICK
@given(of=ARCHITECTURES, workload=WORKLOADS, kind=st.sampled_from(CHECKPOINTING), ranks=st.sampled_from((1, 2, 8)))
def test_adapters_need_less_than_full_training_and_a_quantised_base_less_still(plain, of, workload, kind, ranks):
    needs = [
        peak(plain, of, replace(workload, method=method, optimizer="adamw"), dp=ranks, checkpointing=kind)
        for method in ("qlora", "lora", "full")
    ]
    assert needs == sorted(needs)


@QUICK
@given(of=ARCHITECTURES, workload=WORKLOADS, setup=st.sampled_from(("none", "zero2", "fsdp")))
def test_memory_grows_with_sequence_batch_and_rank(plain, of, workload, setup):
    def at(changed: TrainingWorkload, micro_batch: int = 1) -> float:
        return peak(plain, of, changed, dp=4, sharding=setup, micro_batch=micro_batch, checkpointing="full")

    assert at(workload) <= at(replace(workload, sequence_length=2 * workload.sequence_length))
    assert at(workload) <= at(workload, micro_batch=2)
    assert at(workload) <= at(replace(workload, lora_rank=2 * workload.lora_rank))


@QUICK
@given(of=ARCHITECTURES, workload=WORKLOADS, sharding=st.sampled_from(("zero1", "zero2", "zero3", "fsdp")))
def test_more_ranks_never_need_more_memory_each(plain, of, workload, sharding):
    needs = [peak(plain, of, workload, dp=ranks, sharding=sharding) for ranks in (2, 4, 16, 256)]
    assert needs == sorted(needs, reverse=True)


@QUICK
@given(workload=WORKLOADS, heads=st.sampled_from((4, 8, 16)), layers=st.integers(2, 40))
def test_memory_grows_with_parameters(plain, workload, heads, layers):
    shape = DecoderShape(layers=layers, hidden=heads * 64, heads=heads, intermediate=heads * 192, vocabulary=32_000)
    deeper, wider = replace(shape, layers=layers + 1), replace(shape, intermediate=heads * 256)
    here, *larger = (peak(plain, by_hand(each), workload, micro_batch=1) for each in (shape, deeper, wider))
    assert all(here < each for each in larger)


@QUICK
@given(of=ARCHITECTURES, workload=WORKLOADS, ranks=st.sampled_from((1, 2, 8)))
def test_checkpointing_never_raises_memory(plain, of, workload, ranks):
    needs = [
        peak(plain, of, workload, dp=ranks, checkpointing=kind, micro_batch=2) for kind in ("none", "full", "offloaded")
    ]
    assert needs == sorted(needs, reverse=True)
    selective = peak(plain, of, workload, dp=ranks, checkpointing="selective", micro_batch=2)
    assert selective <= needs[0]


@QUICK
@given(of=ARCHITECTURES, workload=WORKLOADS)
def test_offloading_moves_memory_to_the_host(plain, of, workload):
    needs = [
        resident.resident_memory(
            plain._replace(architecture=of, workload=workload, setup=TrainingSetup(dp=8, sharding="fsdp", offload=kind))
        )
        for kind in ("none", "optimizer", "parameters")
    ]
    assert [need.device_bytes for need in needs] == sorted((need.device_bytes for need in needs), reverse=True)
    assert [need.host_bytes for need in needs] == sorted(need.host_bytes for need in needs)


@pytest.mark.parametrize(
    ("field", "value"),
    [("method", "sft"), ("optimizer", "adam"), ("sharding", "zero9"), ("epochs", float("nan")), ("sequence_length", 0)],
)
def test_bad_input_names_its_field(field, value):
    with pytest.raises(InputError, match=field):
        check(replace(TrainingWorkload(), **{field: value}))


def test_a_micro_batch_beyond_the_global_batch_is_refused():
    with pytest.raises(InputError, match="micro_batch"):
        check(TrainingWorkload(micro_batch=32, global_batch=16))


@pytest.mark.parametrize("size", [1e8, 1e9, 7e9, 70e9, 400e9])
def test_a_typical_decoder_has_about_the_asked_size(catalog, size):
    shape = interpolated_shape(size, catalog.inventory.sizes.values())
    assert by_hand(shape).text_parameters == pytest.approx(size, rel=0.001)


def test_presets_are_found_by_the_names_sources_print(catalog):
    shapes = catalog.inventory.sizes
    assert shape_named("MPT-30b", shapes).hidden == 7168
    assert shape_named("mistralai/Magistral-Small-2506", shapes).layers == 40
    assert shape_named("no such model", shapes) is None
