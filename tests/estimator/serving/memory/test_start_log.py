"""A start-up log of one's own against the budget, and the reserve that it leaves behind."""

import pytest

from catalog.load import Catalog
from estimator.engines.speed_constants import Calibration, calibrated
from estimator.errors import InputError
from estimator.layout import Layout
from estimator.models.formats import cache_format
from estimator.scenario.scenario import EngineSettings
from estimator.serving.deployment import Deployment
from estimator.serving.load.calibration import read_points
from estimator.serving.memory import ServingMemory, compile_memory
from estimator.serving.memory.start_log import compare_start, read_start_log
from estimator.units import GIB

NOW = """
(EngineCore pid=75) INFO 08-22 [gpu_model_runner.py:5187] Model loading took 14.29 GiB memory and 8.86 seconds
(EngineCore pid=75) INFO 08-22 [gpu_worker.py:538] Available KV cache memory: 3.1 GiB
(EngineCore pid=75) INFO 08-22 [kv_cache_utils.py:1744] GPU KV cache size: 58,000 tokens
(EngineCore pid=75) INFO 08-22 Graph capturing finished in 7 secs, took 0.42 GiB
"""
THEN = (
    "the current vLLM instance can use total_gpu_memory (23.58GiB) x gpu_memory_utilization (0.90) = 21.22GiB model "
    "weights take 14.99GiB; non_torch_memory takes 0.35GiB; PyTorch activation peak memory takes 2.06GiB; the rest of "
    "the memory reserved for KV Cache is 3.81GiB."
)
SGLANG = """
Load weight end. type=Qwen2ForCausalLM, dtype=torch.bfloat16, avail mem=6.90 GB, mem usage=14.35 GB.
KV Cache is allocated. #tokens: 73404, K size: 1.96 GB, V size: 1.96 GB
"""


def started(catalog: Catalog, *own: Calibration, engine: str = "vllm", device: str = "l4") -> ServingMemory:
    inventory = catalog.inventory
    profile = inventory.engine(engine, "0.28.0" if engine == "vllm" else None)
    model = catalog.model("Qwen/Qwen2.5-7B-Instruct")
    efficiency = calibrated(inventory.efficiency, own)
    deployment = Deployment(
        model=model,
        weights=model.weights("bf16"),
        cache=cache_format("bf16"),
        device=inventory.accelerators[device],
        fabric=inventory.fabrics["none"],
        engine=profile,
        speed=efficiency.engines[profile.speed],
        efficiency=efficiency,
        settings=EngineSettings(max_model_len=4096),
    )
    return compile_memory(deployment, Layout())


@pytest.mark.parametrize(
    ("log", "figures"),
    [
        (NOW, {"weights": 14.29, "cache": 3.1, "graphs": 0.42}),
        (THEN, {"weights": 14.99, "activations": 2.06, "outside torch": 0.35, "cache": 3.81}),
        (SGLANG, {"weights": 14.35, "cache": 3.92}),
        ("INFO: Application startup complete.", {}),
    ],
)
def test_lines_of_both_engines_are_read(log: str, figures: dict[str, float]) -> None:
    assert read_start_log(log) == pytest.approx(figures)


@pytest.mark.parametrize(("engine", "log"), [("vllm", NOW), ("sglang", SGLANG)])
def test_the_reserve_makes_the_budget_what_was_printed(catalog: Catalog, engine: str, log: str) -> None:
    figures = read_start_log(log)
    compared = compare_start(figures, started(catalog, engine=engine))
    assert [line.name for line in compared.lines] == [
        name for name in ("weights", "graphs", "cache") if name in figures
    ]
    own = Calibration(accelerator="l4", engine=engine, reserve_gib=compared.reserve_gib)
    memory = started(catalog, own, engine=engine)
    assert memory.pool_bytes / GIB == pytest.approx(figures["cache"], abs=0.01)
    assert any(term.name == "your own start-up" for term in memory.tightest_rank.runtime)
    assert sum(term.bytes for term in memory.pool_terms()) == pytest.approx(memory.pool_bytes)
    again = compare_start(figures, memory, own.reserve_gib)
    assert again.reserve_gib == pytest.approx(compared.reserve_gib, abs=0.01)


def test_a_reserve_is_of_its_device_and_engine(catalog: Catalog) -> None:
    plain = started(catalog).pool_bytes
    assert started(catalog, Calibration("a10g", "vllm", reserve_gib=1.0)).pool_bytes == plain
    assert started(catalog, Calibration("l4", "vllm", decode=1.2)).pool_bytes == plain
    assert started(catalog, Calibration("l4", "vllm", reserve_gib=1.0)).pool_bytes == pytest.approx(plain - GIB)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("Model loading took 14.29 GiB memory", "does not say how much memory is left"),
        (NOW.replace("14.29", "7.16"), "another model or layout"),
        (NOW.replace("3.1 GiB", "60.2 GiB"), "another device"),
    ],
)
def test_a_log_of_something_else_is_refused(catalog: Catalog, log: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        compare_start(read_start_log(log), started(catalog))


@pytest.mark.parametrize("reserve", [float("nan"), 1e9, "1", True])
def test_a_session_holds_no_reserve_that_is_no_size(reserve: object) -> None:
    with pytest.raises(InputError, match="reserve_gib"):
        read_points([{"accelerator": "l4", "engine": "vllm", "reserve_gib": reserve}])
    assert read_points([{"accelerator": "l4", "engine": "vllm", "reserve_gib": -0.5}])[0].reserve_gib == -0.5
