"""The strata that kept questions are drawn from: how many of each, about which models, where, and what else is said."""

from collections.abc import Mapping
from typing import NamedTuple

from estimator.scenario.presets import PRESETS


class Stratum(NamedTuple):
    """Questions of one sort. One alternative of each line of `says` is taken: alternatives stand between bars, the
    values of a keyword between slashes."""

    name: str
    count: int
    models: str
    """Pool that they are about: writers, moe, odd, small, known, readers, seeing, hearing."""
    place: str
    """rented: a cloud machine that holds the model; engine: a device of the engine's kind that does; open: as said."""
    says: tuple[str, ...] = ()


LOAD = "input_tokens=128/700/2048/6000/16000 output_tokens=16/200/512/1500 concurrency=1/3/16/64/200"
FORMAT = "| weights=native | weights=bf16 | weights=fp8 | weights=int4-awq"
LEVEL = "ttft_s=2.0 | tpot_s=0.05 | latency_s=20.0 | ttft_s=1.0 tpot_s=0.03"
RATE = "requests_per_second=0.2/1.5/4.0/12.0"
GGUF = "weights=gguf-q4_k_m/gguf-q8_0/gguf-q6_k/gguf-q3_k_m"
TERMS = "price_terms=on-demand/spot/reserved-1y/reserved-3y/savings-1y/savings-3y/capacity-block"
REGION = "region=us-east-1/eu-central-1/ap-northeast-1/us-west-2/sa-east-1"
LARGE = "instance=p5.48xlarge/p4d.24xlarge/g6e.48xlarge/g5.48xlarge/p6-b200.48xlarge/g6.12xlarge"
TRAFFIC = (
    "lengths=fixed/chat/rag/code/reasoning",
    f"| {RATE} | {RATE} burstiness=0.4/3.0 | {RATE} requests=120 | traffic=burst requests=40/150 | requests=90 | "
    "trace=120",
    f"| {LEVEL} | ttft_s=3.0 ttft_percentile=95 | tpot_s=0.08 tpot_percentile=99",
    "replayed=true/true/false",
)
SETTING = (
    "memory_utilization=0.8 | max_model_len=32768 | max_num_seqs=32 | max_num_batched_tokens=2048/16384 | "
    "sampling=top-p | enforce_eager=true | compile_cache=warm | kv=fp8 | prefix_cache_hit=0.6 | length_variation=0.8 | "
    "usable_memory_gib=20.0"
)
LAYOUT = (
    "tp=2/4/8 | pp=2 | tp=2/4 pp=2 | dp=2 | tp=4 dp=2 | tp=8 ep=8 | dp=8 ep=8 | tp=2 ep=2 | "
    "tp=8 decode_context_parallel=2"
)
OWNED = (
    f"engine=llamacpp/ollama {GGUF} | engine=vllm/sglang/transformers weights=bf16/int4-awq",
    "deployment=local/local/edge",
    "| power_limit_watts=180.0 | usd_per_kwh=0.31 pue=1.4 utilization=0.4 | "
    "hardware_usd=2100.0 host_usd=900.0 host_watts=120.0 amortization_years=4.0",
)
RUN = (
    "method=full/lora/qlora/dora sequence_length=512/2048/8192 global_batch=16/64/256 packing=true/true/false",
    "optimizer=adamw/adamw-8bit/adamw-4bit/paged-adamw/paged-adamw-8bit/adafactor/lion/muon/sgd/sgd-momentum",
    "| checkpointing=none/selective/full/offloaded | offload=optimizer/parameters | loss=fused/chunked/plain/upcast | "
    "base=nf4-dq/nf4/int8/fp8/int4-gptq | compute=fp8/mxfp8/nvfp4/fp32 | micro_batch=2 | train_embeddings=true | "
    "lora_rank=64 lora_targets=attention | optimizer_in_backward=true | precision=bf16-master/bf16-mixed/fp32 | "
    "sharding=none/zero1/zero2/zero3/fsdp/hybrid",
)
TRAINED = "instance=g5.12xlarge/g6e.12xlarge/p4d.24xlarge/p5.48xlarge/g6e.xlarge/trn1.32xlarge"
SPOT = "price_terms=on-demand/spot"

