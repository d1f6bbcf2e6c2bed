"""An architecture: a list of layers. Parameters, bytes and cache are sums over the layers' tensors."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from estimator.models.media import AudioRule, ImageRule, TowerPass, TowerSize
from estimator.models.mixers import Mixer
from estimator.models.mlps import Mlp
from estimator.models.tensors import Tensor, parameters
from estimator.records import record

Task = Literal[
    "generation",
    "embedding",
    "classification",
    "token classification",
    "question answering",
    "reward",
    "process reward",
    "masked tokens",
    "diffusion",
]
"""The question a model's head answers; only generation runs token by token."""
Drafts = Literal["", "chain", "block", "borrowed"]
"""Tokens one after the other (EAGLE), a block of them in one pass (DFlash), or one after the other over the target's
own keys and values (Gemma 4's assistants)."""

INDEX_ELEMENT_BYTES = 1 + 4 / 128
"""Bytes of one element of an indexer's keys: FP8 with one float32 scale per 128 (DeepSeek-V3.2)."""


class StateTypes(NamedTuple):
    """In how many bytes an engine keeps one element of what recurrent layers carry from token to token."""

    unnamed: int = 2
    """Bytes of a recurrent state's element where the configuration names no type."""
    configured: bool = True
    """Whether the engine takes the type that the configuration names."""
    convolutions: int = 2
    """Bytes of an element of the last inputs of short convolutions: 16 bit like the model (vLLM MambaStateDtype)."""


AS_CONFIGURED = StateTypes()


@record(frozen=True, slots=True)
class Layer:
    """One block of a model: a token mixer, a feed-forward part, and whatever small tensors surround them."""

    mixer: Mixer | None
    mlp: Mlp | None
    extras: tuple[Tensor, ...] = ()
    """Tensors outside mixer and MLP: norms, residual weights, layer scales."""
    one_all_reduce: bool = False
    """Attention and feed-forward run in parallel, and engines add their outputs up before one all-reduce."""

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor of the block, weights and biases."""
        return (
            *(self.mixer.tensors if self.mixer else ()),
            *(self.mlp.tensors if self.mlp else ()),
            *self.extras,
        )


@record(frozen=True, slots=True)
class LayerGroup:
    """`count` equal layers of a model, wherever they stand in the stack."""

    count: int
    layer: Layer
    indices: tuple[int, ...] = ()
    """Places of these layers in the stack, from 0; empty where unknown."""
    stored: int = 0
    """Sets of weights that these layers share in turn (ALBERT, Zamba); 0 where each layer has its own."""

    @property
    def weight_sets(self) -> int:
        """How often the layer's weights are stored: at each place it stands, or fewer where places share them."""
        return self.stored or self.count


def grouped(layers: Iterable[Layer]) -> tuple[LayerGroup, ...]:
    """Equal layers of a stack, collected in order of first appearance."""
    places: dict[Layer, list[int]] = {}
    for index, layer in enumerate(layers):
        places.setdefault(layer, []).append(index)
    return tuple(LayerGroup(len(indices), layer, tuple(indices)) for layer, indices in places.items())


