"""Models that see or hear: the language model inside, and the parameters of the tower beside it."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from estimator.errors import InputError
from estimator.models.architecture import Architecture, Layer
from estimator.models.hf_config import older_towers, projected_towers, section_defaults, towers
from estimator.models.hf_config.decoder import attention, hidden_size, norms, stack
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.lookup import reader
from estimator.models.hf_config.media_rules import AUDIO_RULES, image_rule
from estimator.models.hf_config.registry import class_named, reads
from estimator.models.mixers import CrossAttention
from estimator.models.mlps import DenseMlp
from estimator.models.tensors import Tensor

Tower = Callable[[Fields, Fields, int], int]


class Wrapper(NamedTuple):
    """A class around a language model: where its configuration stands, and what encodes images and sound."""

    model_type: str
    text: str = ""
    """Class of the language model; empty where its own section names it."""
    tower: Tower | None = None
    """Counts the tower's parameters; None where this class's towers are not modelled."""
    ties_outside: bool = True
    """The head belongs to the wrapper, so the outer `tie_word_embeddings` rules."""
    usual: str = ""
    """Class of the language model where nothing names it."""
    audio: Tower | None = None
    """Counts the parameters of the audio tower; None where this class's are not modelled."""


WRAPPERS = {
    "Qwen2VLForConditionalGeneration": Wrapper("qwen2_vl", "Qwen2ForCausalLM", towers.qwen2_vl),
    "Qwen2_5_VLForConditionalGeneration": Wrapper("qwen2_5_vl", "Qwen2ForCausalLM", towers.qwen2_5_vl),
    "Qwen3VLForConditionalGeneration": Wrapper("qwen3_vl", "Qwen3ForCausalLM", towers.qwen3_vl),
    "Qwen3VLMoeForConditionalGeneration": Wrapper("qwen3_vl_moe", "Qwen3MoeForCausalLM", towers.qwen3_vl),
    "Qwen3_5ForConditionalGeneration": Wrapper("qwen3_5", "Qwen3_5ForCausalLM", towers.qwen3_vl),
    "Qwen3_5MoeForConditionalGeneration": Wrapper("qwen3_5_moe", "Qwen3_5MoeForCausalLM", towers.qwen3_vl),
    "Gemma3ForConditionalGeneration": Wrapper("gemma3", "Gemma3ForCausalLM", towers.gemma3),
    "Gemma3nForConditionalGeneration": Wrapper("gemma3n", "Gemma3nForCausalLM"),
    "Gemma4ForConditionalGeneration": Wrapper("gemma4", "Gemma4ForCausalLM", towers.gemma4),
    "Llama4ForConditionalGeneration": Wrapper("llama4", "Llama4ForCausalLM", towers.llama4),
    "MllamaForConditionalGeneration": Wrapper("mllama", "MllamaForCausalLM", towers.mllama),
    "Mistral3ForConditionalGeneration": Wrapper("mistral3", tower=towers.pixtral, usual="MistralForCausalLM"),
    "KimiK25ForConditionalGeneration": Wrapper("kimi_k25", "DeepseekV3ForCausalLM", towers.moonvit),
    "MiniMaxM3SparseForConditionalGeneration": Wrapper(
        "minimax_m3_vl", "MiniMaxM3SparseForCausalLM", towers.minimax_m3
    ),
    "MiniMaxM3VLForConditionalGeneration": Wrapper("", "MiniMaxM3SparseForCausalLM", towers.minimax_m3),
    "Glm4vForConditionalGeneration": Wrapper("glm4v", "Glm4ForCausalLM", towers.glm4v),
    "Glm4vMoeForConditionalGeneration": Wrapper("glm4v_moe", "Glm4MoeForCausalLM", towers.glm4v),
    "LlavaForConditionalGeneration": Wrapper("llava", tower=projected_towers.llava, ties_outside=False),
    "LlavaNextForConditionalGeneration": Wrapper("llava_next", tower=projected_towers.llava, ties_outside=False),
    "PaliGemmaForConditionalGeneration": Wrapper("paligemma", tower=projected_towers.paligemma),
    "InternVLForConditionalGeneration": Wrapper("internvl", tower=projected_towers.internvl),
    "KimiK3ForConditionalGeneration": Wrapper("kimi_k3", "KimiLinearForCausalLM", ties_outside=False),
    "Step3p7ForConditionalGeneration": Wrapper("step3p7", "Step3p5ForCausalLM", towers.step),
    "Phi3VForCausalLM": Wrapper("phi3_v", "Phi3ForCausalLM"),
    "InternVLChatModel": Wrapper("internvl_chat", tower=projected_towers.internvl, ties_outside=False),
    "AyaVisionForConditionalGeneration": Wrapper("aya_vision", tower=projected_towers.cohere),
    "Cohere2VisionForConditionalGeneration": Wrapper("cohere2_vision", tower=projected_towers.cohere),
    "KimiVLForConditionalGeneration": Wrapper("kimi_vl", tower=towers.moonvit, ties_outside=False),
    "Qwen2_5OmniModel": Wrapper("qwen2_5_omni", "Qwen2ForCausalLM"),
    "Qwen2_5OmniForConditionalGeneration": Wrapper("", "Qwen2ForCausalLM"),
    "Qwen2_5OmniThinkerForConditionalGeneration": Wrapper("qwen2_5_omni_thinker", "Qwen2ForCausalLM"),
    "Qwen3OmniMoeForConditionalGeneration": Wrapper("qwen3_omni_moe", "Qwen3MoeForCausalLM"),
    "Qwen3OmniMoeThinkerForConditionalGeneration": Wrapper("qwen3_omni_moe_thinker", "Qwen3MoeForCausalLM"),
    "Qwen2AudioForConditionalGeneration": Wrapper(
        "qwen2_audio", "Qwen2ForCausalLM", ties_outside=False, audio=projected_towers.qwen2_audio
    ),
    "VoxtralForConditionalGeneration": Wrapper("voxtral", ties_outside=False, audio=projected_towers.voxtral),
    "LlavaOnevisionForConditionalGeneration": Wrapper(
        "llava_onevision", tower=projected_towers.llava, ties_outside=False
    ),
    "LlavaNextVideoForConditionalGeneration": Wrapper(
        "llava_next_video", tower=projected_towers.llava, ties_outside=False
    ),
    "VipLlavaForConditionalGeneration": Wrapper("vipllava", tower=projected_towers.vip_llava, ties_outside=False),
    "VideoLlavaForConditionalGeneration": Wrapper(
        "video_llava", tower=projected_towers.video_llava, ties_outside=False
    ),
    "Idefics3ForConditionalGeneration": Wrapper("idefics3", tower=projected_towers.idefics3, usual="LlamaForCausalLM"),
    "SmolVLMForConditionalGeneration": Wrapper("smolvlm", tower=projected_towers.idefics3, usual="LlamaForCausalLM"),
    "Lfm2VlForConditionalGeneration": Wrapper("lfm2_vl", tower=projected_towers.lfm2_vl),
    "Lfm3VlForConditionalGeneration": Wrapper("lfm3_vl"),
    "Glm46VForConditionalGeneration": Wrapper("glm46v", "Glm4ForCausalLM", towers.glm4v),
    "Exaone4_5_ForConditionalGeneration": Wrapper("exaone4_5", "Exaone4ForCausalLM"),
    "Kimi_K25ForConditionalGeneration": Wrapper("", "DeepseekV3ForCausalLM", towers.moonvit),
    "Ernie4_5_VLMoeForConditionalGeneration": Wrapper(
        "ernie4_5_vl_moe ernie4_5_moe_vl", "Ernie4_5_VLMoeTextModel", projected_towers.ernie
    ),
    "Glm5NextForConditionalGeneration": Wrapper("glm5_next", "Glm5NextForCausalLM", towers.glm5),
    "HYV4VLForConditionalGeneration": Wrapper("hy_v4_vl", "HYV4VLTextForCausalLM"),
    "Phi4MMForCausalLM": Wrapper("phi4mm", "Phi3ForCausalLM"),
    "Phi4MultimodalForCausalLM": Wrapper("phi4_multimodal", "Phi3ForCausalLM"),
    "GLM4VForCausalLM": Wrapper("", "ChatGLMForCausalLM"),
    "DeepseekVLV2ForCausalLM": Wrapper("deepseek_vl_v2", "DeepseekV2ForCausalLM", ties_outside=False),
    "DeepseekOCRForCausalLM": Wrapper(
        "DeepseekOCR deepseek_ocr", "DeepseekV2ForCausalLM", older_towers.deepseek_ocr, ties_outside=False
    ),
    "DeepseekOCR2ForCausalLM": Wrapper("DeepseekOCR2 deepseek_ocr2", "DeepseekV2ForCausalLM", ties_outside=False),
    "DotsOCRForCausalLM": Wrapper("dots_ocr", "Qwen2ForCausalLM"),
    "KeyeForConditionalGeneration": Wrapper("Keye", "Qwen3ForCausalLM"),
    "KeyeVL1_5ForConditionalGeneration": Wrapper("KeyeVL1_5", "Qwen3ForCausalLM"),
    "LlavaQwenForCausalLM": Wrapper("llava_qwen", "Qwen2ForCausalLM"),
    "LlavaLlamaForCausalLM": Wrapper("llava_llama", "LlamaForCausalLM"),
    "H2OVLChatModel": Wrapper("h2ovl_chat", ties_outside=False),
    "SkyworkR1VChatModel": Wrapper("skywork_chat", ties_outside=False),
    "NVLM_D": Wrapper("NVLM_D", ties_outside=False),
    "Ovis": Wrapper("ovis", ties_outside=False),
    "InternS1ForConditionalGeneration": Wrapper("interns1"),
    "NemotronH_Nano_VL_V2": Wrapper("NemotronH_Nano_VL_V2", "NemotronHForCausalLM", ties_outside=False),
    "HCXVisionForCausalLM": Wrapper("hyperclovax_vlm", ties_outside=False),
    "OpenCUAForConditionalGeneration": Wrapper("opencua", "Qwen2ForCausalLM"),
    "MiniMaxVL01ForConditionalGeneration": Wrapper("minimax_vl_01", "MiniMaxText01ForCausalLM"),
    "BeeForConditionalGeneration": Wrapper("bee"),
    "TarsierForConditionalGeneration": Wrapper("tarsier", ties_outside=False),
    "Gemma4UnifiedForConditionalGeneration": Wrapper("gemma4_unified", "Gemma4UnifiedForCausalLM"),
    "AriaForConditionalGeneration": Wrapper("aria", "AriaTextForCausalLM"),
    "Apertus1p5ForConditionalGeneration": Wrapper("apertus1p5", "Apertus1p5TextForCausalLM"),
    "DeepseekVLForConditionalGeneration": Wrapper("deepseek_vl"),
    "DeepseekVLHybridForConditionalGeneration": Wrapper("deepseek_vl_hybrid"),
    "JanusForConditionalGeneration": Wrapper("janus"),
    "Ovis2ForConditionalGeneration": Wrapper("ovis2"),
    "LightOnOcrForConditionalGeneration": Wrapper("lighton_ocr", tower=towers.pixtral),
    "GotOcr2ForConditionalGeneration": Wrapper("got_ocr2"),
    "GraniteDoclingForConditionalGeneration": Wrapper("granite_docling", "GraniteDoclingTextForCausalLM"),
    "HyperCLOVAXVisionV2ForConditionalGeneration": Wrapper("hyperclovax_vision_v2"),
    "QianfanOCRForConditionalGeneration": Wrapper("qianfan_ocr", tower=projected_towers.internvl),
    "VideoLlama3ForConditionalGeneration": Wrapper("video_llama_3"),
    "MiniCPMV4_6ForConditionalGeneration": Wrapper("minicpmv4_6"),
    "MiniCPMV4_7ForConditionalGeneration": Wrapper("minicpmv4_7"),
    "MiniCPMOcrForConditionalGeneration": Wrapper("minicpm_ocr"),
    "Idefics2ForConditionalGeneration": Wrapper("idefics2"),
    "AudioFlamingo3ForConditionalGeneration": Wrapper("audioflamingo3"),
    "MusicFlamingoForConditionalGeneration": Wrapper("musicflamingo"),
    "GlmAsrForConditionalGeneration": Wrapper("glmasr"),
    "GraniteSpeechForConditionalGeneration": Wrapper("granite_speech"),
    "GraniteSpeechPlusForConditionalGeneration": Wrapper("granite_speech_plus"),
    "Qwen3ASRForConditionalGeneration": Wrapper("qwen3_asr"),
    "VibeVoiceAsrForConditionalGeneration": Wrapper("vibevoice_asr"),
    "MistralLarge4ForConditionalGeneration": Wrapper("mistral_large4", "MistralLarge4TextForCausalLM", towers.pixtral),
    "Dots3NoteForConditionalGeneration": Wrapper("dots3_note", "Dots3NoteForCausalLM"),
    "PaddleOCRVLForConditionalGeneration": Wrapper("paddleocr_vl", "Ernie4_5ForCausalLM"),
    "GlmOcrForConditionalGeneration": Wrapper("glm_ocr", "GlmOcrTextForCausalLM"),
    "Molmo2ForConditionalGeneration": Wrapper("molmo2", "Molmo2TextForCausalLM"),
    "VoxtralRealtimeForConditionalGeneration": Wrapper("voxtral_realtime", "VoxtralRealtimeTextForCausalLM"),
    "Cosmos3EdgeForConditionalGeneration": Wrapper("cosmos3_edge", "Cosmos3EdgeTextForCausalLM"),
    "Cosmos3OmniForConditionalGeneration": Wrapper("cosmos3_omni", "Qwen3ForCausalLM"),
    "MuseGlimmerForConditionalGeneration": Wrapper("muse_glimmer", "MuseGlimmerTextForCausalLM"),
    "MuseSparkForConditionalGeneration": Wrapper("muse_spark", "MuseSparkTextForCausalLM"),
    "MossTranscribeDiarizeForConditionalGeneration": Wrapper("moss_transcribe_diarize", "Qwen3ForCausalLM"),
    "FunAsrNanoForConditionalGeneration": Wrapper("fun_asr_nano", "Qwen3ForCausalLM"),
    "OmniASRForConditionalGeneration": Wrapper("omniasr", "LlamaForCausalLM"),
    "Nemotron3_5TranscribeForConditionalGeneration": Wrapper("nemo_speechlm", "NemotronHForCausalLM"),
    "VibeVoiceForConditionalGeneration": Wrapper("vibevoice", "Qwen2ForCausalLM"),
    "Blip2ForConditionalGeneration": Wrapper("blip-2", usual="OPTForCausalLM", ties_outside=False),
    "InstructBlipForConditionalGeneration": Wrapper("instructblip", usual="OPTForCausalLM", ties_outside=False),
    "InstructBlipVideoForConditionalGeneration": Wrapper(
        "instructblipvideo", usual="OPTForCausalLM", ties_outside=False
    ),
    "InklingForConditionalGeneration": Wrapper("inkling_mm_model", "InklingForCausalLM"),
    "Inkling2ForConditionalGeneration": Wrapper("inkling2", "Inkling2ForCausalLM"),
    "Florence2ForConditionalGeneration": Wrapper("florence2", "Florence2TextForConditionalGeneration"),
}
PASSES: dict[Callable[[Fields, Fields, int], int], int] = {
    towers.qwen2_vl: 2,
    towers.qwen2_5_vl: 2,
    towers.qwen3_vl: 2,
    towers.gemma3: 1,
    towers.gemma4: 1,
}
"""Towers of plain blocks, whose pass is known, and the frames of a patch where the configuration names none."""
_TEXT_SECTIONS = ("text_config", "llm_config", "language_config")
WHOLE_IMAGE_TOKENS = 2496
"""Gemma 4's largest image in vLLM (issue 42687)."""
_NO_TOWER = "vision or audio towers are not counted: {}"


