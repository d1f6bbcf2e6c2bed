"""A matrix product as llama.cpp runs it: by vector kernels for a few rows, by tiles of a matrix kernel for many."""

from math import hypot

from estimator.records import record
from estimator.serving.speed.operators import Detail, longest_of


@record(frozen=True, slots=True, eq=False)
class GgmlProduct:
    """Matrices of all layers as one product over `rows` tokens: latency plus the smooth maximum of compute and memory.

    Quantised weights have two kernels (ggml/src/ggml-cuda: mmvq.cu, mmq.cu). The vector kernel multiplies row by row at
    a share of the FP32 peak; the matrix kernel computes tiles of at least `tile_rows` rows. llama.cpp takes the faster
    one for its number of rows (`ggml_cuda_should_use_mmvq`), but on Metal, where the vector kernel has all steps of up
    to eight (`ne11_mm_min` in ggml/src/ggml-metal/ggml-metal-ops.cpp).
    """

    name: str
    times: float
    latency_s: float
    flops: float
    """FLOPs of one row (token)."""
    weight_bytes: float
    flops_per_s: float
    """FLOP/s of the matrix kernel."""
    bytes_per_s: float
    vector_flops_per_s: float = 0.0
    """FLOP/s of the vector kernel; 0 where weights have none."""
    tile_rows: float = 0.0
    """Rows that the matrix kernel's smallest tile computes."""
    vector_rows: float = 0.0
    """Rows up to which the vector kernel is taken even where the other is faster."""

    def compute_s(self, rows: float) -> float:
        """Seconds of the product's arithmetic alone over `rows` rows, by the kernel that is taken for so many."""
        tiled = hypot(rows, self.tile_rows) * self.flops / self.flops_per_s
        if not self.vector_flops_per_s:
            return tiled
        by_row = rows * self.flops / self.vector_flops_per_s
        return by_row if rows <= self.vector_rows else min(tiled, by_row)

    def seconds(self, rows: float) -> float:
        return self.times * (self.latency_s + hypot(self.compute_s(rows), self.weight_bytes / self.bytes_per_s))

    def detail(self, rows: float) -> Detail:
        bound = longest_of(self.latency_s, self.compute_s(rows), self.weight_bytes / self.bytes_per_s)
        return self.name, self.seconds(rows), bound, self.times * rows * self.flops, self.times * self.weight_bytes
