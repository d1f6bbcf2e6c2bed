"""Peak of a process without a pool: what Transformers and AutoAWQ hold, which plan no budget and print none."""

from estimator.layouts.legal import divisors
from estimator.models.tensors import parameters
from estimator.serving.memory.serving_memory import ServingMemory

AWQ_OVERHEAD = 1.09
"""AutoAWQ's process over its weights, one factor for all its published tables."""
EAGER_SCORE_BYTES = 8
"""Attention scores of one layer without a fused kernel: float32 scores and their softmax."""
STAGE_SCORE_BYTES = 16
"""On the fullest of several stages, which holds no logits: the 16-bit product, scaled, masked and cast back as well."""
LEGACY_CACHES = 2
"""Before DynamicCache every step built all layers' cache anew while the last one was still held."""
EAGER_LOGIT_BYTES = 8
"""Logits of every prompt token: in 16 bit, in float32 and in a shifted copy."""
ENCODED_LOGIT_BYTES = 2
"""Logits of every prompt token where a text is encoded: 16 bit (Qwen prints 16.99 GB at 7B for 2,048 tokens)."""


def resident_bytes(memory: ServingMemory, tokens: int, batch: int, per_device: bool, legacy: bool) -> float:
    """Weights and the cache of `batch` sequences of `tokens`: of all devices together, or of the fullest.

    FP8 files of tied models hold the head beside the embedding. `legacy` is a release before DynamicCache.
    """
    deployment, ranks, pool = memory.deployment, memory.plan.ranks, memory.plan.pool
    architecture = deployment.model.architecture
    stages = [sum(part.value for part in rank.weights) for rank in ranks]
    weights = max(stages) if per_device else sum(stages)
    if architecture.tied and deployment.weights.id.startswith("fp8"):
        weights += parameters(architecture.embedding) * deployment.weights.rest_bits / 8
    share = max(rank.cached_layer_fraction for rank in ranks) if per_device else 1.0
    return weights + pool.page_bytes * pool.pages(tokens) * batch * share * (LEGACY_CACHES if legacy else 1)


def encoding_bytes(memory: ServingMemory, prompt: int, batch: int) -> float:
    """The logits of every token of the texts, where they are encoded rather than continued."""
    return batch * prompt * memory.deployment.model.architecture.vocabulary * ENCODED_LOGIT_BYTES


def awq_bytes(memory: ServingMemory, prompt: int, batch: int, per_device: bool) -> float:
    """What AutoAWQ takes beside weights and cache: its overhead, and the scores of a prompt's widest layer."""
    weights = resident_bytes(memory, 0, 0, per_device, legacy=False)
    return weights * (AWQ_OVERHEAD - 1) + _scores(memory, prompt, batch) * EAGER_SCORE_BYTES


def prompt_bytes(memory: ServingMemory, prompt: int, batch: int) -> float:
    """A layer's scores beside all logits; across stages the fullest one's scores alone."""
    scores = _scores(memory, prompt, batch)
    if memory.layout.pp > 1:
        return scores * STAGE_SCORE_BYTES
    vocabulary = memory.deployment.model.architecture.vocabulary
    return scores * EAGER_SCORE_BYTES + batch * prompt * vocabulary * EAGER_LOGIT_BYTES


def _scores(memory: ServingMemory, prompt: int, batch: int) -> int:
    """Attention scores of one layer over a whole prompt, without a fused kernel."""
    return batch * divisors(memory.deployment.model.architecture).heads * prompt * prompt
