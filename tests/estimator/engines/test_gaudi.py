"""vLLM on Gaudi: its own way of sharing out memory, and Intel's published throughput."""

from statistics import median

import pytest

from catalog.load import Catalog
from estimator.ranking.rank import rank
from estimator.results import Evaluation
from estimator.scenario.scenario import EngineSettings, Placement, Scenario
from estimator.scenario.workload import ServingWorkload
from estimator.units import GIB

LLAMA_2, LLAMA_8B, LLAMA_70B = "meta-llama/Llama-2-7b-hf", "meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-70B"
MISTRAL = "mistralai/Mistral-7B-v0.1"
PUBLISHED = [
    ("gaudi3", LLAMA_2, 1, 128, 128, 1536, 19_810),
    ("gaudi3", LLAMA_2, 1, 2048, 2048, 75, 2_734),
    ("gaudi3", LLAMA_8B, 1, 128, 2048, 768, 18_830),
    ("gaudi3", LLAMA_8B, 1, 2048, 128, 256, 2_652),
    ("gaudi3", LLAMA_8B, 1, 2048, 2048, 364, 7_405),
    ("gaudi3", LLAMA_70B, 2, 128, 2048, 450, 5_776),
    ("gaudi3", LLAMA_70B, 2, 2048, 128, 223, 497),
    ("gaudi3", LLAMA_70B, 8, 2048, 2048, 600, 8_946),
    ("gaudi3", MISTRAL, 1, 2048, 2048, 44, 4_970),
    ("gaudi2", LLAMA_2, 1, 128, 128, 1230, 13_137),
    ("gaudi2", LLAMA_8B, 1, 128, 2048, 289, 11_138),
    ("gaudi2", LLAMA_8B, 1, 2048, 128, 179, 2_028),
    ("gaudi2", LLAMA_8B, 1, 2048, 2048, 155, 5_511),
    ("gaudi2", MISTRAL, 1, 128, 2048, 120, 11_294),
]
"""Output tokens/s in FP8 by device, model, devices, lengths and batch: intel.com developer/platform/gaudi
model-performance.html and model-performance-gaudi2-inference.html, software 1.18. No constant is fitted to them."""


def answer(
    catalog: Catalog, device: str, model: str, count: int, workload: ServingWorkload, weights: str, **settings: int
) -> Evaluation:
    scenario = Scenario(
        model,
        weights,
        "fp8" if weights == "fp8" else "bf16",
        workload=workload,
        settings=EngineSettings(**settings),
        placement=Placement(accelerator=device, count=count, tp=count),
    )
    return rank(catalog.model(model), scenario, catalog.inventory, catalog.prices("us-east-1")).rows[0]


def test_the_cache_of_llama_8b_on_gaudi_2_is_as_the_log_prints_it(catalog: Catalog) -> None:
    """vllm-gaudi docs/configuration/performance_tuning.md: of 94.62 GiB 15.05 loaded, 0.35 profiled, 64.17 of cache."""
    row = answer(catalog, "gaudi2", LLAMA_8B, 1, ServingWorkload(2048, 512, 16), "bf16")
    assert row.memory
    assert row.memory.usable_bytes / GIB == pytest.approx(94.62, abs=0.01)
    assert row.memory.kv_cache_bytes / GIB == pytest.approx(64.17, rel=0.005)
    assert row.reason == "under vLLM on Gaudi"


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: "-".join(str(part) for part in case))
def test_published_throughput_lies_in_the_band(
    catalog: Catalog, case: tuple[str, str, int, int, int, int, int]
) -> None:
    device, model, count, prompt, output, batch, published = case
    burst = ServingWorkload(prompt, output, batch, traffic="burst", requests=batch)
    speed = answer(catalog, device, model, count, burst, "fp8", max_num_seqs=batch).performance
    assert speed
    assert speed.output_tokens_per_s.low < published < speed.output_tokens_per_s.high


def test_published_throughput_is_met_without_bias(catalog: Catalog) -> None:
    ratios = []
    for device, model, count, prompt, output, batch, published in PUBLISHED:
        burst = ServingWorkload(prompt, output, batch, traffic="burst", requests=batch)
        speed = answer(catalog, device, model, count, burst, "fp8", max_num_seqs=batch).performance
        assert speed
        ratios.append(speed.output_tokens_per_s.typical / published)
    assert median(ratios) == pytest.approx(1, abs=0.12)
    assert all(0.65 < ratio < 1.35 for ratio in ratios)


def test_what_is_not_ported_to_gaudi_is_refused(catalog: Catalog) -> None:
    row = answer(catalog, "gaudi2", "google-t5/t5-large", 1, ServingWorkload(256, 64, 1), "bf16")
    assert row.verdict == "not_supported"
    assert row.reason
    assert "its validated models are decoders" in row.reason
    quantised = answer(catalog, "gaudi3", LLAMA_8B, 1, ServingWorkload(256, 64, 1), "nvfp4")
    assert quantised.reason == "vLLM on Gaudi does not load NVFP4"


def test_the_first_gaudi_has_no_engine(catalog: Catalog) -> None:
    row = answer(catalog, "gaudi1", LLAMA_8B, 1, ServingWorkload(256, 64, 1), "bf16")
    assert row.reason == "Habana Gaudi HL-205 is supported by no serving engine"