@dataclass(frozen=True, eq=False)
class Architecture:
    """A model's shape. Compared and hashed by identity, so that compiled results can be kept by it."""

    class_name: str
    """The class of `architectures[0]` in config.json."""
    hidden: int
    vocabulary: int
    groups: tuple[LayerGroup, ...]
    embedding: tuple[Tensor, ...]
    head: tuple[Tensor, ...]
    """The output projection; (as a tensor) also where it is tied, `tied` tells whether it is stored."""
    final: tuple[Tensor, ...]
    """Final norm and other tensors outside the layers."""
    max_context: int
    """Longest sequence the model takes; 0 where the configuration sets no limit."""
    tied: bool = False
    dtype: str = "bf16"
    encoder: tuple[LayerGroup, ...] = ()
    """Encoder layers of an encoder-decoder (T5)."""
    mtp: tuple[Tensor, ...] = ()
    """Multi-token-prediction modules: stored, idle in ordinary decoding."""
    vision_parameters: int = 0
    rotary_dim: int = 0
    """Dimensions of the rotary cache that engines keep per position; 0 without rotary positions."""
    state_element_bytes: int = 0
    """Bytes of one element of a recurrent state as the configuration names it; 0 where it names none."""
    rotary_positions: int = 0
    """Rows of all rotary tables together; `max_context` where scaling does not stretch them."""
    mtp_layers: int = 0
    notes: tuple[str, ...] = ()
    """Remarks for whoever reads the figures, such as parts that the configuration does not describe."""
    mtp_missing: bool = False
    """The configuration has MTP modules whose shape is not modelled."""
    whole_image_tokens: int = 0
    """Tokens of the largest image, where they attend both ways and so belong into one step."""
    tower_missing: bool = False
    """The class has a vision tower, but the configuration does not describe it."""
    tower_pass: TowerPass | None = None
    """What the vision tower keeps while it encodes; None where there is none, or its configuration does not say."""
    tower_size: TowerSize | None = None
    """Size of the vision tower, by which SGLang lowers its memory fraction; None without a `vision_config`."""
    image_rule: ImageRule | None = None
    """How images become tokens; None where the model takes none, or by no rule that is known."""
    audio_rule: AudioRule | None = None
    """How sound becomes tokens; None likewise."""
    drafts: Drafts = ""
    """How a head that serves nothing alone proposes tokens for another model; empty for a model of its own."""
    target_hidden: int = 0
    """Width of the other model's hidden states that such a head reads, where it is not its own width."""
    task: Task = "generation"
    """The question the head answers; every task but generation is one pass over the whole text."""

    @property
    def generates(self) -> bool:
        """Whether the model writes text token by token."""
        return self.task == "generation"

    @property
    def encodes(self) -> bool:
        """Whether the model answers in one pass over the text: a vector, a class, a score."""
        return self.task not in ("generation", "diffusion")

    @property
    def keeps_prompts(self) -> bool:
        """Whether a prompt leaves a cache or a state that another prompt with the same beginning can start from."""
        return self.generates or self.cache_elements(1) > 0

    @cached_property
    def layers(self) -> int:
        """Number of layers of the decoder; those of an encoder are not counted."""
        return sum(group.count for group in self.groups)

    @cached_property
    def text_parameters(self) -> int:
        """Parameters of the language model alone: no MTP modules, no vision tower; a tied head counted once."""
        stacks = (*self.groups, *self.encoder)
        return (
            parameters(self.embedding)
            + (0 if self.tied else parameters(self.head))
            + parameters(self.final)
            + sum(group.weight_sets * parameters(group.layer.tensors) for group in stacks)
        )

    @cached_property
    def active_parameters(self) -> int:
        """Parameters that one token of ordinary decoding uses, embedding, head and shared experts included.

        Experts beside the MLP are those of another modality (ERNIE's for images), which text does not visit.
        """
        idle = sum(group.weight_sets * group.layer.mlp.idle_parameters for group in self.groups if group.layer.mlp)
        foreign = sum(
            group.count * tensor.parameters
            for group in self.groups
            for tensor in group.layer.extras
            if tensor.role == "expert"
        )
        return self.text_parameters - idle - foreign

    @cached_property
    def repeated_parameters(self) -> int:
        """Parameters that a token passes again in layers whose weights an earlier layer has; 0 without shared ones."""
        stacks = (*self.groups, *self.encoder)
        return sum((group.count - group.weight_sets) * parameters(group.layer.tensors) for group in stacks)

    @property
    def shares_layers(self) -> bool:
        """Whether some layers use the weights of others."""
        return self.repeated_parameters > 0

    @cached_property
    def parameters(self) -> int:
        """Every stored parameter: language model, MTP modules and vision tower."""
        return self.text_parameters + parameters(self.mtp) + self.vision_parameters

    def cache_elements(self, tokens: int) -> int:
        """Cached elements of one sequence of `tokens` tokens, before any replication over ranks."""
        return sum(group.count * group.layer.mixer.cache_elements(tokens) for group in self.groups if group.layer.mixer)

    @cached_property
    def state_elements(self) -> int:
        """Elements of the recurrent state of one sequence, whatever its length."""
        return sum(group.count * group.layer.mixer.state_elements for group in self.groups if group.layer.mixer)

    @cached_property
    def conv_state_elements(self) -> int:
        """Elements that short convolutions keep for one sequence, whatever its length."""
        return sum(group.count * group.layer.mixer.conv_state_elements for group in self.groups if group.layer.mixer)

    def layer_state_bytes(self, mixer: Mixer, types: StateTypes = AS_CONFIGURED, draft_tokens: int = 0) -> float:
        """Bytes of recurrent and convolution state that one layer with this mixer keeps for one sequence, in an
        engine's types. Before any division over ranks.

        Convolutions also keep the drafted tokens until they are accepted.
        """
        named = types.configured and self.state_element_bytes
        kept_tokens = mixer.convolved_tokens
        stretch = 1 + draft_tokens / kept_tokens if kept_tokens else 1
        return (
            mixer.state_elements * (mixer.state_element_bytes or named or types.unnamed)
            + mixer.conv_state_elements * stretch * types.convolutions
        )

    def sequence_state_bytes(self, draft_tokens: int = 0) -> float:
        """Bytes of recurrent and convolution state that all layers keep for one sequence, over all ranks."""
        return sum(
            group.count * self.layer_state_bytes(group.layer.mixer, draft_tokens=draft_tokens)
            for group in self.groups
            if group.layer.mixer
        )

    @cached_property
    def is_moe(self) -> bool:
        """Whether any layer routes tokens to some of its experts."""
        return any(group.layer.mlp and group.layer.mlp.active_fraction < 1 for group in self.groups)

    @cached_property
    def expert_layers(self) -> int:
        """Number of layers that have routed experts."""
        return sum(group.count for group in self.groups if group.layer.mlp and group.layer.mlp.routed)
