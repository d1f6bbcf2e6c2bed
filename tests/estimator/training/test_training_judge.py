"""Training runs over the packaged catalogue: speed, time, cost and the search for settings."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import Catalog
from estimator.errors import InputError
from estimator.hardware.devices import Machine
from estimator.layout import TrainingSetup
from estimator.ranking.rank import evaluate, rank
from estimator.results import Evaluation, Leaderboard
from estimator.scenario.scenario import Placement, Scenario
from estimator.scenario.training_presets import TRAINING_PRESETS
from estimator.scenario.training_workload import TrainingWorkload
from estimator.training import memory, speed
from estimator.training.network import Links, links_of
from estimator.training.run import Run
from estimator.training.search import Cluster, Search, largest_micro_batch, longest_sequence

LLAMA = "meta-llama/Llama-3.1-8B"
PRESETS = {each.name: each.workload for each in TRAINING_PRESETS}
NVLINK = Links(
    devices_per_machine=8, inside_bytes_per_s=475e9, outside_bytes_per_s=320e9, vcpus=192, host_bytes_per_s=25e9
)


def board(catalog: Catalog, workload: TrainingWorkload, model: str = LLAMA, **changes: object) -> Leaderboard:
    scenario = replace(Scenario(model=model, training=workload), **changes)
    return rank(catalog.model(model), scenario, catalog.inventory, catalog.prices("us-east-1"))


def row_of(rows: Leaderboard, machine: str) -> Evaluation:
    return next(row for row in rows.rows if row.candidate.machine == machine)


def run_of(catalog: Catalog, workload: TrainingWorkload, framework: str = "torchtitan", **setup: object) -> Run:
    constants = catalog.inventory.training
    architecture = catalog.model(LLAMA).architecture
    return Run(architecture, workload, constants.frameworks[framework], constants, TrainingSetup(**setup))


def step(catalog: Catalog, workload: TrainingWorkload, links: Links = NVLINK, **setup: object) -> speed.TrainingStep:
    return speed.training_step(run_of(catalog, workload, **setup), catalog.inventory.accelerators["h100-sxm"], links)


def cluster(catalog: Catalog, device: str, devices: int) -> Cluster:
    return Cluster(catalog.inventory.accelerators[device], devices, 1, NVLINK, 2e12)


def test_useful_work_is_six_and_four_flops_a_parameter(catalog):
    of = speed.work_per_token(catalog.model(LLAMA).architecture, 8192)
    products = 8_030_261_248 - 128_256 * 4096
    assert of.flops(adapters=False)[0] == 6 * products
    assert of.flops(adapters=True)[0] == 4 * products
    assert of.flops(adapters=False)[1] == 6 * 32 * 4096 * 8192  # causal: 6 L d s


def test_llama_8b_on_eight_h100_runs_as_published(catalog):
    """NeMo AutoModel and torchtitan: 5,800-6,700 tokens/s a device with FSDP in bf16, 500 W to 700 W."""
    workload = TrainingWorkload("full", precision="bf16-mixed", sequence_length=8192, global_batch=128)
    setup = {"dp": 8, "sharding": "fsdp", "micro_batch": 2, "accumulation": 8, "checkpointing": "selective"}
    found = step(catalog, workload, **setup)
    assert 5_500 < found.tokens / found.seconds < 8_500


def test_adapters_train_faster_than_everything(catalog):
    """NeMo: LoRA over SFT 1.44-1.47; without packed 16k tokens a step a little less."""
    seconds = [
        step(catalog, TrainingWorkload(method, sequence_length=4096), micro_batch=4, accumulation=8).seconds
        for method in ("lora", "full")
    ]
    assert 1.25 < seconds[1] / seconds[0] < 1.6


def test_dora_is_slower_than_lora_as_measured(catalog):
    """huggingface/peft method_comparison, Llama-3.2-3B rank 32: 5,964 and 7,245 tokens/s, 22.85 and 20.76 GiB."""
    lora, dora = (
        step(catalog, TrainingWorkload(method, sequence_length=4096), micro_batch=4) for method in ("lora", "dora")
    )
    assert lora.seconds / dora.seconds == pytest.approx(0.823, abs=0.005)
    peaks = [
        memory.peak_memory(run_of(catalog, TrainingWorkload(method), micro_batch=4)).device_bytes
        for method in ("lora", "dora")
    ]
    assert peaks[1] > 1.05 * peaks[0]


def test_a_quantised_base_travels_packed(catalog):
    """AnswerDotAI/fsdp_qlora, Yi-34B on two RTX 4090 over PCIe: 506 tokens/s a device; 16 bits would halve it."""
    constants, inventory = catalog.inventory.training, catalog.inventory
    device = inventory.accelerators["rtx4090"]
    fabric = inventory.fabrics[device.fabric]
    machine = Machine("pair", "", device.id, 2, fabric.id, vcpus=32, memory_bytes=2**37)
    workload = TrainingWorkload("qlora", base="nf4", sequence_length=2048, lora_rank=64)
    setup = TrainingSetup(dp=2, sharding="fsdp", micro_batch=2, checkpointing="full")
    run = Run(
        catalog.model("01-ai/Yi-34B").architecture, workload, constants.frameworks["fsdp-qlora"], constants, setup
    )
    found = speed.training_step(run, device, links_of(machine, fabric, fabric, constants.speed))
    assert found.tokens / found.seconds == pytest.approx(506.1, rel=0.25)


def test_unpacking_a_quantised_base_costs_little_where_a_pass_is_long(catalog):
    """fms-acceleration, Llama-3-8B at 16k tokens a pass: Q-LoRA as fast as LoRA; QwenLM/Qwen at 256: 0.4 of it."""
    ratios = []
    for tokens in (256, 16_384):
        lora, qlora = (
            step(catalog, TrainingWorkload(method, sequence_length=tokens), micro_batch=1, checkpointing="full").seconds
            for method in ("lora", "qlora")
        )
        ratios.append(lora / qlora)
    assert ratios[0] < 0.75
    assert ratios[1] > 0.95


def test_links_inside_a_machine_carry_more_than_the_network_between_two(catalog):
    inventory, rules = catalog.inventory, catalog.inventory.training.speed

    def links(machine: str) -> Links:
        named = inventory.machines[machine]
        own = inventory.fabrics[inventory.accelerators[named.accelerator].fabric]
        return links_of(named, inventory.fabrics[named.fabric], own, rules)

    assert links("g6e.48xlarge").inside_bytes_per_s > links("g6.8xlarge").outside_bytes_per_s
    assert links("g6.48xlarge").inside_bytes_per_s > links("g6.8xlarge").outside_bytes_per_s
    assert links("g6.8xlarge").host_bytes_per_s == pytest.approx(0.8 * 15.8e9)  # the L4's own x8 link
    assert links("p5.48xlarge").host_bytes_per_s == rules.host_link_bytes_per_s


def test_eight_l40s_in_one_machine_beat_two_l4_in_two(catalog):
    rows = board(catalog, TrainingWorkload("lora"), "meta-llama/Llama-3.3-70B-Instruct")
    assert row_of(rows, "g6e.48xlarge").training.hours.typical < row_of(rows, "g6.8xlarge").training.hours.typical


def test_packing_short_samples_triples_the_speed(catalog):
    """torchtune, Llama 3B, micro-batch 2: 2,091 to 7,075 tokens/s from packing alone."""
    packed = TrainingWorkload("full", sequence_length=4096, mean_tokens=200)
    rates = [
        found.tokens / found.seconds
        for found in (step(catalog, replace(packed, packing=flag), micro_batch=2) for flag in (False, True))
    ]
    assert 2 < rates[1] / rates[0] < 5


@settings(deadline=None, max_examples=40)
@given(
    method=st.sampled_from(("full", "lora", "qlora")),
    length=st.sampled_from((512, 2048, 16384)),
    micro_batch=st.sampled_from((1, 4)),
    ranks=st.sampled_from((1, 8, 64)),
)
def test_checkpointing_never_lowers_the_time_of_a_token(catalog, method, length, micro_batch, ranks):
    workload = TrainingWorkload(method, sequence_length=length)
    times = [
        found.seconds / found.tokens
        for kind in ("none", "full", "offloaded")
        for found in [step(catalog, workload, micro_batch=micro_batch, dp=ranks, sharding="fsdp", checkpointing=kind)]
    ]
    assert times == sorted(times)


def test_a_slow_network_shows(catalog):
    workload = TrainingWorkload("full", sequence_length=2048)
    times = [
        step(catalog, workload, NVLINK._replace(outside_bytes_per_s=bandwidth), dp=64, sharding="fsdp").seconds
        for bandwidth in (320e9, 10e9)
    ]
    assert times[1] > 3 * times[0]


def test_the_search_spends_only_what_fitting_needs(catalog):
    small = TrainingWorkload("lora", sequence_length=1024, global_batch=8)
    roomy = Search(run_of(catalog, small)).best(cluster(catalog, "h200-sxm", 8))
    assert (roomy.setup.checkpointing, roomy.setup.offload) == ("none", "none")
    whole = TrainingWorkload("full", sequence_length=8192, precision="bf16-mixed")
    assert Search(run_of(catalog, whole)).best(cluster(catalog, "l40s", 8)).setup.sharding == "fsdp"
    assert Search(run_of(catalog, whole)).best(cluster(catalog, "l40s", 1)).setup.offload != "none"


def test_a_solved_sequence_and_batch_fit_and_one_more_does_not(catalog):
    workload = TrainingWorkload("lora", sequence_length=4096, micro_batch=1, checkpointing="full")
    card = cluster(catalog, "l40s", 1)
    run = run_of(catalog, workload)
    run = run.with_setup(Search(run).best(card).setup)
    budget = memory.budget_bytes(run, card.device)

    def need(length: int, batch: int) -> float:
        longer = run._replace(workload=replace(workload, sequence_length=length))
        return memory.peak_memory(longer.with_setup(run.setup._replace(micro_batch=batch))).device_bytes

    longest = longest_sequence(run, memory.peak_memory(run), card.device)
    assert need(longest, 1) <= budget < need(longest + 1, 1)
    batch = largest_micro_batch(run, memory.peak_memory(run), card.device)
    assert need(4096, batch) <= budget < need(4096, batch + 1)


def test_presets_fit_where_their_names_say(catalog):
    lora = board(catalog, PRESETS["lora-8b-24gb"])
    assert row_of(lora, "g6.xlarge").verdict == "fits"
    qlora = board(catalog, PRESETS["qlora-70b-80gb"], "meta-llama/Llama-3.1-70B")
    assert row_of(qlora, "p5.4xlarge").candidate.machines == 1
    full = row_of(board(catalog, PRESETS["full-8b-8xh100"]), "p5.48xlarge")
    assert (full.verdict, full.candidate.machines, full.training.setup.offload) == ("fits", 1, "none")
    large = board(
        catalog,
        PRESETS["pretrain-70b-8-machines"],
        "meta-llama/Llama-3.1-70B",
        placement=Placement(instance="p5.48xlarge", machines=8),
    ).rows[0]
    assert large.verdict == "fits"
    assert large.training.setup.devices == 64


def test_rows_come_cheapest_run_first_and_add_up(catalog):
    rows = [row for row in board(catalog, TrainingWorkload("lora")).rows if row.verdict == "fits"]
    priced = [row for row in rows if row.training.usd]
    assert [row.training.usd.typical for row in priced] == sorted(row.training.usd.typical for row in priced)
    for row in priced:
        run = row.training
        assert run.usd.typical == pytest.approx(run.hours.typical * row.cost.price_usd_per_hour)
        assert sum(part.value for part in run.run) == pytest.approx(run.hours.typical * 3600)
        assert sum(part.value for part in run.step) == pytest.approx(run.step_s.typical)
        assert run.hours.low <= run.hours.typical <= run.hours.high
        assert run.memory.peak_bytes.typical <= run.memory.budget_bytes


def test_spot_pays_for_restarts_and_costs_less(catalog):
    workload = TrainingWorkload("lora", dataset_tokens=100_000_000)
    listed, spot = (
        row_of(board(catalog, workload, price_terms=terms), "g5.xlarge").training for terms in ("on-demand", "spot")
    )
    assert "restarts" in [part.name for part in spot.run]
    assert spot.hours.typical > listed.hours.typical
    assert spot.usd.typical < listed.usd.typical


def test_what_does_not_fit_says_what_would(catalog):
    workload = TrainingWorkload("full", precision="bf16-mixed", offload="none", sharding="none", checkpointing="none")
    scenario = Scenario(model=LLAMA, training=workload, placement=Placement(instance="g5.xlarge"))
    row = evaluate(catalog.model(LLAMA), scenario, catalog.inventory, catalog.prices("us-east-1"))
    assert row.verdict == "does_not_fit"
    assert "GiB short" in row.reason
    assert row.suggestion


def test_trainium_takes_its_own_layouts_and_compiles(catalog):
    rows = board(catalog, TrainingWorkload("full", precision="bf16-mixed"))
    trn1 = row_of(rows, "trn1.32xlarge")
    assert trn1.verdict == "fits"
    assert trn1.training.setup.tp in (1, 2, 8, 32)
    assert trn1.training.run[1].value > 600
    assert row_of(board(catalog, TrainingWorkload("qlora")), "trn1.32xlarge").verdict == "not_supported"
    assert row_of(rows, "inf2.48xlarge").verdict == "not_supported"


def test_a_format_that_a_device_lacks_is_not_supported(catalog):
    rows = board(catalog, TrainingWorkload("full", compute="fp8"))
    assert row_of(rows, "p4d.24xlarge").verdict == "not_supported"
    assert row_of(rows, "p5.48xlarge").verdict == "fits"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"framework": "nobody"}, "framework"),
        ({"lora_targets": "nothing"}, "lora_targets"),
        ({"method": "x"}, "method"),
    ],
)
def test_a_run_that_can_not_be_asked_is_refused(catalog, changes, field):
    with pytest.raises(InputError, match=field):
        board(catalog, replace(TrainingWorkload(), **changes))


def test_a_sequence_beyond_the_model_is_refused(catalog):
    with pytest.raises(InputError, match="sequence_length"):
        board(catalog, TrainingWorkload(sequence_length=200_000))


@pytest.mark.parametrize(("tp", "pp", "dp"), [(8, None, 1), (4, 2, 1), (2, None, 4), (None, 4, 2)])
def test_an_explicit_layout_is_kept(catalog, tp, pp, dp):
    placement = Placement(instance="p5.48xlarge", tp=tp, pp=pp)
    workload = TrainingWorkload("lora", framework="generic")
    setup = board(catalog, workload, placement=placement).rows[0].training.setup
    assert (setup.tp, setup.pp, setup.dp * setup.cp) == (tp or 1, pp or 1, dp)


def test_ranks_that_do_not_divide_the_devices_are_refused(catalog):
    with pytest.raises(InputError, match="tp"):
        board(catalog, TrainingWorkload("lora"), placement=Placement(instance="p5.48xlarge", tp=3))


FRAMEWORKS = ("torchtune", "axolotl", "llama-factory", "peft", "unsloth", "deepspeed", "litgpt", "generic")
MODELS = (LLAMA, "Qwen/Qwen3-30B-A3B", "google/gemma-2-9b", "meta-llama/Llama-3.2-1B", "mistralai/Mistral-7B-v0.1")
MACHINES = ("g6.xlarge", "g6e.12xlarge", "g5.48xlarge", "p4d.24xlarge", "p5.48xlarge", "g7e.2xlarge")


@settings(deadline=None, max_examples=300)
@given(
    model=st.sampled_from(MODELS),
    machine=st.sampled_from(MACHINES),
    method=st.sampled_from(("full", "lora", "qlora", "dora")),
    framework=st.sampled_from(FRAMEWORKS),
    length=st.sampled_from((128, 1024, 4096, 8000)),
    batch=st.integers(1, 512),
    loss=st.sampled_from((None, "fused", "plain", "upcast")),
    packing=st.booleans(),
    tokens=st.integers(10_000, 10**10),
)
def test_every_figure_of_a_run_adds_up(
    catalog, model, machine, method, framework, length, batch, loss, packing, tokens
):
    """Terms add up to what is shown, and every figure that is shown twice is the same."""
    stack = catalog.inventory.training.frameworks[framework]
    workload = TrainingWorkload(
        method if method in stack.methods else "lora", sequence_length=length, global_batch=batch, loss=loss,
        packing=packing, dataset_tokens=tokens, framework=framework,
    )  # fmt: skip
    scenario = Scenario(model=model, training=workload, placement=Placement(instance=machine))
    row = evaluate(catalog.model(model), scenario, catalog.inventory, catalog.prices("us-east-1"))
    assert row.verdict in ("fits", "does_not_fit")
    if row.verdict == "does_not_fit":
        assert row.reason
        assert not row.reason.startswith("0.0 GiB short")
        return
    run = row.training
    needed, setup = run.memory, run.setup
    assert sum(part.value for part in needed.parts) == pytest.approx(needed.peak_bytes.typical)
    assert sum(part.value for part in run.step) == pytest.approx(run.step_s.typical)
    assert sum(part.value for part in run.run) == pytest.approx(run.hours.typical * 3600)
    assert run.tokens_per_s.typical == pytest.approx(run.tokens_per_s_per_device.typical * setup.devices)
    steps = next(part.value for part in run.run if part.name == "steps")
    assert steps == pytest.approx(workload.total_tokens / run.tokens_per_s.typical)
    assert needed.peak_bytes.typical <= needed.budget_bytes <= needed.usable_bytes
    assert 0 < run.mfu < 1
    assert setup.devices <= row.candidate.accelerators
    assert setup.micro_batch * setup.accumulation * setup.dp >= workload.global_batch
    for band in (needed.peak_bytes, run.tokens_per_s, run.step_s, run.hours):
        assert 0 <= band.low <= band.typical <= band.high


@settings(deadline=None, max_examples=60)
@given(
    device=st.sampled_from(("l4", "l40s", "a100-40gb-sxm", "h100-sxm")),
    method=st.sampled_from(("full", "lora", "qlora")),
    length=st.sampled_from((512, 4096, 16_384)),
    framework=st.sampled_from(("torchtune", "peft", "axolotl")),
)
def test_more_memory_never_turns_a_fit_into_a_failure(catalog, device, method, length, framework):
    run = run_of(catalog, TrainingWorkload(method, sequence_length=length, offload="none"), framework)
    small = cluster(catalog, device, 4)
    grown = replace(small.device, memory_usable_bytes=round(1.3 * small.device.memory_usable_bytes))
    if Search(run).best(small).step:
        assert Search(run).best(small._replace(device=grown)).step


def test_a_run_over_links_that_nobody_published_is_of_class_c(catalog):
    rows = board(catalog, TrainingWorkload("lora"), "meta-llama/Llama-3.3-70B-Instruct")
    assert row_of(rows, "g6e.48xlarge").confidence == "C"  # eight L40S through the host
    assert row_of(rows, "p5.48xlarge").confidence == "B"
    assert row_of(rows, "g7e.12xlarge").confidence == "B"
