"""Memory of one rank on a device, in closed form for any lengths, users and contexts."""

from dataclasses import dataclass
from math import inf

from estimator.engines.memory_policy import FractionOfDevice, MemoryPolicy, Slots
from estimator.layout import Layout
from estimator.results import MemoryReport, MemoryTerm
from estimator.serving.deployment import Deployment
from estimator.serving.memory.cache_budget import pool_terms
from estimator.serving.memory.pool import UNBOUNDED
from estimator.serving.memory.rank_memory import MemoryPlan, RankMemory

FEW_SLOTS = 8
"""llama.cpp, Ollama, Transformers and Neuron run at most so many sequences where nobody asks for more."""


@dataclass(slots=True, eq=False, kw_only=True)
class ServingMemory:
    """Memory of one layout of a deployment on its device. Bytes are of the rank that runs out first."""

    deployment: Deployment
    layout: Layout
    plan: MemoryPlan
    device_bytes: int
    """As sold, counted in GiB: "80 GB" are 80 x 2^30 bytes."""
    usable_bytes: int
    """As the driver reports it."""
    utilization: float
    planned_bytes: float
    """What the budget starts from: the driver's figure; as sold, for a rule of thumb."""
    budget_bytes: float
    pool_bytes: float
    """What is left for the cache on the tightest rank; negative when the rest alone is too much."""
    host_cache_bytes: float | None
    """What the host's RAM has left for the cache; None where the ranks hold it."""
    pages: int
    """Pages of the pool on every rank, or in the host's RAM."""
    tightest_rank: RankMemory
    max_num_seqs: int
    max_num_batched_tokens: int

    @property
    def max_model_len(self) -> int | None:
        """Longest sequence that the engine is started for [tokens]; None leaves it to the model."""
        return self.deployment.settings.max_model_len

    @property
    def _policy(self) -> MemoryPolicy:
        return self.deployment.engine.memory

    @property
    def printed_pool_bytes(self) -> float:
        """What is left for the cache on the first stage, which is the one that prints it."""
        first, tightest = self.plan.ranks[0], self.tightest_rank
        return self.pool_bytes + tightest.spent_bytes - first.spent_bytes

    def reserved_tokens(self, tokens: int) -> int:
        """Tokens for which a sequence of `tokens` tokens takes cache: more where the engine reserves whole slots."""
        if self.max_model_len and isinstance(self._policy.cache, Slots):
            return max(tokens, self.max_model_len)
        return tokens

    def sequence_pages(self, tokens: int) -> float:
        """Pages of the pool that one sequence of `tokens` tokens takes."""
        return self.plan.pool.pages(self.reserved_tokens(tokens))

    def max_sequences(self, tokens: int) -> float:
        """Sequences of `tokens` tokens that one replica runs at once."""
        return self._running(self.pool_sequences(tokens))

    def at_once(self, tokens: int) -> float:
        """Sequences that hold `tokens` tokens on average and that one replica runs at once, as it is started."""
        return min(self.max_sequences(tokens), self.slots)

    def _running(self, sequences: float) -> float:
        """Sequences that one replica runs at once, of so many that the pool of one attention copy holds."""
        limit = self.deployment.settings.max_num_seqs  # so many run at once, whatever the pool holds
        return (min(sequences, limit) if limit else sequences) * self.layout.dp

    @property
    def slots(self) -> float:
        """Sequences that the engine runs at once in one replica, whatever its pool holds.

        One that has few places by default is started with as many as there is memory for, by whoever serves with it.
        """
        asked = self.deployment.settings.max_num_seqs
        places = asked or (self.max_num_seqs if self.max_num_seqs > FEW_SLOTS else inf)
        return places * self.layout.dp

    def pool_sequences(self, tokens: int) -> float:
        """Sequences of `tokens` tokens that the pool of one attention copy holds; whole ones where slots are
        reserved.
        """
        if self.pages <= 0:
            return 0.0
        pages = self.sequence_pages(tokens)
        if not pages:  # an encoder keeps nothing: what one step takes is what runs at once
            return float(max(self.max_num_batched_tokens // max(tokens, 1), 1))
        sequences = self.plan.pool.sequences(self.pages, self.reserved_tokens(tokens))
        return int(sequences) if isinstance(self._policy.cache, Slots) else sequences

    def max_context(self, sequences: float = 1) -> int:
        """Longest context [tokens] for `sequences` sequences at once, capped by the model's own limit."""
        if self.pages <= 0:
            return 0
        limit = self.max_model_len or self.deployment.model.architecture.max_context or UNBOUNDED
        return min(self.plan.pool.together(sequences / self.layout.dp).longest(self.pages), limit)

    @property
    def kv_capacity_tokens(self) -> int:
        """Tokens of one replica's pool by the engine's own count: concurrency times the model length."""
        return self.capacity_tokens(self.max_model_len or self.deployment.model.architecture.max_context or 1)

    def capacity_tokens(self, tokens: int) -> int:
        """Tokens of one replica's pool by the engine's own count, which takes every sequence of `tokens` tokens for one
        that computes its prompt. Pools of fixed shares are counted in tokens, whatever else a sequence takes.
        """
        if self.plan.pool.has_shares:
            return self._tokens(max(self.pages, 0), 1)
        pages = self.sequence_pages(tokens)
        return self._tokens(max(self.pages, 0) / pages if pages else 0.0, tokens)

    def _tokens(self, sequences: float, tokens: int) -> int:
        """Tokens of one replica's pool, of which one attention copy's holds so many sequences."""
        return round(sequences * tokens * self.layout.dp) if self.plan.kinds else 0

    @property
    def cached_layer_fraction(self) -> float:
        """Layers whose cache one memory holds, as a fraction of the model's: the tightest rank, or the host's RAM."""
        return self.tightest_rank.cached_layer_fraction if self.host_cache_bytes is None else 1.0

    def sequence_bytes(self, tokens: int) -> float:
        """Cache of one sequence of `tokens` tokens on the tightest rank, or in the host's RAM [bytes]."""
        return self._cache_bytes(self.sequence_pages(tokens))

    def decoding_bytes(self, tokens: int) -> float:
        """Cache of one sequence of `tokens` tokens whose prompt is computed, where `sequence_bytes` is what it takes
        until then [bytes].
        """
        return self._cache_bytes(self.plan.pool.while_decoding.pages(self.reserved_tokens(tokens)))

    def _cache_bytes(self, pages: float) -> float:
        """Bytes of so many pages on the tightest rank, or in the host's RAM."""
        return self.plan.pool.page_bytes * self.cached_layer_fraction * pages

    def shortfall_bytes(self, tokens: int, sequences: float = 1) -> float:
        """Bytes missing on the tightest rank, or in the host's RAM, for `sequences` sequences of `tokens` tokens."""
        others = max(sequences / self.layout.dp - 1, 0.0)
        return self._shortfall(self.sequence_bytes(tokens) + others * self.decoding_bytes(tokens))

    def _shortfall(self, cache_bytes: float) -> float:
        """Bytes missing for so much cache: where the RAM holds it, on the rank without any or there."""
        if self.host_cache_bytes is None:
            return max(0.0, cache_bytes - self.pool_bytes)
        return max(0.0, -self.pool_bytes, cache_bytes - self.host_cache_bytes)

    def pool_terms(self) -> tuple[MemoryTerm, ...]:
        """The bytes left for the cache as a sum: the engine's budget, and everything that is taken from it
        (negative).
        """
        return pool_terms(self._policy, self.utilization, self.planned_bytes, self.tightest_rank)

    def request_terms(self, tokens: int) -> tuple[MemoryTerm, ...]:
        """The cache of one sequence of `tokens` tokens as a sum over kinds of layers [bytes]."""
        return self.plan.pool.while_decoding.sequence_terms(self.reserved_tokens(tokens), self.cached_layer_fraction)

    def report(self, tokens: int, sequences: float = 1) -> MemoryReport:
        """The memory report of `sequences` requests of `tokens` tokens; short where not even one fits.

        With `max_model_len` set, vLLM starts only if one sequence of that length fits, so that decides.
        """
        rank, policy, own_length = self.tightest_rank, self._policy, self.max_model_len
        in_pool = self.pool_sequences(tokens)
        checks_model_len = isinstance(policy, FractionOfDevice) and policy.checks_model_len
        length = max(tokens, self.max_model_len or 0) if checks_model_len else tokens
        return MemoryReport(
            device_bytes=self.device_bytes,
            usable_bytes=self.usable_bytes,
            visible_bytes=policy.visible_bytes(self.planned_bytes),
            budget_bytes=self.budget_bytes,
            weights_bytes=rank.weights_bytes,
            activation_bytes=rank.activation_bytes,
            runtime_bytes=rank.outside_torch_bytes + rank.buffers_bytes,
            cuda_graph_bytes=rank.cuda_graph_bytes,
            cuda_graphs_in_budget=rank.reserved_graph_bytes > 0,
            left_bytes=self.pool_bytes,
            kv_cache_bytes=max(self.pool_bytes, 0.0) if self.plan.kinds and self.host_cache_bytes is None else 0.0,
            utilization=self.utilization,
            kv_bytes_per_token=self.plan.pool.token_bytes * self.cached_layer_fraction,
            kv_capacity_tokens=self.capacity_tokens(own_length or tokens),
            max_concurrency=self._running(in_pool),
            max_context_tokens=self.max_context(sequences),
            request_bytes=self.decoding_bytes(tokens),
            attention_copies=self.layout.dp,
            shortfall_bytes=self._shortfall(self.sequence_bytes(length)),
            host_cache_bytes=self.host_cache_bytes,
            adapter_bytes=rank.adapter_bytes,
            weights=rank.weights,
            notes=self.plan.notes,
        )
