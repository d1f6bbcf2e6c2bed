"""The formats that scale numbers by tensor, channel, group or block, and the common formats of the cache.

Sources: the formats' papers and the checkpoints' own layouts; bits per weight with scales are those that real files
take (gpt-oss, DeepSeek-V3.2, AWQ and GPTQ uploads).
"""

from estimator.models.formats.base import EVERYTHING, EXPERTS, LINEAR, CacheFormat, Stored, WeightFormat

DELTA_NET_INPUTS = ("in_proj_qkv", "in_proj_z", "in_proj_a", "in_proj_b")
LATENT_PROJECTIONS = ("q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj")
_FP8_ATTENTION = (
    Stored("attention", "in_proj_a", 16),
    Stored("attention", "in_proj_b", 16),
    Stored("attention", "", 8),
)
WEIGHTS = (
    WeightFormat("bf16", "bfloat16", 16, "bf16", "16"),
    WeightFormat("fp16", "float16", 16, "bf16", "16"),
    WeightFormat("fp32", "float32", 32, "fp32", "16", EVERYTHING | {"norm"}, 32),
    WeightFormat("fp8", "FP8 per tensor or channel", 8, "fp8", "8t", LINEAR, scale_bits=32),
    WeightFormat(
        "fp8-mlp",
        "FP8, attention in 16 bit",
        8,
        "fp8",
        "8t",
        LINEAR,
        scale_bits=32,
        exceptions=(Stored("attention", "", 16),),
        source=(
            "Llama 4: ignore list of docs.vllm.ai/projects/llm-compressor key-models/llama4/fp8-example; "
            "Meta's Llama-3.1-405B-FP8: 57.75 GiB a rank of eight in github.com/vllm-project/vllm issue 6746, of which "
            "1.0 for the 16 cache heads of that upload and 0.6 for the first and last layer's MLP"
        ),
    ),
    WeightFormat("fp8-block", "FP8, 128x128 blocks", 8, "fp8", "8", LINEAR, scale_bits=32, block=(128, 128)),
    WeightFormat("int8", "INT8 W8A8, per channel", 8, "int8", "8", LINEAR, scale_bits=16, block=(1, 0)),
    WeightFormat("int8-wo", "INT8 weight-only, per channel", 8, "bf16", "i8", LINEAR, scale_bits=16, block=(1, 0)),
    WeightFormat("int8-gptq", "GPTQ INT8, groups of 128", 8, "bf16", "i8", LINEAR, 16, 24, (1, 128), 32),
    WeightFormat("int8-bnb", "bitsandbytes INT8", 8, "int8", "i8", LINEAR, scale_bits=32, block=(1, 0)),
    WeightFormat("int4-awq", "AWQ INT4, groups of 128", 4, "bf16", "i4", LINEAR, scale_bits=20, block=(1, 128)),
    WeightFormat("int4-gptq", "GPTQ INT4, groups of 128", 4, "bf16", "i4", LINEAR, 16, 20, (1, 128), 32),
    WeightFormat("int4-g32", "symmetric INT4, groups of 32", 4, "bf16", "i4", LINEAR, scale_bits=16, block=(1, 32)),
    WeightFormat(
        "nvfp4",
        "NVFP4",
        4,
        "fp4",
        "4",
        LINEAR,
        16,
        8,
        (1, 16),
        exceptions=tuple(Stored("attention", name, 16) for name in (*DELTA_NET_INPUTS, *LATENT_PROJECTIONS)),
        source=(
            "what builders leave 16-bit: ModelOpt modelopt_recipes (qwen3_next, default_disabled_quantizers), "
            "llm-compressor examples/quantization_w4a4_fp4, ignore list of Inferact/Qwen3.8-27B-NVFP4; "
            "latent attention as in nvidia/DeepSeek-R1-FP4"
        ),
    ),
    WeightFormat(
        "nvfp4-mlp",
        "NVFP4, attention in 16 bit",
        4,
        "fp4",
        "4",
        LINEAR,
        16,
        8,
        (1, 16),
        exceptions=(Stored("attention", "", 16),),
        source="ignore list of nvidia/Gemma-4-31B-IT-NVFP4 (huggingface.co/LibertAIDAI/Gemma-4-12B-IT-NVFP4), 32.7 GB",
    ),
    WeightFormat(
        "nvfp4-fp8",
        "NVFP4 with FP8 attention",
        4,
        "fp4",
        "4",
        LINEAR,
        16,
        8,
        (1, 16),
        exceptions=(*_FP8_ATTENTION, Stored("head", "", 4.5)),
        source=(
            "ModelOpt modelopt_recipes/huggingface/qwen3_5 (w4a16_nvfp4-fp8_attn); layer lists of "
            "nvidia/Qwen3.6-27B-NVFP4, Qwen3.6-35B-A3B-NVFP4 and RadixArk/Qwen3.8-27B-NVFP4 (20.44 GiB of files)"
        ),
    ),
    WeightFormat(
        "nvfp4-fp8-channel",
        "NVFP4 with FP8 attention, head and last MLPs",
        4,
        "fp4",
        "4",
        LINEAR,
        16,
        8,
        (1, 16),
        exceptions=(*_FP8_ATTENTION, Stored("head", "", 8), Stored("mlp", "", (7 * 4.5 + 8) / 8)),
        source="config groups of unsloth/Qwen3.8-27B-NVFP4: the MLPs of the last eighth of the layers in FP8",
    ),
    WeightFormat("mxfp4", "MXFP4 experts", 4, "bf16", "mx", EXPERTS, scale_bits=8, block=(1, 32)),
    WeightFormat("mxfp8", "MXFP8", 8, "fp8", "8", LINEAR, scale_bits=8, block=(1, 32)),
    WeightFormat("nf4", "bitsandbytes NF4", 4, "bf16", "i4", LINEAR, scale_bits=32, block=(1, 64)),
    WeightFormat(
        "nf4-dq", "bitsandbytes NF4, double quantised", 4, "bf16", "i4", LINEAR, 16, 8 + 32 / 256, block=(1, 64)
    ),
    WeightFormat("exl2-4.0bpw", "ExLlamaV2, 4 bits", 4, "bf16", "i4", LINEAR, exceptions=(Stored("head", "", 6),)),
    WeightFormat("exl2-5.0bpw", "ExLlamaV2, 5 bits", 5, "bf16", "i4", LINEAR, exceptions=(Stored("head", "", 6),)),
)
CACHES = (
    CacheFormat("bf16", "16-bit", 16),
    CacheFormat("fp8", "FP8", 8),
    CacheFormat("int8", "INT8, a scale per token and head", 8.25, 32),
    CacheFormat("nvfp4", "NVFP4", 4.5),
    CacheFormat("fp32", "float32", 32),
    CacheFormat("q8_0", "GGML q8_0", 8.5),
    CacheFormat("q4_0", "GGML q4_0", 4.5),
)
