"""Feed-forward parts: dense and mixture of experts."""

from estimator.errors import InputError
from estimator.models.tensors import Role, Tensor
from estimator.records import record


@record(frozen=True, slots=True)
class DenseMlp:
    """Gated (SwiGLU, GeGLU: three matrices) or plain (GELU, ReLU: two) feed-forward layer."""

    hidden: int
    intermediate: int
    gated: bool = True
    bias: bool = False
    role: Role = "mlp"

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor of the feed-forward layer, weights and biases."""
        gate = (Tensor("gate_proj", self.role, self.intermediate, self.hidden),) if self.gated else ()
        bias = (
            (
                Tensor("up_bias", "norm", self.intermediate, 1, 2 if self.gated else 1),
                Tensor("down_bias", "norm", self.hidden, split="whole"),
            )
            if self.bias
            else ()
        )
        return (
            *gate,
            Tensor("up_proj", self.role, self.intermediate, self.hidden),
            Tensor("down_proj", self.role, self.hidden, self.intermediate, split="rows"),
            *bias,
        )

    @property
    def dense(self) -> "DenseMlp | None":
        """The part of a feed-forward layer that every token visits: a dense MLP itself."""
        return self

    @property
    def routed(self) -> "MixtureOfExperts | None":
        """The routed experts: none in a dense MLP."""
        return None

    @property
    def active_fraction(self) -> float:
        """Share of the experts that one token visits; 1 in a dense MLP."""
        return 1.0

    @property
    def idle_parameters(self) -> int:
        """Parameters that one token does not use: none of a dense MLP."""
        return 0


@record(frozen=True, slots=True)
class MixtureOfExperts:
    """Feed-forward layer of routed experts of which each token visits `per_token`, with shared experts where the model
    has them.
    """

    hidden: int
    experts: int
    per_token: int
    intermediate: int
    shared: DenseMlp | None = None
    shared_gate: bool = False
    """One vector that scales the shared expert (Qwen2-MoE)."""
    gated: bool = True
    expert_bias: bool = False
    router_bias: bool = False
    router_network: bool = False
    """A network of several layers chooses the experts, in tensors of the layer's own (ZAYA)."""
    expert_hidden: int = 0
    """Width inside the experts where it differs from the model's (Kimi-K3, Nemotron-3 latent experts)."""
    router_norm: int = 0
    """Vector elements beside the router: norms and scales (Gemma 4, Kimi-K3)."""
    attention_width: int = 0
    """Width of the query and output projections that each expert has too, routed by a router of its own (JetMoE); 0
    is none. As many experts are visited, so that one bank reads what the two together do."""
    beside_mlp: bool = False
    """Checkpoints keep router and experts in modules of the layer, beside the dense `mlp` and not inside it
    (Gemma 4)."""

    def __post_init__(self) -> None:
        if not 1 <= self.per_token <= self.experts:
            raise InputError("num_experts_per_tok", f"{self.per_token} experts per token of {self.experts} experts")

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor of the layer: router, routed experts, shared experts."""
        width = self.expert_hidden or self.hidden
        matrices = ("gate_proj", "up_proj") if self.gated else ("up_proj",)
        router = () if self.router_network else (Tensor("router", "router", self.experts, self.hidden, split="whole"),)
        tensors = [
            *router,
            *(Tensor(name, "expert", self.intermediate, width, self.experts, "experts") for name in matrices),
            Tensor("down_proj", "expert", width, self.intermediate, self.experts, "experts"),
        ]
        if self.attention_width:
            tensors += [
                Tensor("attention_router", "router", self.experts, self.hidden, split="whole"),
                Tensor("q_proj", "expert", self.attention_width, self.hidden, self.experts, "experts"),
                Tensor("o_proj", "expert", self.hidden, self.attention_width, self.experts, "experts"),
            ]
        if self.router_bias:
            tensors.append(Tensor("router_bias", "norm", self.experts, split="whole"))
        if self.expert_bias:
            biases = self.intermediate * len(matrices) + width
            tensors.append(Tensor("expert_bias", "norm", biases, 1, self.experts, "experts"))
        if self.expert_hidden:
            tensors += [
                Tensor("latent_down_proj", "mlp", width, self.hidden, split="whole"),
                Tensor("latent_up_proj", "mlp", self.hidden, width, split="whole"),
            ]
        if self.router_norm:
            tensors.append(Tensor("router_norm", "norm", self.router_norm, split="whole"))
        if self.shared:
            tensors += self.shared.tensors
        if self.shared_gate:
            tensors.append(Tensor("shared_expert_gate", "router", 1, self.hidden, split="whole"))
        return tuple(tensors)

    @property
    def dense(self) -> DenseMlp | None:
        """The part of the layer that every token visits: its shared experts; None where it has none."""
        return self.shared

    @property
    def routed(self) -> "MixtureOfExperts":
        """The routed experts: this block itself."""
        return self

    @property
    def active_fraction(self) -> float:
        """Share of the experts that one token visits."""
        return self.per_token / self.experts

    @property
    def idle_parameters(self) -> int:
        """Parameters of the experts that one token does not visit."""
        routed = sum(t.parameters for t in self.tensors if t.role == "expert" or t.name == "expert_bias")
        return routed // self.experts * (self.experts - self.per_token)


Mlp = DenseMlp | MixtureOfExperts
