"""Readers of models that keep a vector for every token, to be compared one by one: ColBERT, ColPali, ColQwen."""

from dataclasses import replace

from estimator.models.architecture import Architecture
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.heads import with_head
from estimator.models.hf_config.lookup import reader
from estimator.models.hf_config.registry import reads
from estimator.models.tensors import Tensor

VECTOR = 128
"""Width of a token's vector (arXiv:2004.12832, arXiv:2407.01449)."""
_INSIDE = {
    "ColPaliForRetrieval": "PaliGemmaForConditionalGeneration",
    "ColQwen2ForRetrieval": "Qwen2VLForConditionalGeneration",
}


@reads(ColPaliForRetrieval="colpali", ColQwen2ForRetrieval="colqwen2")
def multimodal(f: Fields) -> Architecture:
    """ColPali and ColQwen2: a vision-language model under one projection, read in a single pass."""
    inner = Fields(f.required_section("vlm_config").config, "vlm_config", _INSIDE[f.class_name])
    body = reader(inner.class_name, "no reader for the model inside")(inner)
    return _projected(body, f, f.size("embedding_dim", default=VECTOR), bias=True)


@reads(HF_ColBERT="")
def colbert(f: Fields) -> Architecture:
    """ColBERT v2 (arXiv:2112.01488): BERT under one projection without a bias."""
    inner = Fields(f.config, f.path, "BertModel")
    body = reader("BertModel", "no reader for the model inside")(inner)
    return _projected(body, f, f.size("dim", default=VECTOR), bias=False)


def _projected(body: Architecture, f: Fields, width: int, *, bias: bool) -> Architecture:
    bare = with_head(body, "embedding", f, None) if body.generates else body
    projection = (Tensor("embedding_projection", "head", width, body.hidden, split="whole"),)
    vector = (Tensor("embedding_projection_bias", "norm", width, split="whole"),) if bias else ()
    return replace(bare, final=(*bare.final, *projection, *vector))
