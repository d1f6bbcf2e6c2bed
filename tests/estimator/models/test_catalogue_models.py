"""Every model of the catalogue: published totals to the parameter, published cache figures to the element."""

from typing import Any

import pytest
import yaml

from estimator.errors import InputError
from estimator.models.model import read_model
from estimator.models.summary import CACHE_BYTES, stored, summary
from tests.estimator.models.test_architecture import MODELS, model

ENTRIES = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(MODELS.glob("*/*.yaml"))]
PUBLISHED = [entry for entry in ENTRIES if (entry.get("published") or {}).get("total")]
CACHED = [entry for entry in ENTRIES if entry.get("kv")]


def name(entry: dict[str, Any]) -> str:
    return str(entry["id"])


@pytest.mark.parametrize("entry", PUBLISHED, ids=name)
def test_language_model_and_named_extras_are_the_published_total(entry: dict[str, Any]) -> None:
    explanation = read_model(entry["id"], entry).published
    assert explanation is not None
    assert explanation.difference == 0, explanation


@pytest.mark.parametrize("entry", CACHED, ids=name)
def test_cache_and_state_are_as_published(entry: dict[str, Any]) -> None:
    cache, kv = summary(read_model(entry["id"], entry)).kv_cache, entry["kv"]
    assert cache.bytes_per_token == CACHE_BYTES * kv["elements_per_token"]
    assert cache.window_bytes_per_token == CACHE_BYTES * kv.get("window_elements_per_token", 0)
    assert cache.window_tokens == kv.get("window_tokens")
    assert cache.state_elements_per_sequence == kv.get("state_elements", 0)
    assert cache.conv_state_elements_per_sequence == kv.get("conv_state_elements", 0)
    assert cache.cross_bytes_per_source_token == CACHE_BYTES * kv.get("cross_elements_per_source_token", 0)


def test_parts_add_up_to_the_language_model() -> None:
    """Embedding, head, attention, MLP and experts leave only routers, norms and the like."""
    for entry in ENTRIES:
        counts = summary(read_model(entry["id"], entry)).parameters
        parts = counts.embedding + counts.lm_head + counts.attention + counts.mlp + counts.experts
        assert 0.95 * counts.text < parts <= counts.text, entry["id"]
        assert counts.active <= counts.text, entry["id"]


def test_names_are_unique() -> None:
    names = [each.lower() for entry in ENTRIES for each in (entry["id"], *entry.get("aliases", ()))]
    assert sorted(names) == sorted(set(names))


def test_the_list_of_models_is_up_to_date() -> None:
    documented = (MODELS.parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    assert all(f"| {entry['id']} |" in documented for entry in ENTRIES)


@pytest.mark.parametrize(
    ("field", "published"),
    [
        ("published.total", {"total": "abc"}),
        ("published.total", {"total": True}),
        ("published.total", {"total": 10**400}),
        ("published.extras", {"total": 7, "extras": {"a": "zzz"}}),
        ("published.extras", {"total": 7, "extras": {"a": None}}),
        ("published.counts", {"total": 7, "counts": ["wormholes"]}),
    ],
)
def test_a_published_count_that_is_none_is_refused_by_its_field(field: str, published: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refusal:
        read_model("x", {**ENTRIES[0], "published": published})
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("model_id", "mebibytes"),
    [
        ("Alibaba-NLP/gte-modernbert-base", 284),
        ("nomic-ai/modernbert-embed-base", 568),
        ("ibm-granite/granite-embedding-english-r2", 284),
        ("ibm-granite/granite-embedding-small-english-r2", 91),
        ("ibm-granite/granite-embedding-278m-multilingual", 530),
        ("intfloat/multilingual-e5-large-instruct", 1068),
        ("intfloat/multilingual-e5-large", 2136),
        ("mixedbread-ai/mxbai-embed-large-v1", 639),
        ("WhereIsAI/UAE-Large-V1", 1278),
        ("thenlper/gte-base", 209),
        ("jinaai/jina-embeddings-v2-base-en", 262),
        ("Snowflake/snowflake-arctic-embed-m-v2.0", 1165),
        ("Qwen/Qwen3-Reranker-8B", 15618),
        ("zeroentropy/zerank-2", 7672),
    ],
)
def test_embedding_uploads_take_the_bytes_that_the_benchmark_of_them_states(model_id: str, mebibytes: int) -> None:
    """MTEB's `memory_usage_mb`, from the types in the uploads' headers: of one shape, some are 32 bits and some 16."""
    assert sum(part.bytes for part in stored(model(model_id))) == pytest.approx(mebibytes * 2**20, abs=2**20)
