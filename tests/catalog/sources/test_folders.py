"""Folders, configuration files, GGUF headers, and models given by hand."""

import json
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.load import Catalog, load
from catalog.sources import folder, gguf, kept, manual
from catalog.sources.checkpoint import Stored
from catalog.sources.resolve import at_hand, local, resolve, silent
from estimator.errors import InputError, UnsupportedArchitecture
from estimator.models.model import read_model
from tests.catalog.sources.loopback_hub import safetensors
from tests.catalog.sources.test_hub import CONFIG


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("user"))


def write_gguf(path: Path, metadata: dict[str, Any], tensors: dict[str, tuple[tuple[int, ...], int]]) -> Path:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def typed(value: Any) -> bytes:
        if isinstance(value, str):
            return struct.pack("<I", 8) + text(value)
        if isinstance(value, list):
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
        return struct.pack("<II", 4, value)

    content = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    content += b"".join(text(key) + typed(value) for key, value in metadata.items())
    for name, (shape, code) in tensors.items():
        content += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, code, 0)
    path.write_bytes(content)
    return path


LLAMA = {
    "general.architecture": "llama",
    "general.file_type": 15,
    "llama.block_count": 1,
    "llama.embedding_length": 64,
    "llama.feed_forward_length": 128,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "llama.context_length": 2048,
    "tokenizer.ggml.tokens": [f"t{n}" for n in range(5000)],
}
Q4_K, Q6_K, F32 = 12, 14, 0
TENSORS = {
    "token_embd.weight": ((64, 5000), Q6_K),
    "output.weight": ((64, 5000), Q6_K),
    "output_norm.weight": ((64,), F32),
    "rope_freqs.weight": ((8,), F32),
    "blk.0.attn_norm.weight": ((64,), F32),
    "blk.0.ffn_norm.weight": ((64,), F32),
    "blk.0.attn_q.weight": ((64, 64), Q4_K),
    "blk.0.attn_k.weight": ((64, 32), Q4_K),
    "blk.0.attn_v.weight": ((64, 32), Q4_K),
    "blk.0.attn_output.weight": ((64, 64), Q4_K),
    "blk.0.ffn_gate.weight": ((64, 128), Q4_K),
    "blk.0.ffn_up.weight": ((64, 128), Q4_K),
    "blk.0.ffn_down.weight": ((128, 64), Q4_K),
}


def test_a_folder_gives_the_exact_bytes_of_every_type(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "model-1.safetensors").write_bytes(safetensors({"a": ("BF16", [4, 4], 32)}))
    (tmp_path / "model-2.safetensors").write_bytes(safetensors({"b": ("F8_E4M3", [8], 8), "c": ("BF16", [2], 4)}))
    found = folder.read(tmp_path, silent)
    assert found.stored == {"BF16": Stored(18, 36), "F8_E4M3": Stored(8, 8)}


def test_a_configuration_file_alone_is_a_model(tmp_path: Path, catalog: Catalog) -> None:
    path = tmp_path / "acme__tiny.json"
    path.write_text(json.dumps(CONFIG))
    model = resolve(str(path), catalog)
    assert (model.id, model.architecture.hidden) == ("acme__tiny", 64)


def test_a_key_that_stands_twice_with_two_values_is_refused(tmp_path: Path) -> None:
    text = json.dumps(CONFIG)
    path = tmp_path / "config.json"
    path.write_text(f'{{"num_hidden_layers": {CONFIG["num_hidden_layers"]}, {text[1:]}', encoding="utf-8")
    assert local(str(path)) is not None
    path.write_text(f'{{"num_hidden_layers": {CONFIG["num_hidden_layers"] + 1}, {text[1:]}', encoding="utf-8")
    with pytest.raises(InputError, match="'num_hidden_layers' stands twice"):
        local(str(path))


