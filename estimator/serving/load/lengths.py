"""Lengths of requests and gaps between them: a fixed sample, so that equal questions get equal answers."""

from functools import lru_cache
from math import exp, log, sqrt
from random import Random
from statistics import NormalDist

# Tokens over their mean at the quantiles below, prompts and answers apart (they hardly correlate):
# chat, code: Azure's public trace of November 2023 (AzurePublicDataset, AzureLLMInferenceTrace_{conv,code}.csv), of
#   19,366 conversations and 8,819 code completions;
# rag: Mooncake's conversations over long documents (kvcache-ai/Mooncake, FAST25-release, conversation_trace.jsonl),
#   12,031 requests of 12,035 and 343 tokens on average;
# reasoning: DeepSeek-R1 as a service (alibaba/ServeGen, data/reason/deepseek-r1), 73 clients by their rates, of 1,268
#   and 1,527 tokens on average;
# sharegpt: the 1,000 conversations that vLLM's benchmark client draws from ShareGPT, of 215 tokens on average
#   (dstackai/benchmarks, comparison/h100sxm5_vs_mi300x/raw_data), and the lengths of 557 answers on which at least
#   three of its eight runs agree, of 216: these were not cut short by the model.
QUANTILES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
Shape = tuple[float, ...]
SHAPES: dict[str, tuple[Shape, Shape]] = {
    "chat": (
        (0.002, 0.157, 0.179, 0.335, 0.349, 0.609, 0.883, 0.928, 0.979, 1.139, 2.369, 3.536, 3.587, 12.168),
        (0.033, 0.194, 0.256, 0.365, 0.431, 0.488, 0.611, 0.838, 1.819, 1.895, 2.008, 2.136, 2.847, 4.737),
    ),
    "code": (
        (0.001, 0.037, 0.072, 0.188, 0.376, 0.525, 0.717, 0.932, 1.188, 1.559, 2.536, 3.572, 3.631, 3.632),
        (0.215, 0.215, 0.251, 0.287, 0.323, 0.395, 0.466, 0.574, 0.717, 1.040, 1.973, 3.228, 9.038, 68.107),
    ),
    "rag": (
        (0.074, 0.075, 0.080, 0.138, 0.271, 0.415, 0.574, 0.795, 1.096, 1.485, 2.274, 3.286, 7.096, 10.486),
        (0.003, 0.029, 0.070, 0.292, 0.622, 0.849, 1.022, 1.165, 1.305, 1.471, 1.742, 2.037, 3.254, 5.837),
    ),
    "sharegpt": (
        (0.019, 0.037, 0.046, 0.070, 0.112, 0.200, 0.386, 0.976, 1.468, 1.984, 2.895, 3.518, 3.713, 4.633),
        (0.019, 0.032, 0.065, 0.139, 0.315, 0.644, 0.921, 1.153, 1.389, 1.648, 2.209, 2.649, 3.505, 3.612),
    ),
    "reasoning": (
        (0.003, 0.010, 0.014, 0.023, 0.045, 0.089, 0.164, 0.210, 0.320, 0.590, 1.650, 5.294, 18.469, 45.168),
        (0.006, 0.147, 0.188, 0.253, 0.308, 0.381, 0.519, 0.723, 0.895, 1.100, 2.247, 3.732, 8.254, 21.453),
    ),
}
"""Prompt and answer lengths by the kind of use."""


STRATA = 400
"""Equal strata over which a shape is summed."""


def sample_lengths(mean: int, count: int, shape: Shape | None, variation: float, random: Random) -> list[int]:
    """`count` lengths [tokens] with a given mean, one of each of as many equal strata, shuffled.

    They follow a shape, else a log-normal distribution with `variation` as deviation over mean.
    """
    if shape is None and not variation:
        return [mean] * count
    if shape is not None:
        relative = [quantile(shape, level) for level in _middles(count)]
    else:
        width = log(1 + variation**2) ** 0.5
        relative = [exp(width * each) for each in _normal_strata(count)]
    scale = mean * count / sum(relative)
    lengths = [max(round(each * scale), 1) for each in relative]
    random.shuffle(lengths)
    return lengths


def _middles(count: int) -> list[float]:
    """Levels in the middle of equal strata."""
    return [(stratum + 0.5) / count for stratum in range(count)]


@lru_cache(maxsize=32)
def _normal_strata(count: int) -> tuple[float, ...]:
    """The standard normal number in the middle of each of equal strata."""
    return tuple(map(NormalDist().inv_cdf, _middles(count)))


def quantile(shape: Shape, level: float) -> float:
    """Quantile of a shape of lengths, over its mean, between those that are known."""
    upper = next(index for index, each in enumerate(QUANTILES) if each >= level)
    low, high = QUANTILES[upper - 1], QUANTILES[upper]
    share = (level - low) / (high - low)
    return shape[upper - 1] + share * (shape[upper] - shape[upper - 1])


def variation(shape: Shape) -> float:
    """Standard deviation of a shape of lengths over its mean."""
    strata = [quantile(shape, level) for level in _middles(STRATA)]
    mean = sum(strata) / STRATA
    return sqrt(sum(each**2 for each in strata) / STRATA / mean**2 - 1)


def sample_arrivals(count: int, requests_per_s: float, burstiness: float, random: Random) -> list[float]:
    """`count` arrivals [s] from 0 on with gamma distributed gaps, which come to that rate exactly."""
    gaps = [random.gammavariate(burstiness, 1 / burstiness) for _ in range(count)]
    scale = count / sum(gaps) / requests_per_s
    arrivals, clock = [], 0.0
    for gap in gaps:
        arrivals.append(clock)
        clock += gap * scale
    return arrivals