SERVER = "engine=vllm | engine=sglang | engine=trtllm | engine=tgi | engine=transformers weights=bf16"
ENDLESS = f"{RATE} | {RATE} burstiness=0.4/3.0 | {RATE} {LEVEL.replace(' | ', f' | {RATE} ')} | "
ENDING = (
    f"{RATE} requests=30/200 | traffic=burst requests=5/64/400 | requests=12/90 | trace=120 | trace=40 {RATE} | "
    f"{RATE} requests=80 burstiness=0.5 replayed=true"
)
SHAPE = "| length_variation=0.5/1.0 | prefix_cache_hit=0.4 | lengths=chat/rag | concurrency=300"
DRAFTS = (
    "draft_tokens=2/4 draft_model=ngram | draft_tokens=3 accepted_tokens=2.2 draft_model=Qwen3-0.6B | "
    "draft_tokens=5 accepted_tokens=1.7"
)

PLANNED = ("requests_per_second=6.0/25.0/80.0 headroom=0.0/0.15", LEVEL)

STRATA: Mapping[str, tuple[Stratum, ...]] = {
    "serving": (
        Stratum("vllm", 6, "writers", "rented", (LOAD, FORMAT)),
        Stratum("moe", 5, "moe", "rented", (LOAD, FORMAT, "kv=bf16/fp8")),
        Stratum("odd", 8, "odd", "rented", (LOAD, FORMAT)),
        Stratum("layout", 7, "writers", "open", (LOAD, FORMAT, LAYOUT, LARGE)),
        Stratum("machines", 3, "moe", "open", (LOAD, FORMAT, LARGE, "machines=2/3/4 spare=0/1")),
        Stratum("setting", 8, "writers", "rented", (LOAD, FORMAT, SETTING)),
        Stratum("draft", 3, "writers", "rented", (LOAD, FORMAT, "draft_tokens=1/3/5 accepted_tokens=1.3/1.9")),
        Stratum("lora", 3, "small", "rented", (LOAD, "lora=2@8/4/16@64", "engine=vllm/sglang")),
        Stratum("traffic", 11, "writers", "rented", (LOAD, FORMAT, *TRAFFIC)),
        Stratum("split", 2, "small", "open", (LOAD, "prefill_replicas=1/2 tp=1", "instance=p5.48xlarge/g6e.48xlarge")),
        Stratum("reading", 4, "readers", "rented", ("input_tokens=40/300/500 concurrency=1/8/64",)),
        Stratum("images", 3, "seeing", "rented", (LOAD, "images=1/4@640x480/2@1920x1080")),
        Stratum("audio", 1, "hearing", "rented", ("audio_seconds=12.5/90.0",)),
        Stratum("priced", 5, "writers", "rented", (LOAD, TERMS, REGION, "| | usd_per_gpu_hour=1.7")),
        Stratum("owned", 8, "small", "engine", (LOAD, *OWNED, "count=1/2")),
        Stratum("host", 5, "writers", "open", (
            f"engine=llamacpp/ollama {GGUF} | engine=vllm weights=bf16",
            "accelerator=rtx4090/rtx3090/rtx5090/l40s host_memory_gib=64.0/128.0/512.0",
            "concurrency=1/4 input_tokens=900",
        )),
        Stratum("unlike", 2, "writers", "open", (
            f"engine=llamacpp {GGUF} deployment=local concurrency=2",
            "accelerator=rtx4090+rtx3090/rtx3060+rtx4090/rtx5090+rtx3090+rtx3060",
        )),
        Stratum("arrivals", 16, "small", "rented", (LOAD, SERVER, ENDLESS, SHAPE, f"| {SETTING}")),
        Stratum("laid-out", 12, "writers", "open", (LOAD, FORMAT, LAYOUT, LARGE, ENDLESS, SHAPE)),
        Stratum("ending", 12, "small", "rented", (LOAD, SERVER, ENDING, SHAPE)),
        Stratum("ending-laid-out", 8, "writers", "open", (LOAD, FORMAT, LAYOUT, LARGE, ENDING, SHAPE)),
        Stratum("drafting", 8, "small", "rented", (LOAD, ENDLESS, DRAFTS, SHAPE)),
        Stratum("divided", 5, "small", "open", (LOAD, "prefill_replicas=1/2/3 tp=1/2", LARGE, SHAPE, f"| {LEVEL}")),
        Stratum("read", 6, "readers", "rented", (
            "input_tokens=40/300/500 concurrency=1/8/400", f"{RATE} | traffic=burst requests=60 | requests=90", LEVEL,
        )),
        Stratum("room", 12, "odd", "rented", (LOAD, SERVER, SETTING, "| concurrency=1500")),
    ),
    "boards": (
        *(Stratum(each.name, 1, "known", "open", (f"preset={each.name}",)) for each in PRESETS),
        Stratum("rate", 2, "known", "open", (LOAD, RATE, LEVEL)),
        Stratum("percentile", 1, "known", "open", (RATE, "ttft_s=1.0 ttft_percentile=90/95/99")),
        Stratum("local", 1, "known", "open", (f"{GGUF} engine=llamacpp deployment=local concurrency=2",)),
        Stratum("edge", 1, "known", "open", (f"{GGUF} engine=llamacpp deployment=edge concurrency=1",)),
        Stratum("terms", 2, "known", "open", (TERMS, REGION)),
        Stratum("train", 2, "known", "open", RUN),
    ),
    "planning": (
        Stratum("day", 2, "known", "open", (*PLANNED, "day=steady/office/night/bursty")),
        Stratum("base", 2, "known", "open", (*PLANNED, "base_load=0.2/0.5 peak_hours=6.0/9.5")),
        Stratum("users", 1, "known", "open", ("concurrency=300/1200 spare_copies=1",)),
        Stratum("owned", 1, "known", "open", (*PLANNED, "deployment=local count=1/2", "accelerator=l40s/rtx4090")),
        Stratum("spread", 2, "moe", "open", (*PLANNED, "machines=2 spare=0/1", LARGE, "day=office/bursty")),
        Stratum("terms", 3, "small", "open", (*PLANNED, TERMS, "day=night/office spare_copies=0/2", LARGE)),
    ),
    "advice": (
        Stratum("fits", 3, "writers", "rented", (LOAD, FORMAT)),
        Stratum("odd", 3, "odd", "rented", (LOAD, FORMAT)),
        Stratum("slow", 2, "small", "rented", (LEVEL, "concurrency=256")),
        Stratum("short", 3, "writers", "open", (
            "weights=bf16/fp8 engine=vllm/sglang/llamacpp",
            "instance=g5.xlarge/g6.xlarge/g6e.xlarge input_tokens=4000/30000",
        )),
        Stratum("engine", 2, "small", "rented", (LOAD, "engine=sglang/trtllm/tgi/lmdeploy")),
        Stratum("owned", 2, "small", "engine", (LOAD, *OWNED)),
        Stratum("loads", 2, "small", "rented", (LOAD, *TRAFFIC[:3], "replayed=true")),
        Stratum("moe", 3, "moe", "rented", (LOAD, FORMAT, SETTING)),
        Stratum("drafting", 2, "small", "rented", (LOAD, LEVEL, DRAFTS)),
        Stratum("hosted", 2, "small", "engine", (LOAD, *OWNED, "host_memory_gib=64.0")),
    ),
    "training": (
        Stratum("method", 14, "small", "open", (*RUN, TRAINED, SPOT)),
        Stratum("large", 5, "moe", "open", (*RUN, "instance=p5.48xlarge/p4de.24xlarge/p5en.48xlarge machines=1/4/16")),
        Stratum("odd", 12, "odd", "open", (*RUN, TRAINED, SPOT)),
        Stratum("written", 16, "small", "open", (*RUN, TRAINED, "framework=axolotl/llama-factory/torchtitan/unsloth")),
    ),
}  # fmt: skip
"""The strata of each kind of question; models, formats and measured cases have none: they are gone through."""
EACH_ENGINE = Stratum("", 1, "small", "engine", (LOAD, "count=1/1/2/4"))
"""Questions for every version of every serving engine, which are drawn besides."""
EACH_FRAMEWORK = Stratum("", 1, "small", "open", (*RUN, TRAINED, SPOT))
"""Runs for every training framework, which are drawn besides."""
