"""Cards that people own: each is named as a driver prints it, and runs under the engines that support it."""

import pytest

from catalog.load import Catalog
from estimator.engines.support import refusal
from estimator.models.formats import weight_format

CARDS = {
    "Tesla P40": "llamacpp",
    "Tesla P100-PCIE-16GB": "llamacpp",
    "NVIDIA GeForce RTX 2060": "llamacpp vllm sglang",
    "NVIDIA GeForce RTX 2080 SUPER": "llamacpp vllm sglang",
    "NVIDIA RTX PRO 4000 Blackwell": "llamacpp vllm sglang",
    "NVIDIA RTX PRO 4500 Blackwell": "llamacpp vllm sglang",
    "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition": "llamacpp vllm sglang",
    "NVIDIA H20-3e": "llamacpp vllm sglang",
    "Jetson AGX Thor": "llamacpp vllm sglang",
    "Jetson Orin Nano": "llamacpp vllm sglang",
    "Jetson Orin NX": "llamacpp vllm sglang",
    "AMD Instinct MI50": "llamacpp",
    "AMD Instinct MI100": "llamacpp",
    "AMD Instinct MI250X": "llamacpp vllm",
    "AMD Instinct MI355X": "llamacpp vllm sglang",
    "Radeon RX 7900 XT": "llamacpp vllm",
    "RX 9070 XT": "llamacpp vllm",
    "Intel Arc B580": "llamacpp vllm sglang",
    "Apple M5 Max (40-core GPU)": "llamacpp",
}


@pytest.mark.parametrize(("printed", "engines"), CARDS.items())
def test_a_card_runs_under_the_engines_that_support_it(catalog: Catalog, printed: str, engines: str) -> None:
    device = catalog.inventory.accelerator(printed)
    for name in ("llamacpp", "vllm", "sglang"):
        weights = weight_format("gguf-q4_k_m" if name == "llamacpp" else "fp16")
        reason = refusal(device, catalog.inventory.engine(name), weights)
        assert (reason is None) == (name in engines.split()), reason


def test_no_card_has_more_memory_than_was_sold_or_less_than_half(catalog: Catalog) -> None:
    for device in catalog.inventory.accelerators.values():
        if device.kind != "cpu":
            sold = device.memory_sold_gb * 2**30
            assert sold / 2 < device.memory_usable_bytes <= sold * 1.03, device.id


def test_matrix_peaks_do_not_fall_with_narrower_numbers(catalog: Catalog) -> None:
    for device in catalog.inventory.accelerators.values():
        assert device.fp8_flops == 0 or device.fp8_flops >= device.bf16_flops, device.id
        assert device.fp4_flops == 0 or device.fp4_flops >= device.fp8_flops, device.id
