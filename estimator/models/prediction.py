"""A model's own prediction module as a model of one layer, which drafts tokens for the whole one to verify."""

from dataclasses import replace
from functools import lru_cache

from estimator.models.architecture import LayerGroup
from estimator.models.formats import WeightFormat, weight_format
from estimator.models.model import Model

LEFT_WIDE = frozenset({"i4", "4"})
"""Kernels of formats whose uploads leave prediction modules in 16 bit: AWQ, GPTQ and NVFP4 recipes ignore `mtp.*`."""


@lru_cache(maxsize=256)
def prediction_module(model: Model) -> Model:
    """The module that proposes one token: a layer like the model's last one that keeps a cache, and the LM head.

    A multi-token-prediction module is such a layer (DeepSeek-V3 report, arXiv:2412.19437, section 2.2; Qwen3-Next and
    Qwen3.5 take full attention). It stands for drafters of other models too, whose heads (EAGLE, Medusa) are as large.
    Its projection of two hidden states to one is left out.
    """
    architecture = model.architecture
    caching = [each.layer for each in architecture.groups if each.layer.mixer and each.layer.mixer.cache_width]
    layer = caching[-1] if caching else architecture.groups[-1].layer
    return replace(model, architecture=replace(architecture, groups=(LayerGroup(1, layer),), mtp=(), mtp_layers=0))


def module_weights(weights: WeightFormat) -> WeightFormat:
    """The weight format of a prediction module beside a model in `weights`; GGUF files quantise the module like the
    rest.
    """
    wide = weights.kernel in LEFT_WIDE and not weights.id.startswith("gguf")
    return weight_format("bf16") if wide else weights
