"""What comes from elsewhere under fuzz: AWS's price pages, pasted benchmarks and logs, and what is typed."""

import io
import json
import math
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from typing import Any, NoReturn

from catalog.load import Catalog
from catalog.sources import aws, manual
from estimator.planning.day import read_day
from estimator.scenario.media import read_images
from estimator.serving.load import calibration
from estimator.serving.memory.start_log import read_start_log
from scripts.fuzz.mutations import NUMBERS, WORDS, mutated, with_odd_value
from scripts.fuzz.target import Case, Target, Wrong
from tui.cli import Parser, main, question
from tui.options.options import OPTIONS
from tui.state import filters

KEPT = 0.05
"""Share of the price pages whose prices are written and read again."""


def targets(catalog: Catalog, folder: Path) -> tuple[Target, ...]:
    """The readers of what others say; prices are written into the folder."""
    parser = Parser(prog="llmcalc-tui estimate", allow_abbrev=False)
    question.add_arguments(parser)
    return (
        Target("price pages", 100, lambda random: price_pages(random, folder)),
        Target("benchmark result", 400, benchmark_result),
        Target("start-up log", 400, start_log),
        Target("options", 200, lambda random: option_values(random, parser)),
        Target("verbs", 4, verb),
        Target("typed text", 400, lambda random: typed(random, catalog)),
    )


def _dimension(usd: str) -> dict[str, Any]:
    return {"x": {"unit": "Hrs", "pricePerUnit": {"USD": usd}}}


PRODUCT = {
    "product": {"attributes": {"instanceType": "g5.xlarge"}},
    "terms": {
        "OnDemand": {"a": {"priceDimensions": _dimension("1.006")}},
        "Reserved": {
            "b": {
                "termAttributes": {
                    "LeaseContractLength": "1yr",
                    "OfferingClass": "standard",
                    "PurchaseOption": "No Upfront",
                },
                "priceDimensions": _dimension("0.6338"),
            }
        },
    },
}
RATE = {
    "savingsPlanOffering": {"durationSeconds": 31_536_000},
    "rate": "0.7",
    "properties": [{"name": "instanceType", "value": "g5.xlarge"}],
}
SPOT = {"InstanceType": "g5.xlarge", "AvailabilityZone": "a", "SpotPrice": "0.41", "Timestamp": 1}
BLOCK = {"UpfrontFee": "240.0", "CurrencyCode": "USD"}


class Pages:
    """Stands for every client of AWS, and answers with these pages."""

    def __init__(self, products: list[Any], rates: Any, spot: Any, blocks: Any) -> None:
        self._products, self._rates, self._spot, self._blocks = products, rates, spot, blocks

    def __call__(self, service: str, region: str) -> "Pages":
        return self

    def get_paginator(self, call: str) -> "Pages":
        self._call = call
        return self

    def paginate(self, **asked: Any) -> Iterator[Any]:
        yield {"PriceList": self._products} if self._call == "get_products" else self._spot

    def describe_savings_plans_offering_rates(self, **asked: Any) -> Any:
        return self._rates

    def describe_capacity_block_offerings(self, **asked: Any) -> Any:
        return self._blocks


def price_pages(random: Random, folder: Path) -> Case:
    """AWS's answers with an odd value in each, and a product whose text is damaged."""
    text = json.dumps(with_odd_value(random, PRODUCT) if random.random() < 0.5 else PRODUCT).encode()
    product = mutated(random, text).decode(errors="replace")
    rates = with_odd_value(random, {"searchResults": [RATE, RATE]})
    spot = with_odd_value(random, {"SpotPriceHistory": [SPOT, SPOT | {"AvailabilityZone": "b"}]})
    blocks = with_odd_value(random, {"CapacityBlockOfferings": [BLOCK]})
    for page, key in ((SPOT, "SpotPrice"), (BLOCK, "UpfrontFee"), (RATE, "rate")):
        if random.random() < 0.2:
            odd = random.choice(NUMBERS).decode()
            holder = {"SpotPrice": spot, "UpfrontFee": blocks, "rate": rates}[key]
            if isinstance(holder, dict):
                holder.update({name: [page | {key: odd}] for name in holder})
    pages = Pages([product, json.dumps(PRODUCT)], rates, spot, blocks)
    kept = random.random() < KEPT

    def read() -> None:
        answer = aws.refresh("us-east-1", {"g5.xlarge"}, pages, {"g5.xlarge"})
        for terms, prices in answer.quotes.items():
            for usd in prices.values():
                for each in usd if isinstance(usd, list) else [usd]:
                    if not (math.isfinite(each) and each > 0):
                        raise Wrong(f"{terms} at {each} USD per hour")
        if kept:
            path = aws.keep(answer, folder)
            if aws.schema.read(path, aws.schema.FILES["prices/*.yaml"]).region != "us-east-1":
                raise Wrong("prices written for another region")

    return Case("price pages", repr((product, rates, spot, blocks)), read)


BENCHMARKS = (
    b'{"completed": 200, "total_input_tokens": 204800, "total_output_tokens": 25600, "request_throughput": 4.2,'
    b' "output_throughput": 537.6, "mean_ttft_ms": 231.5, "mean_tpot_ms": 14.2, "max_concurrency": 16}',
    b"============ Serving Benchmark Result ============\n"
    b"Successful requests:                     200\nMaximum request concurrency:             16\n"
    b"Total input tokens:                      204800\nTotal generated tokens:                  25600\n"
    b"Request throughput (req/s):              4.20\nOutput token throughput (tok/s):         537.60\n"
    b"Mean TTFT (ms):                          231.50\nMean TPOT (ms):                          14.20\n",
)