def test_gguf_header_gives_shape_and_bytes(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", LLAMA, TENSORS)
    header = gguf.read(path)
    assert header.metadata["tokenizer.ggml.tokens"] == 5000
    assert header.stored["Q6_K"] == Stored(640_000, 640_000 // 256 * 210)
    found = local(str(path))
    assert found
    architecture = found.architecture
    assert (architecture.vocabulary, architecture.tied) == (5000, False)
    assert architecture.text_parameters == 640_000 + 64 + 2 * 64 + 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128
    assert found.native_weights == "gguf-q4_k_m"
    stored = sum(found.checkpoint.bytes_of(tensor) for tensor in (*architecture.embedding, *architecture.head))
    assert stored == pytest.approx(640_000 * 6.5625 / 8)
    q_proj = architecture.groups[0].layer.tensors[0]
    assert found.checkpoint.bits_of(q_proj) == 4.5


def test_a_gguf_file_without_a_head_multiplies_its_embedding(tmp_path: Path) -> None:
    tensors = {name: each for name, each in TENSORS.items() if name != "output.weight"}
    tensors["token_embd.weight"] = ((64, 5000), Q4_K)
    found = local(str(write_gguf(tmp_path / "tied.gguf", LLAMA, tensors)))
    assert found
    assert found.architecture.tied
    assert (found.checkpoint.kind_bits("head"), found.checkpoint.kind_bits("embedding")) == (4.5, 4.5)


def test_a_role_of_a_gguf_file_has_the_average_bits_of_its_own_tensors(tmp_path: Path) -> None:
    """Layers of Q4_K beside an embedding of Q6_K that is most of the file."""
    found = local(str(write_gguf(tmp_path / "tiny.gguf", LLAMA, TENSORS)))
    assert found
    assert (found.checkpoint.kind_bits("mlp"), found.checkpoint.kind_bits("attention")) == (4.5, 4.5)


def test_gguf_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "odd.gguf", LLAMA | {"llama.block_count": 3}, TENSORS)
    with pytest.raises(InputError, match="its tensors hold"):
        local(str(path))


@pytest.mark.parametrize("value", ["q", ["a", "b"], 4_000_000_000])
@pytest.mark.parametrize(
    "key",
    ["general.file_type", "general.architecture", "llama.block_count", "llama.expert_count", "llama.context_length"],
)
def test_gguf_metadata_of_another_type_is_refused_or_left_out(tmp_path: Path, key: str, value: Any) -> None:
    with suppress(InputError):
        local(str(write_gguf(tmp_path / "x.gguf", LLAMA | {key: value}, TENSORS)))


def test_a_mix_without_a_name_goes_by_its_commonest_type(tmp_path: Path) -> None:
    metadata = {key: value for key, value in LLAMA.items() if key != "general.file_type"}
    found = local(str(write_gguf(tmp_path / "x.gguf", metadata, TENSORS)))
    assert found
    assert found.native_weights == "gguf-q6_k"


def test_gguf_of_an_unknown_architecture_is_refused_by_name(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "new.gguf", {"general.architecture": "mystery\x1b[2J"}, {})
    with pytest.raises(UnsupportedArchitecture) as error:
        local(str(path))
    assert "mystery" in str(error.value)
    assert "\x1b" not in str(error.value)


@settings(deadline=None, max_examples=150)
@given(cut=st.integers(0, 2000), noise=st.binary(max_size=40))
def test_damaged_gguf_ends_in_one_line(tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes) -> None:
    path = tmp_path_factory.mktemp("gguf") / "x.gguf"
    whole = write_gguf(path, LLAMA | {"tokenizer.ggml.tokens": ["a"]}, TENSORS).read_bytes()
    path.write_bytes(whole[:cut] + noise + whole[cut + len(noise) :])
    with suppress(InputError):
        local(str(path))


@pytest.mark.parametrize(("name", "parameters"), [("7B", 7e9), ("13b", 13e9), ("70b", 70.6e9), ("175B", 175e9)])
def test_plain_sizes_are_models(catalog: Catalog, name: str, parameters: float) -> None:
    assert resolve(name, catalog).architecture.text_parameters == pytest.approx(parameters, rel=1e-3)


def test_manual_parameters_come_to_the_total(catalog: Catalog) -> None:
    dense = resolve("total=8B,hidden=4096,layers=32,heads=32,kv-heads=8", catalog).architecture
    assert dense.text_parameters == pytest.approx(8e9, rel=1e-3)
    assert dense.cache_elements(1) == 2 * 8 * 128 * 32
    sparse = resolve("total=47e9,hidden=4096,layers=32,heads=32,experts=8,active-experts=2", catalog).architecture
    assert sparse.text_parameters == pytest.approx(47e9, rel=1e-3)
    assert sparse.active_parameters < 15e9


@pytest.mark.parametrize(
    "text",
    [
        "hidden=4096",
        "total=8e9,hidden=4096,layers=32,heads=32,kv-heads=5",
        "total=8e9,hidden=nan,layers=32,heads=32",
        "total=8e9,hidden=4096,layers=1e30,heads=32",
        "total=1e6,hidden=4096,layers=32,heads=32",
        "total=8e9,hidden=4096,layers=32,heads=32,experts=8,active-experts=9",
        "colour=3",
        "total=,hidden",
    ],
)
def test_manual_parameters_that_can_not_be_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        manual.read(text)


@pytest.mark.parametrize(
    "reference", ["no-such-model", "./nowhere", "/etc", "/dev/zero", "x" * 5000, "a\0b", "nul.json"]
)
def test_what_leads_nowhere_is_one_line(catalog: Catalog, reference: str) -> None:
    with pytest.raises(InputError):
        resolve(reference, catalog)


def test_a_near_miss_names_what_was_meant(catalog: Catalog) -> None:
    with pytest.raises(InputError, match=r"did you mean .*Llama-3.1-8B"):
        resolve("Lama-3.1-8B", catalog)


def test_a_kept_model_is_a_catalogue_model_ever_after(tmp_path: Path) -> None:
    entry = {"config": CONFIG | {"note": "\x1b[31mred"}, "quantization": None, "source": "loopback"}
    path = kept.keep("acme/tiny@feature/x", entry, tmp_path)
    assert path == tmp_path / "models" / "acme" / "tiny@feature--x.yaml"
    model = resolve("acme/tiny@feature/x", load(tmp_path))
    assert model.architecture.hidden == 64
    assert "\x1b" not in path.read_text()


def test_only_models_that_stand_as_fetched_are_refreshed(tmp_path: Path) -> None:
    entry = {"config": CONFIG, "source": "loopback"}
    for name in ("acme/fetched", "acme/edited"):
        kept.keep(name, entry, tmp_path)
    folder = tmp_path / "models" / "acme"
    (folder / "own.yaml").write_text("# mine\nid: acme/own\n")
    edited = (folder / "edited.yaml").read_text().replace("loopback", "loopback, with a note of mine")
    (folder / "edited.yaml").write_text(edited)
    assert list(kept.kept(tmp_path)) == ["acme/fetched"]
    for name in ("acme/own", "acme/edited"):
        kept.keep(name, entry, tmp_path)
    assert (folder / "own.yaml.bak").read_text() == "# mine\nid: acme/own\n"
    assert (folder / "edited.yaml.bak").read_text() == edited
    assert load(tmp_path).problems == ()


def test_a_folder_that_can_not_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file in the way")
    assert kept.keep("acme/tiny", {"config": CONFIG, "source": "loopback"}, tmp_path) is None


def test_an_unknown_class_is_refused_with_the_bytes_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["MysteryForCausalLM"]}')
    (tmp_path / "model.safetensors").write_bytes(safetensors({"a": ("BF16", [4, 4], 32)}))
    with pytest.raises(UnsupportedArchitecture, match=r"hold 32 bytes \(16 BF16\)"):
        local(str(tmp_path))


