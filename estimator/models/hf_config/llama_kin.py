"""Readers of Llama's kin as vLLM maps them: TeleChat, TeleFLM, openPangu, Solar, IQuest-Coder, and Sarvam's Ling.

Which parts they share with Llama: vllm/model_executor/models/registry.py, telechat2.py, teleflm.py, openpangu.py,
solar.py and sarvam.py.
"""

from estimator.models.architecture import Architecture
from estimator.models.hf_config.decoder import hidden_size
from estimator.models.hf_config.dense import llama_like
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import reads
from estimator.models.hf_config.shared_experts import bailing
from estimator.models.tensors import Tensor


@reads(
    IQuestCoderForCausalLM="iquestcoder",
    TeleChat3ForCausalLM="telechat3",
    TeleFLMForCausalLM="TeleFLM",
    SolarForCausalLM="solar",
)
def plain_llama(f: Fields) -> Architecture:
    """Llama's tensors: scales of muP and links between Solar's blocks are none."""
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, output_bias=bias, mlp_bias=f.flag("mlp_bias"))


@reads(TeleChat2ForCausalLM="telechat2")
def telechat(f: Fields) -> Architecture:
    """TeleChat2: Llama under names of GPT-2, with biases on what leaves each half."""
    heads = f.size("n_head", "num_attention_heads")
    renamed = {
        "num_attention_heads": heads,
        "num_key_value_heads": f.size("num_key_value_heads", default=heads),
        "intermediate_size": f.size("ffn_hidden_size", "intermediate_size"),
    }
    leaving = Tensor("down_bias", "norm", hidden_size(f), split="whole")
    return llama_like(
        Fields({**f.config, **renamed}, f.path, f.class_name),
        output_bias=True,
        extras=(leaving,),
        tied=f.flag("tie_word_embeddings"),
    )


@reads(PanguEmbeddedForCausalLM="PanguEmbedded")
def open_pangu(f: Fields) -> Architecture:
    """openPangu-Embedded: Llama with biases on attention, under a flag of either name, the inputs' perhaps apart."""
    bias = f.flag("bias", "attention_bias")
    return llama_like(f, qkv_bias=f.flag("qkv_bias", default=bias), output_bias=bias, mlp_bias=f.flag("mlp_bias"))


@reads(SarvamMoEForCausalLM="sarvam_moe")
def sarvam(f: Fields) -> Architecture:
    """Sarvam with experts: Ling of the second version, whose head norms and corrected routing are asked for."""
    asked = {"use_qk_norm": False, "moe_router_enable_expert_bias": False, **f.config}
    return bailing(Fields(asked, f.path, "BailingMoeV2ForCausalLM"))