def benchmark_result(random: Random) -> Case:
    """A benchmark client's result, damaged, as it is pasted on Performance."""
    text = mutated(random, random.choice(BENCHMARKS)).decode(errors="replace")

    def read() -> None:
        point = calibration.parse(text)
        figures = [each for each in point if each is not None]
        if not all(math.isfinite(each) and each > 0 for each in figures):
            raise Wrong(str(point))

    return Case("benchmark", repr(text), read)


LOG = b"""\
INFO gpu_model_runner.py:1595] Model loading took 14.9596 GiB and 3.9 seconds
INFO worker.py: model weights take 14.96GiB; non_torch_memory takes 0.09GiB; PyTorch activation peak memory takes \
1.20GiB; the rest of the memory reserved for KV Cache is 55.01GiB.
INFO gpu_worker.py:227] Available KV cache memory: 54.38 GiB
INFO gpu_model_runner.py:1933] Graph capturing finished in 23 secs, took 0.53 GiB
KV Cache is allocated. #tokens: 445000, K size: 27.20 GB, V size: 27.20 GB
Load weight end. type=LlamaForCausalLM, dtype=torch.bfloat16, avail mem=62.84 GB, mem usage=15.09 GB.
"""


def start_log(random: Random) -> Case:
    """A start-up log of vLLM or SGLang, damaged, as it is pasted on Memory."""
    text = mutated(random, LOG).decode(errors="replace")

    def read() -> None:
        figures = read_start_log(text)
        if not all(math.isfinite(gib) and gib >= 0 for gib in figures.values()):
            raise Wrong(str(figures))

    return Case("log", repr(text), read)


PLAUSIBLE = {
    "weights": (b"fp8", b"int4-awq", b"native", b"gguf-q4_k_m", b"w4a16"),
    "kv": (b"bf16", b"fp8", b"int8"),
    "preset": (b"chatbot", b"rag", b"lora-8b-24gb"),
    "engine": (b"vllm@0.18", b"sglang", b"llamacpp", b"neuron", b"overhead-10"),
    "instance": (b"p5.48xlarge", b"ml.g5.xlarge", b"inf2.48xlarge"),
    "accelerator": (b"h100-sxm", b"l4", b"rtx4090"),
    "region": (b"us-east-1", b"eu-west-1"),
    "price-terms": (b"spot", b"on-demand", b"capacity-block"),
    "deployment": (b"local", b"cloud", b"edge"),
    "train": (b"lora", b"full", b"dora"),
    "traffic": (b"rate", b"burst", b"closed"),
    "lengths": (b"rag", b"fixed"),
    "ttft": (b"800ms@p95", b"1.5"),
    "tpot": (b"50ms", b"0.05@p99"),
    "day": (b"office", b"night", b",".join(b"%d" % hour for hour in range(24))),
    "images": (b"2@640x480", b"3"),
    "model": (b"7B", b"Qwen/Qwen3-8B", b"openai/gpt-oss-20b", b"total=8B,hidden=4096,layers=32,heads=32,kv-heads=8"),
}
"""Good values of options that do not take a number."""
FIGURES = (b"1", b"16", b"2", b"0.9", b"95%", b"1,024", b"8k", b"1.5", b"100000")
ASKED = tuple(name for name in OPTIONS if name != "trace")


def option_values(random: Random, parser: Parser) -> Case:
    """Up to five options with values of any kind, read to a scenario."""
    arguments = [part for _ in range(random.randint(1, 5)) for part in _option(random)]

    def read() -> None:
        question.scenario(parser.parse_args(arguments))

    return Case("options", repr(arguments), read)


def _option(random: Random) -> tuple[str, str]:
    name = random.choice(ASKED)
    good = random.choice(PLAUSIBLE.get(name, FIGURES))
    value = random.choice((good, good, good, mutated(random, good), random.choice(WORDS)))
    return f"--{name}", value.decode(errors="replace")


def verb(random: Random) -> Case:
    """A whole verb with such options, over the session of nobody: its JSON or its one line."""
    arguments = [random.choice(("estimate", "rank", "command", "plan", "recommend")), "--format", "json"]
    for _ in range(random.randint(0, 3)):
        arguments += _option(random)
    return Case("llmcalc-tui", repr(arguments), lambda: _run(arguments))


def _run(arguments: list[str]) -> None:
    """Raises Wrong where the contract of the headless verbs does not hold."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(arguments)
    complaint = err.getvalue()
    if status == 2 and (out.getvalue() or len(complaint.splitlines()) != 1 or not complaint.strip("\n").isprintable()):
        raise Wrong(f"status 2 with {complaint!r:.80}")
    if "internal error" in complaint or "Traceback" in complaint:
        raise Wrong(complaint)
    if status != 2:
        json.loads(out.getvalue(), parse_constant=_no_number)


def _no_number(constant: str) -> NoReturn:
    raise Wrong(f"{constant} in the JSON")


TYPED = (
    *(b"total=8B,hidden=4096,layers=32,heads=32,kv-heads=8,experts=64,active-experts=8", b"70B", b"8x7b", b"0.6B"),
    *(b"tpot<50ms -g6 class=A", b"g6e|p5 ttft<=1s users>16", b"office", b"0,0,1,2,3,4", b"2@1024x768", b"3"),
)


def typed(random: Random, catalog: Catalog) -> Case:
    """A size, a shape by hand, a filter, the shape of a day or pictures, as typed into a field."""
    text = mutated(random, random.choice(TYPED)).decode(errors="replace")
    sizes = catalog.inventory.sizes
    readers = (
        lambda: manual.sized(text, sizes),
        lambda: manual.read(text),
        lambda: filters.parse(text, catalog.inventory, "us-east-1"),
        lambda: read_day(text),
        lambda: read_images(text),
    )
    return Case("typed", repr(text), random.choice(readers))
