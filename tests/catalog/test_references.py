"""What a catalogue file says of another: a name that does not exist, and versions out of order, are errors by line."""

from pathlib import Path

import pytest
import yaml

from catalog import cache
from catalog.listing import check
from catalog.load import Catalog, load

ENGINES = (cache.DATA / "engines.yaml").read_text()


def vllm(version: str, speed: str = "vllm") -> str:
    """The newest packaged entry of vLLM under another version and speed class."""
    entry = next(each for each in reversed(yaml.safe_load(ENGINES)) if each["id"] == "vllm")
    return str(yaml.safe_dump([entry | {"version": version, "speed": speed}], sort_keys=False))


def line_of(text: str, field: str) -> int:
    """The last line that begins with this field."""
    return max(number for number, line in enumerate(text.splitlines(), 1) if line.strip().startswith(field))


def problems(catalog: Catalog, folder: Path, name: str, text: str) -> list[str]:
    path = folder / name
    path.write_text(text)
    return [line.removeprefix(f"{folder}/") for line in check(catalog, path)]


def test_an_engine_whose_speed_class_does_not_exist_is_an_error(catalog: Catalog, tmp_path: Path) -> None:
    text = vllm("0.30", "vllm-0.30")
    place = f"engines.yaml:{line_of(text, 'speed:')}: 0.speed: no engine constants 'vllm-0.30'"
    assert problems(catalog, tmp_path, "engines.yaml", text)[0].startswith(place)


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        (("0.30", "0.29"), "vllm 0.29 does not come after 0.30, which stands above it"),
        (("0.30", "0.30.0"), None),
        (("0.30", "0.30"), "vllm 0.30 does not come after 0.30, which stands above it"),
        (("newest",), "'newest' is no version, expected numbers such as 0.28"),
    ],
)
def test_versions_of_an_engine_ascend(
    catalog: Catalog, tmp_path: Path, versions: tuple[str, ...], reason: str | None
) -> None:
    text = "".join(map(vllm, versions))
    number = len(versions) - 1
    place = f"engines.yaml:{line_of(text, 'version:')}: {number}.version: {reason}"
    assert problems(catalog, tmp_path, "engines.yaml", text) == ([place] if reason else [])


def test_an_accelerator_whose_kernel_class_does_not_exist_is_an_error(catalog: Catalog, tmp_path: Path) -> None:
    """The part's generation is free text; only the class of its constants has to exist."""
    text = (cache.DATA / "README.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    assert problems(catalog, tmp_path, "accelerators.yaml", text) == []
    wrong = text.replace("kernels: ada ", "kernels: adda ").replace("generation: ada ", "generation: lovelace ")
    found = problems(catalog, tmp_path, "accelerators.yaml", wrong)
    assert len(found) == 1
    line = line_of(wrong, "kernels:")
    assert found[0].startswith(f"accelerators.yaml:{line}: l40s.kernels: no kernel class 'adda'; did you mean ada")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("evidence: {h101: spec}\n", "1: evidence.h101: no accelerator 'h101'; did you mean h20"),
        ("llama_cpp: {devices: {l4: adda}}\n", "1: llama_cpp.devices.l4: no llama.cpp kernel class 'adda'"),
        ("bands: [{metric: tpot, low: 0.8, high: 1.2, engine: vlm}]\n", "1: bands.0.engine: no engine constants 'vlm'"),
    ],
)
def test_constants_of_what_does_not_exist_are_an_error(
    catalog: Catalog, tmp_path: Path, text: str, problem: str
) -> None:
    assert problems(catalog, tmp_path, "efficiency.yaml", text)[0].startswith(f"efficiency.yaml:{problem}")


def test_a_users_engine_version_is_added_to_the_packaged_ones(empty_home: Path, tmp_path: Path) -> None:
    (tmp_path / "engines.yaml").write_text(vllm("0.30"))
    inventory = load(tmp_path).inventory
    assert [inventory.engine("vllm", version).version for version in ("0.26.1", "0.29", "0.31")] == [
        "0.26",
        "0.29",
        "0.30",
    ]
    assert inventory.engine("vllm").version == "0.30"
    assert inventory.engine("sglang").id == "sglang"


def test_a_users_constants_are_laid_over_the_packaged_ones_key_by_key(empty_home: Path, tmp_path: Path) -> None:
    packaged = load(tmp_path / "none").inventory.efficiency
    (tmp_path / "efficiency.yaml").write_text("engines: {vllm: {host: {step_ms: 7.5}}}\nevidence: {l4: spec}\n")
    efficiency = load(tmp_path).inventory.efficiency
    assert efficiency.engines["vllm"].host.step_ms == 7.5
    assert efficiency.engines["vllm"].kernels == packaged.engines["vllm"].kernels
    assert efficiency.engines.keys() == packaged.engines.keys()
    assert dict(efficiency.evidence) == {**packaged.evidence, "l4": "spec"}


def constants(tmp_path: Path, catalog: Catalog, text: str) -> list[str]:
    return problems(catalog, tmp_path, "efficiency.yaml", text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("bandwidth_of_parts: {h1000: 0.9}\n", "1: bandwidth_of_parts.h1000: no accelerator 'h1000'"),
        ("evidence: {h1000: [A, A]}\n", "1: evidence.h1000: "),
        ("llama_cpp: {devices: {h1000: hopper}}\n", "1: llama_cpp.devices.h1000: no accelerator 'h1000'"),
        (
            "llama_cpp: {devices: {h100-sxm: hoper}}\n",
            "1: llama_cpp.devices.h100-sxm: no llama.cpp kernel class 'hoper'",
        ),
    ],
)
def test_a_constant_of_a_device_that_does_not_exist_is_an_error(
    catalog: Catalog, tmp_path: Path, text: str, problem: str
) -> None:
    from catalog.build import Files, merge, sources

    path = tmp_path / "efficiency.yaml"
    path.write_text(text)
    files = Files(sources((cache.DATA, tmp_path)))
    merge(files)
    assert [line for line in files.problems if line.startswith(f"{path}:{problem}")], files.problems


def test_engines_name_kernels_and_generations_that_exist(catalog: Catalog, tmp_path: Path) -> None:
    entry = yaml.safe_load(vllm("0.99"))[0]
    entry["tensor_parallel_of"] = {"hopperr": [1, 2]}
    entry["memory"]["defaults"] = [{**entry["memory"]["defaults"][0], "except_devices": "hoper"}]
    lines = problems(catalog, tmp_path, "engines.yaml", yaml.safe_dump([entry], sort_keys=False))
    assert [line for line in lines if "tensor_parallel_of" in line and "'hopperr'" in line], lines
    assert [line for line in lines if "except_devices: no accelerator's id starts with 'hoper'" in line], lines
