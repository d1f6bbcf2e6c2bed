"""Activation peak of the profiling run: the sampler's logits or the widest layer, and the workspaces that stay."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from estimator.engines.memory_policy import ActivationPeak, CudaGraphs, EnginePolicy, FractionOfDevice
from estimator.models.architecture import Architecture
from estimator.models.formats import WeightFormat
from estimator.models.media import Media, largest_image
from estimator.models.mixers import LatentAttention
from estimator.models.mlps import DenseMlp, MixtureOfExperts

Term = tuple[str, float, tuple[tuple[str, float], ...]]
"""The fields of a `MemoryTerm`, plain: name, bytes, factors. Most are only added up."""

LATENT_WORKSPACE_TOKENS = 65_536
"""Tokens of the chunked-prefill workspace of latent attention (vLLM: vllm/v1/attention/backends/mla/common.py)."""
VISION_PER_TOWER_BYTE = 0.12
"""Encoder profile as a fraction of the tower's 16-bit weights; fitted to six start-up logs of vLLM 0.18-0.19."""
EIGHT_BIT = (7.9, 9.0)
"""Bits a weight of formats whose inputs are quantised to 8 bit beside the 16-bit ones."""
LEAST_GRAPH_FRACTION = 0.1
"""What the graphs of the smallest batches still take of those of all batches; engineering guess."""
COMPILING = "matrices made up to compile with"
"""Name of the term of a start that compiles."""


class StageEnds(NamedTuple):
    """Which ends of the model a pipeline stage holds: the embedding, the head, both or none."""

    first: bool
    """The embedding."""
    last: bool
    """The head."""


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


def sampler_terms(
    architecture: Architecture, peak: ActivationPeak, sequences: int, tokens: int, element_bytes: int, tp: int
) -> tuple[Term, ...]:
    """Activation memory of the sampler: logits of every sequence with its copies, beside the hidden states of
    one step.
    """
    rows = tokens if peak.logits_of_every_token else sequences
    own_share = element_bytes / tp if peak.gathers_logits and tp > 1 else 0.0
    return (
        term(
            "logits",
            ("tokens" if peak.logits_of_every_token else "sequences", rows),
            ("vocabulary", architecture.vocabulary),
            ("bytes a logit", peak.logit_bytes + element_bytes + own_share),
        ),
        term(
            "hidden states",
            ("copies", peak.hidden_states),
            ("tokens of a step", tokens),
            ("hidden width", architecture.hidden),
            ("bytes", element_bytes),
        ),
    )


def layer_terms(
    architecture: Architecture, peak: ActivationPeak, weights: WeightFormat, tokens: int, element_bytes: int, tp: int
) -> tuple[Term, ...]:
    """Activation memory of the widest layer over one step: feed-forward intermediates and the residual stream."""
    width = layer_widths(architecture)
    step = ("tokens of a step", tokens)
    quantised_input = width.intermediate / tp if EIGHT_BIT[0] < weights.bits < EIGHT_BIT[1] else 0.0
    return (
        term("feed-forward of the widest layer", step, ("width of a rank", width.dense / tp), ("bytes", element_bytes)),
        term(
            "residual stream",
            step,
            ("vectors", peak.residual_vectors),
            ("hidden width", architecture.hidden),
            ("bytes", element_bytes),
        ),
        term("inputs in 8 bit", step, ("width of a rank", quantised_input)),
    )


def expert_term(architecture: Architecture, weights: WeightFormat, tokens: int, tp: int) -> Term:
    """Activation memory of fused experts: inputs and outputs of their two products in 16 bit, for every expert a token
    visits.
    """
    width, hidden = layer_widths(architecture), architecture.hidden
    elements = max(width.expert / tp, hidden) + max(2 * width.expert / tp, hidden)
    experts = 0 if weights.id == "mxfp4" or not width.expert else width.experts_per_token
    return term(
        "expert buffers",
        ("tokens of a step", tokens),
        ("experts a token", experts),
        ("elements an expert", elements),
        ("bytes", 2),
    )