def wrapped(outer: Fields) -> Architecture:
    """The language model inside a multimodal configuration as its own reader sees it, and the tower where its kind is
    known and described.
    """
    wrapper = WRAPPERS[outer.class_name]
    outer = outer.section("thinker_config") or outer  # Omni models: thinker, talker and vocoder
    text, remarks = _text(outer, wrapper)
    architecture = reader(text.class_name, "no reader for the language model inside")(text)
    if text.config.get("use_bidirectional_attention") == "vision":
        architecture = replace(architecture, whole_image_tokens=WHOLE_IMAGE_TOKENS)
    vision, audio = outer.section("vision_config"), outer.section("audio_config")
    if vision:
        vision, more = section_defaults.completed(vision, section_defaults.VISION, outer.class_name)
        remarks += more
    architecture = replace(architecture, notes=(*architecture.notes, *remarks))
    images, sound = image_rule(outer.class_name, vision, outer), AUDIO_RULES.get(outer.class_name)
    size = towers.tower_size(vision) if vision else None
    architecture = replace(architecture, image_rule=images, audio_rule=sound, tower_size=size)
    counted = _count_towers(wrapper, vision, audio, outer, architecture.hidden)
    if counted is not None:
        frames = PASSES.get(wrapper.tower) if vision and wrapper.tower else None
        seen = towers.tower_pass(vision, outer, frames) if vision and frames else None
        return replace(architecture, vision_parameters=counted, tower_pass=seen)
    described = vision or audio
    why = "this kind is not modelled" if described or not wrapper.tower else "the configuration does not describe them"
    return replace(architecture, notes=(*architecture.notes, _NO_TOWER.format(why)), tower_missing=True)


