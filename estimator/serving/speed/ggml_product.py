"""A matrix product as llama.cpp runs it: by vector kernels for a few rows, by tiles of a matrix kernel for many."""

from math import hypot

from estimator.records import record
from estimator.serving.speed.operators import Detail, longest_of


@record(frozen=True, slots=True, eq=False)
class GgmlProduct:
    """Matrices of all layers as one product over `rows` tokens: the smooth maximum of launching kernels and of starting
    them, compute and memory.

    Quantised weights have two kernels (ggml/src/ggml-cuda: mmvq.cu, mmq.cu). The vector kernel multiplies row by row at
    a share of the FP32 peak; the matrix kernel computes tiles of at least `tile_rows` rows. llama.cpp takes the faster
    one for its number of rows (`ggml_cuda_should_use_mmvq`), but on Metal, where the vector kernel has all steps of up
    to eight (`ne11_mm_min` in ggml/src/ggml-metal/ggml-metal-ops.cpp). The host launches kernels ahead of the device,
    so that long ones hide it.
    """

    name: str
    times: float
    latency_s: float
    """Fixed time in which the host launches the kernels, hidden behind long ones."""
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
    start_s: float = 0.0
    """Fixed time of the kernels on the device, in which each starts and drains."""

    def compute_s(self, rows: float) -> float:
        """Seconds of the product's arithmetic alone over `rows` rows, by the kernel that is taken for so many."""
        tiled = hypot(rows, self.tile_rows) * self.flops / self.flops_per_s
        if not self.vector_flops_per_s:
            return tiled
        by_row = rows * self.flops / self.vector_flops_per_s
        return by_row if rows <= self.vector_rows else min(tiled, by_row)

    def seconds(self, rows: float) -> float:
        compute_s, memory_s = self.compute_s(rows), self.weight_bytes / self.bytes_per_s
        busy = busy_s(compute_s, memory_s, rows <= self.vector_rows)
        return self.times * hypot(self.latency_s, self.start_s + busy)

    def detail(self, rows: float) -> Detail:
        bound = longest_of(self.latency_s + self.start_s, self.compute_s(rows), self.weight_bytes / self.bytes_per_s)
        return self.name, self.seconds(rows), bound, self.times * rows * self.flops, self.times * self.weight_bytes


def busy_s(compute_s: float, memory_s: float, hides: bool) -> float:
    """Seconds in which a kernel computes and reads: the longer of both where one `hides` behind the other, a little
    more elsewhere.

    Metal's vector kernels take 2, 3 and 4 times as long for as many rows, and the first is read at 0.8 of the bandwidth
    (github.com/ggml-org/llama.cpp pull 10491), so that it hides its arithmetic.
    """
    return max(compute_s, memory_s) if hides else hypot(compute_s, memory_s)