def profiled_images(architecture: Architecture, peak: ActivationPeak, tokens: int) -> Media:
    """Images of the start's profile: as many of the largest as a step of so many tokens takes, one at least."""
    image = largest_image(architecture.image_rule)
    if not (peak.profiles_images and image.tokens and architecture.tower_pass):
        return Media(tokens, 0)
    images = max(tokens // image.tokens, 1)
    video = peak.deep_video_tokens if architecture.tower_pass.levels > 1 else 0
    return Media(max(images * image.tokens, video), images * image.patches)


def encoder_terms(architecture: Architecture, images: Media, tp: int) -> tuple[Term, ...]:
    """Peak of the pass through the vision tower: pictures, two vectors of its width a patch, and of a rank's share the
    MLP's two and the attention's three, beside what the images become.

    Checked against vLLM 0.19 and 0.29 on Qwen3.5-27B and Qwen3.8-27B, over four ranks and on one.
    """
    tower = architecture.tower_pass
    if tower is None or not images.patches:
        return ()
    share = (2 * tower.intermediate + 3 * tower.hidden) / tp
    elements = ("elements a patch", tower.patch + 2 * tower.hidden + share)
    return (
        term("pass through the vision tower", ("patches", images.patches), elements, ("bytes", 2)),
        embeddings_term(architecture, images.tokens),
    )


def embeddings_term(architecture: Architecture, tokens: int) -> Term:
    """What images become for the language model, where a deep stack gives a token several vectors."""
    levels = architecture.tower_pass.levels if architecture.tower_pass else 1
    width = ("hidden width", architecture.hidden * levels)
    return term("image embeddings", ("tokens of the images", tokens), width, ("bytes", 2))


def workspace_terms(architecture: Architecture, tower_parameters: int, images: Media, tp: int) -> tuple[Term, ...]:
    """Buffers that stay after the profiling run: chunked prefill of latent attention, the vision encoder's profile."""
    latent = layer_widths(architecture).latent
    return (
        term("prefill of latent attention", ("tokens", LATENT_WORKSPACE_TOKENS), ("width", latent), ("bytes", 2)),
        embeddings_term(architecture, images.tokens if tower_parameters else 0),
        term(
            "vision encoder",
            ("fraction of the tower", VISION_PER_TOWER_BYTE),
            ("parameters of a rank", tower_parameters / tp),
            ("bytes", 2),
        ),
    )


def compiling_term(
    architecture: Architecture, peak: ActivationPeak, stage: StageEnds, element_bytes: int, tp: int
) -> Term:
    """Inputs that a compiling engine makes up to tune its kernels with: matrices of the vocabulary are by far the
    largest.

    Source: github.com/vllm-project/vllm issues 54122, 54383; the peaks are those of first starts with them.
    """
    head = stage.last and peak.compiles_head and not architecture.tied
    return term(
        COMPILING,
        ("matrices", (stage.first and peak.compiles_embedding) + head),
        ("vocabulary of a rank", architecture.vocabulary / tp),
        ("hidden width", architecture.hidden),
        ("bytes", element_bytes),
    )


def received_term(architecture: Architecture, stages: int, tokens: int, element_bytes: int) -> Term:
    """Buffers of what a pipeline stage receives from the one before: hidden states and residual."""
    return term(
        "received from the stage before",
        ("tensors", 2 if stages > 1 else 0),
        ("tokens of a step", tokens),
        ("hidden width", architecture.hidden),
        ("bytes", element_bytes),
    )


def cuda_graph_terms(
    architecture: Architecture, rule: CudaGraphs | None, weights: WeightFormat, sequences: int, layers: int, tp: int
) -> tuple[Term, ...]:
    """Captured CUDA graphs of a stage of `layers` layers; fewer and smaller ones where few sequences run."""
    if rule is None:
        return ()
    largest = rule.mxfp4_step_tokens if weights.id == "mxfp4" else rule.step_tokens
    captured = max(min(largest, 2 * sequences) / rule.step_tokens, LEAST_GRAPH_FRACTION)
    width = layer_widths(architecture)
    per_layer = rule.bytes_per_layer + (rule.bytes_per_expert_layer if width.expert else 0.0)
    elements = rule.hidden_vectors * architecture.hidden + rule.intermediate_vectors * width.dense / tp
    batches = ("fraction of all batches", captured)
    return (
        term("graphs of the layers", ("layers", layers), ("bytes a layer", per_layer), batches),
        term("buffers", ("tokens of a step", rule.step_tokens), ("elements", elements), ("bytes", 2), batches),
    )


def term(name: str, *factors: tuple[str, float]) -> Term:
    """A memory term whose bytes are the product of its named factors; one of nothing has none."""
    size: float = 1
    for _, value in factors:
        size *= value
    return (name, size, factors) if size else (name, 0.0, ())


def total(terms: Iterable[Term]) -> float:
    """Bytes of all terms together."""
    return sum([size for _, size, _ in terms])


def reserves_cuda_graphs(policy: EnginePolicy, architecture: Architecture) -> bool:
    """Whether an engine takes CUDA graphs of that model out of its budget."""
    if not isinstance(policy, FractionOfDevice) or not policy.graphs_in_budget:
        return False
    return not policy.except_dense or layer_widths(architecture).expert > 0
