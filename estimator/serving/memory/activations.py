"""Peak of the profiling run: the sampler's logits or the widest layer, and the workspaces beside them."""

from functools import lru_cache
from typing import NamedTuple

from estimator.engines.profiles import Graphs, MemoryPolicy
from estimator.models.architecture import Architecture
from estimator.models.formats import WeightFormat
from estimator.models.mixers import LatentAttention
from estimator.models.mlps import DenseMlp, MixtureOfExperts

LATENT_WORKSPACE_TOKENS = 65_536
"""Chunked-prefill workspace of vLLM's latent attention, in tokens."""
VISION_PER_TOWER_BYTE = 0.12
"""Encoder profile, as a share of the tower's 16-bit weights."""

FEWEST_GRAPHS = 0.1
"""What the graphs of the smallest batches still take, as a share."""


class Widths(NamedTuple):
    """The widest feed-forward layer: elements per token."""

    dense: int
    """Gate, up and product."""
    intermediate: int
    expert: int
    per_token: int
    latent: int


@lru_cache(maxsize=1024)
def widths(architecture: Architecture) -> Widths:
    """What the layers of an architecture keep alive per token."""
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
    return Widths(dense, intermediate, expert, per_token, latent)


def sampler(architecture: Architecture, policy: MemoryPolicy, sequences: int, tokens: int, element: int) -> float:
    """Logits of every sequence with the sampler's copies, beside the hidden states of one step."""
    rows = tokens if policy.logits_of_every_token else sequences
    logits = rows * architecture.vocabulary * (policy.logit_bytes + element)
    return logits + policy.hidden_states * tokens * architecture.hidden * element


def layer(
    architecture: Architecture, policy: MemoryPolicy, weights: WeightFormat, tokens: int, element: int, tp: int
) -> float:
    """The widest layer over one step: feed-forward intermediates and the residual stream."""
    width = widths(architecture)
    elements = width.dense / tp + policy.residual_width * architecture.hidden
    quantised_input = width.intermediate / tp if 7.9 < weights.bits < 9 else 0.0
    return tokens * (elements * element + quantised_input)


def expert_buffers(architecture: Architecture, weights: WeightFormat, tokens: int, tp: int) -> float:
    """Inputs and outputs of the fused experts' two products, for every expert a token visits."""
    width, hidden = widths(architecture), architecture.hidden
    if not width.expert or weights.id == "mxfp4":
        return 0.0
    return tokens * width.per_token * 2 * (max(width.expert / tp, hidden) + max(2 * width.expert / tp, hidden))


def workspaces(architecture: Architecture, tower: int, tokens: int, tp: int) -> float:
    """Buffers that stay: latent prefill, the vision encoder."""
    found = LATENT_WORKSPACE_TOKENS * widths(architecture).latent * 2.0
    if tower:
        found += tokens * architecture.hidden * 2 + VISION_PER_TOWER_BYTE * tower * 2 / tp
    return found


def graphs(
    architecture: Architecture, rule: Graphs | None, weights: WeightFormat, sequences: int, layers: int, tp: int
) -> float:
    """Captured CUDA graphs of a stage of so many layers; fewer and smaller ones where few sequences run."""
    if rule is None:
        return 0.0
    most = rule.mxfp4_tokens if weights.id == "mxfp4" else rule.tokens
    captured = min(most, 2 * sequences)
    width = widths(architecture)
    held = layers * (rule.bytes_per_layer + (rule.bytes_per_expert_layer if width.expert else 0.0))
    per_token = 2 * (rule.hidden * architecture.hidden + rule.intermediate * width.dense / tp)
    return (held + rule.tokens * per_token) * max(captured / rule.tokens, FEWEST_GRAPHS)