def _count_towers(
    wrapper: Wrapper, vision: Fields | None, audio: Fields | None, outer: Fields, hidden: int
) -> int | None:
    """Parameters of the described towers; None where one is not described, or of a kind that is not modelled."""
    tower, section = (wrapper.audio, audio) if audio else (wrapper.tower, vision)
    if tower is None or section is None or (vision and audio):
        return None
    if tower in ENCODER_BY_TYPE and not projected_towers.is_known(section):
        return None
    return tower(section, outer, hidden)


ENCODER_BY_TYPE = (
    projected_towers.llava,
    projected_towers.vip_llava,
    projected_towers.video_llava,
    projected_towers.cohere,
    projected_towers.lfm2_vl,
)
"""Towers whose encoder is any that its own model type names."""


reads(**{class_name: wrapper.model_type for class_name, wrapper in WRAPPERS.items()})(wrapped)


MINICPM_V = {"2.5": "LlamaForCausalLM", "2.6": "Qwen2ForCausalLM", "4.5": "Qwen3ForCausalLM"}
"""MiniCPM-V's language model by `version` (its own modeling file)."""


@reads(MiniCPMV="minicpmv", MiniCPMO="minicpmo")
def minicpm_v(f: Fields) -> Architecture:
    """MiniCPM-V and -o: the language model that the version names, at the outer level; the towers are not modelled."""
    version = str(f.config.get("version"))
    if version not in MINICPM_V:
        raise f.wrong("version", f.config.get("version"), f"known are {', '.join(MINICPM_V)}")
    class_name = MINICPM_V[version]
    text = reader(class_name, "no reader for the language model inside")(Fields(f.config, f.path, class_name))
    return replace(text, notes=(*text.notes, _NO_TOWER.format("this kind is not modelled")), tower_missing=True)


