"""Peak of the profiling run: the sampler's logits or the widest layer, and the workspaces that stay beside them."""

from functools import lru_cache
from typing import NamedTuple

from estimator.engines.memory_policy import ActivationPeak, CudaGraphs
from estimator.models.architecture import Architecture
from estimator.models.formats import WeightFormat
from estimator.models.mixers import LatentAttention
from estimator.models.mlps import DenseMlp, MixtureOfExperts

LATENT_WORKSPACE_TOKENS = 65_536
"""Tokens of the chunked-prefill workspace of latent attention (vLLM: vllm/v1/attention/backends/mla/common.py)."""
VISION_PER_TOWER_BYTE = 0.12
"""Encoder profile as a fraction of the tower's 16-bit weights; fitted to six start-up logs of vLLM 0.18-0.19."""
EIGHT_BIT = (7.9, 9.0)
"""Bits a weight of formats whose inputs are quantised to 8 bit beside the 16-bit ones."""
LEAST_GRAPH_FRACTION = 0.1
"""What the graphs of the smallest batches still take of those of all batches; engineering guess."""


class LayerWidths(NamedTuple):
    """Elements per token that the widest layers of a model keep alive."""

    dense: int
    """Gate, up and product of a dense feed-forward."""
    intermediate: int
    """One of these."""
    expert: int
    """Intermediate width of one routed expert; 0 without experts."""
    experts_per_token: int
    latent: int
    """Compressed keys and values of latent attention; 0 without it."""


@lru_cache(maxsize=1024)
def layer_widths(architecture: Architecture) -> LayerWidths:
    """Largest widths over all layers of an architecture."""
    dense = intermediate = expert = per_token = latent = 0
    for group in architecture.groups:
        mlp, mixer = group.layer.mlp, group.layer.mixer
        if isinstance(mlp, MixtureOfExperts):
            expert, per_token = max(expert, mlp.intermediate), max(per_token, mlp.per_token)
            mlp = mlp.shared
        if isinstance(mlp, DenseMlp):
            dense = max(dense, mlp.intermediate * (3 if mlp.gated else 2))
            intermediate = max(intermediate, mlp.intermediate)
        if isinstance(mixer, LatentAttention):
            latent = max(latent, mixer.cache_width)
    return LayerWidths(
        dense=dense, intermediate=intermediate, expert=expert, experts_per_token=per_token, latent=latent
    )


def sampler_bytes(
    architecture: Architecture, peak: ActivationPeak, sequences: int, tokens: int, element_bytes: int
) -> float:
    """Logits of every sequence with the sampler's copies, beside the hidden states of one step."""
    rows = tokens if peak.logits_of_every_token else sequences
    logits = rows * architecture.vocabulary * (peak.logit_bytes + element_bytes)
    return logits + peak.hidden_states * tokens * architecture.hidden * element_bytes


def layer_bytes(
    architecture: Architecture, peak: ActivationPeak, weights: WeightFormat, tokens: int, element_bytes: int, tp: int
) -> float:
    """The widest layer over one step: feed-forward intermediates and the residual stream."""
    width = layer_widths(architecture)
    elements = width.dense / tp + peak.residual_vectors * architecture.hidden
    quantised_input = width.intermediate / tp if EIGHT_BIT[0] < weights.bits < EIGHT_BIT[1] else 0.0
    return tokens * (elements * element_bytes + quantised_input)


def expert_buffer_bytes(architecture: Architecture, weights: WeightFormat, tokens: int, tp: int) -> float:
    """Inputs and outputs of the fused experts' two products, for every expert a token visits."""
    width, hidden = layer_widths(architecture), architecture.hidden
    if not width.expert or weights.id == "mxfp4":
        return 0.0
    return tokens * width.experts_per_token * 2 * (max(width.expert / tp, hidden) + max(2 * width.expert / tp, hidden))


def workspace_bytes(architecture: Architecture, tower_parameters: int, tokens: int, tp: int) -> float:
    """Buffers that stay: chunked prefill of latent attention, the vision encoder's profile."""
    latent = LATENT_WORKSPACE_TOKENS * layer_widths(architecture).latent * 2.0
    if not tower_parameters:
        return latent
    return latent + tokens * architecture.hidden * 2 + VISION_PER_TOWER_BYTE * tower_parameters * 2 / tp


def cuda_graph_bytes(
    architecture: Architecture, rule: CudaGraphs | None, weights: WeightFormat, sequences: int, layers: int, tp: int
) -> float:
    """Captured CUDA graphs of a stage of `layers` layers; fewer and smaller ones where few sequences run."""
    if rule is None:
        return 0.0
    largest = rule.mxfp4_step_tokens if weights.id == "mxfp4" else rule.step_tokens
    captured = min(largest, 2 * sequences)
    width = layer_widths(architecture)
    per_layer = rule.bytes_per_layer + (rule.bytes_per_expert_layer if width.expert else 0.0)
    elements = rule.hidden_vectors * architecture.hidden + rule.intermediate_vectors * width.dense / tp
    every_batch = layers * per_layer + rule.step_tokens * 2 * elements
    return every_batch * max(captured / rule.step_tokens, LEAST_GRAPH_FRACTION)