def test_a_folder_keeps_what_its_files_hold(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "model.safetensors").write_bytes(safetensors({"a": ("BF16", [4, 4], 32)}))
    found = local(str(tmp_path))
    assert found
    assert found.published
    assert (found.stored_bytes, found.published.published) == (32, 16)


def test_a_quantised_upload_is_known_by_its_name() -> None:
    """No network: the catalogue's shape in the format that the name announces."""
    catalog = load()
    found = at_hand("RedHatAI/Qwen3-8B-FP8-dynamic", catalog)
    assert (found.id, found.native_weights) == ("RedHatAI/Qwen3-8B-FP8-dynamic", "fp8")
    assert found.architecture.parameters == 8_190_735_360
    with pytest.raises(InputError):
        at_hand("RedHatAI/Nothing-8B-FP8", catalog)


def folder_of(tmp_path: Path, **files: object) -> Path:
    """A folder with config.json and these files; what is no bytes is written as JSON."""
    for name, content in {"config.json": CONFIG, **files}.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return tmp_path


def test_shards_that_the_index_names_and_the_folder_lacks_are_said(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    shard = safetensors({"a": ("BF16", [4, 4], 32)})
    folder_of(tmp_path, **{"model.safetensors.index.json": index, "model-1.safetensors": shard})
    with pytest.raises(InputError, match=r"1 of 2 shards are missing: model-2\.safetensors"):
        folder.read(tmp_path, silent)


def test_an_index_decides_which_files_are_the_model(tmp_path: Path) -> None:
    shard, other = safetensors({"a": ("BF16", [4, 4], 32)}), safetensors({"a": ("F32", [8], 32)})
    index = {"weight_map": {"a": "model-1.safetensors"}}
    files = {"model.safetensors.index.json": index, "model-1.safetensors": shard, "consolidated.safetensors": other}
    assert folder.read(folder_of(tmp_path, **files), silent).stored == {"BF16": Stored(16, 32)}


def test_modelopts_own_file_says_how_weights_are_quantised(tmp_path: Path) -> None:
    own = {"quantization": {"quant_algo": "FP8"}}
    assert folder.read(folder_of(tmp_path, **{"hf_quant_config.json": own}), silent).quantization == own


def test_a_configuration_named_by_itself_is_that_of_its_folder(tmp_path: Path) -> None:
    """The folder of the Hub's cache holds links to files with other names; a copy elsewhere has no folder."""
    own = {"quantization": {"quant_algo": "NVFP4"}}
    blobs, snapshot = tmp_path / "blobs", tmp_path / "Tiny-NVFP4"
    blobs.mkdir()
    snapshot.mkdir()
    folder_of(snapshot, **{"hf_quant_config.json": own})
    (snapshot / "config.json").rename(blobs / "3f2a")
    (snapshot / "config.json").symlink_to(blobs / "3f2a")
    (snapshot / "copy.json").write_bytes((blobs / "3f2a").read_bytes())
    named = folder.read_config(snapshot / "config.json")
    assert (named.id, named.quantization) == ("Tiny-NVFP4", own)
    assert folder.read_config(snapshot / "copy.json").quantization is None


@pytest.mark.parametrize(
    ("name", "section", "weights"),
    [
        ("quantize_config.json", {"bits": 4, "group_size": 128, "desc_act": False, "sym": True}, "int4-gptq"),
        ("quantize_config.json", {"bits": 4, "group_size": -1, "damp_percent": 0.01}, "int4-gptq-channel"),
        ("quant_config.json", {"zero_point": True, "q_group_size": 128, "w_bit": 4, "version": "GEMM"}, "int4-awq"),
        ("quantize_config.json", {"per_channel": True, "reduce_range": True, "per_model_config": {}}, "bf16"),
    ],
    ids=["AutoGPTQ", "AutoGPTQ by channel", "AutoAWQ", "an export to ONNX"],
)
def test_the_file_that_older_quantisers_wrote_beside_the_configuration_counts(
    tmp_path: Path, name: str, section: dict[str, Any], weights: str
) -> None:
    read = folder.read(folder_of(tmp_path, **{name: section}), silent)
    entry = {"config": read.config, "quantization": read.quantization}
    assert read_model("acme/tiny", entry).native_weights == weights


def test_a_part_of_a_split_gguf_needs_its_number_in_its_name(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "model.gguf", LLAMA | {"split.count": 2}, TENSORS)
    with pytest.raises(InputError, match=r"one of 2 parts, not named …-00001-of-00002\.gguf"):
        gguf.read(path)


def test_lists_of_lists_are_no_gguf_metadata(tmp_path: Path) -> None:
    nested = struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 9, 1)
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + nested)
    with pytest.raises(InputError, match="nested metadata arrays"):
        gguf.read(path)


def test_long_lists_of_numbers_are_skipped_by_their_size(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "model.gguf", LLAMA, TENSORS)
    content = path.read_bytes()
    floats = struct.pack("<Q", 6) + b"scores" + struct.pack("<IIQ", 9, 6, 50_000) + bytes(4 * 50_000)
    (keys,) = struct.unpack("<Q", content[16:24])
    path.write_bytes(content[:16] + struct.pack("<Q", keys + 1) + floats + content[24:])
    header = gguf.read(path)
    assert header.metadata["scores"] == 50_000
    assert header.tensors.keys() == TENSORS.keys()