def _text(outer: Fields, wrapper: Wrapper) -> tuple[Fields, tuple[str, ...]]:
    """The language model's fields, with what only the outer level says, and a remark on what only the class says."""
    name = next((name for name in _TEXT_SECTIONS if outer.has(name)), "")
    fields = dict((outer.required_section(name) if name else outer).config)
    for field in ("dtype", "torch_dtype", "tie_word_embeddings"):
        rules = field == "tie_word_embeddings" and wrapper.ties_outside
        if outer.has(field) and (rules or fields.get(field) is None):
            fields[field] = outer.config[field]
    text = Fields(fields, name, wrapper.text or _inner_class(Fields(fields, name), wrapper.usual))
    own_type = text.text("model_type", default="") if name else ""
    text, remarks = section_defaults.completed(text, section_defaults.TEXT, own_type)
    return text.completed(), remarks


def _inner_class(text: Fields, usual: str) -> str:
    class_name = (class_named(text) if text.path else "") or usual
    if class_name in WRAPPERS:
        raise InputError("text_config", "a language model was expected, not another wrapper")
    if class_name:
        return class_name
    if text.path:
        raise text.missing("model_type", "architectures")
    raise InputError("text_config", "missing; the language model's own configuration is needed")


@reads(MllamaForCausalLM="mllama_text_model")
def mllama_text(f: Fields) -> Architecture:
    """Llama 3.2 Vision's language model: Llama with cross-attention layers to the image; eight spare rows in the
    embedding.
    """
    hidden, own = hidden_size(f), attention(f)
    cross = CrossAttention(hidden=hidden, heads=own.heads, kv_heads=own.kv_heads, head_dim=own.head_dim, head_norm=True)
    mlp, around = DenseMlp(hidden, f.size("intermediate_size")), norms(hidden, 2)
    crossing = f.places("cross_attention_layers", f.layers())
    gates = (Tensor("gates", "norm", 2, split="whole"),)
    layers = [
        Layer(cross, mlp, (*around, *gates)) if layer in crossing else Layer(own, mlp, around)
        for layer in range(f.layers())
    ]
    spare = (Tensor("embed_spare", "embedding", 8, hidden),)
    return stack(f, layers, tables=spare)
