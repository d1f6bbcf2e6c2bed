"""Routed experts as llama.cpp multiplies them: row by row for a few tokens, by tiles of a matrix kernel for many."""

from math import hypot

from estimator.records import record
from estimator.serving.speed.operators import Detail, Experts, longest_of

VECTOR_TOKENS = 8
"""Most tokens of a step whose experts are multiplied row by row (MMVQ_MAX_BATCH_SIZE in ggml-cuda/mmvq.cuh)."""
REREAD_TOKENS = 4
"""Most tokens of a step of which each reads its own experts again, as the vector kernel lays its threads out: measured
for up to four (RTX 3090 and 5090); with eight, experts that tokens share are read about once (GB10)."""
SMALLEST_TILE_ROWS = 8
"""Rows of the narrowest tile of the matrix kernel (`mul_mat_q_case` in ggml/src/ggml-cuda/mmq.cuh)."""


@record(frozen=True, slots=True, eq=False)
class GgmlExperts(Experts):
    """Experts of `times` layers on one device: the smooth maximum of launching kernels and of starting them, computing
    or reading.

    The matrix kernel takes the widest tile that the tokens of the step would fill if all of them went to one expert
    (github.com/ggml-org/llama.cpp pulls 24546 and 26977), so that an expert that gets a few rows of a long prompt
    computes a tile that is mostly empty.
    """

    vector_flops_per_s: float
    """FLOP/s of the kernel that multiplies row by row; 0 where weights have none."""
    tile_rows: float
    """Rows of the matrix kernel's widest tile."""
    start_s: float = 0.0
    """Fixed time of a layer's kernels on the device, in which each starts and drains."""

    def compute_s(self, rows: float) -> float:
        """Seconds of one layer's arithmetic alone, by the kernel that is taken for so many tokens."""
        visits, touched = self.load(rows)
        if self.vector_flops_per_s and rows <= VECTOR_TOKENS:
            return visits * self.flops / self.vector_flops_per_s
        tile = max(min(rows, self.tile_rows), SMALLEST_TILE_ROWS)
        return touched * hypot(visits / touched, tile) * self.flops / self.flops_per_s

    def memory_s(self, rows: float) -> float:
        """Seconds in which the touched experts of one layer are read."""
        return self.read(rows) * self.expert_bytes / self.bytes_per_s

    def read(self, rows: float) -> float:
        """Experts that one layer reads, those that are read twice counted twice."""
        visits, touched = self.load(rows)
        return visits if self.vector_flops_per_s and rows <= REREAD_TOKENS else touched

    def seconds(self, rows: float) -> float:
        if not rows:
            return self.times * hypot(self.latency_s, self.start_s)
        busy_s = max(self.compute_s(rows), self.memory_s(rows))
        return self.times * hypot(self.latency_s, self.start_s + busy_s)

    def detail(self, rows: float) -> Detail:
        visits, read = self.load(rows)[0], self.read(rows)
        bound = longest_of(self.latency_s + self.start_s, self.compute_s(rows), self.memory_s(rows))
        flops, moved = visits * self.flops, read * self.expert_bytes
        return self.name, self.seconds(rows), bound, self.times * flops, self.times * moved
