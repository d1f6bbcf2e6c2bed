"""Classes that are a known model under another head: embedding, classification, reranking, reward, masked tokens.

A class is its family's name and an ending: `Qwen3ForSequenceClassification` is the body of `Qwen3ForCausalLM` under a
score head. Shapes of the heads: transformers' generic classes (modeling_layers.py) and the families' own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from estimator.models.architecture import Architecture, Task
from estimator.models.hf_config.fields import Fields
from estimator.models.hf_config.registry import Reader, find_reader
from estimator.models.tensors import Tensor

BODIES = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "Model")
"""Endings of the classes that readers are registered under, in the order of preference."""

ENDINGS: Mapping[str, Task] = {
    "ForSequenceClassification": "classification",
    "ForTokenClassification": "token classification",
    "ForQuestionAnswering": "question answering",
    "ForProcessRewardModel": "process reward",
    "ForRewardModel": "reward",
    "ForMaskedLM": "masked tokens",
    "LMHeadModel": "masked tokens",
    "TextModel": "embedding",
    "Model": "embedding",
}


class HeadStyle(NamedTuple):
    """Tensors that a family of encoders adds behind its layers, in its bare model and in its classifiers."""

    pooler: bool = False
    """The bare model has a dense layer over its first token."""
    classifier: str = "plain"
    """Layers of a sequence classifier: `pooler` and a projection, `dense` and a projection, or the projection alone."""
    transform: bool = True
    """Masked-token heads have a dense layer, a norm and a bias before the tied embedding."""
    transform_norm_bias: bool = True
    dense_bias: bool = True
    projection_bias: bool = True
    everywhere: bool = False
    """Token and answer heads have the classifier's dense layer as well (ModernBERT)."""
    tied: bool = True
    keeps_pooler: bool = False
    """The bare model's dense layer stays under every head."""


HEAD_STYLES: dict[str, HeadStyle] = {}
"""Bare class of an encoder family -> its style. Every other family ends as transformers' generic decoders do."""


HEADS_OF_THEIR_OWN = frozenset({"Qwen3ASRForTokenClassification", "BigBirdForQuestionAnswering", "RemBertForMaskedLM"})
"""Classes whose head is unlike their kind's: no reader."""


def headed_reader(class_name: str) -> Reader | None:
    """A reader for a known body under another head; None where no family of that name is known."""
    if class_name in HEADS_OF_THEIR_OWN:
        return None
    for ending, task in ENDINGS.items():
        if not class_name.endswith(ending) or class_name == ending:
            continue
        stem = class_name.removesuffix(ending)
        bodies = _bodies(stem) or _bodies(stem.removesuffix("Text"))
        if task == "masked tokens":  # an encoder's head: MambaLMHeadModel is a decoder under another name
            bodies = {each: reader for each, reader in bodies.items() if each in HEAD_STYLES}
        if bodies:
            return _under_head(bodies, task)
    return None


def _bodies(stem: str) -> dict[str, Reader]:
    """The readers of a family's bodies, by class."""
    return {each: reader for body in BODIES if (reader := find_reader(each := stem + body))}


def _under_head(bodies: Mapping[str, Reader], task: Task) -> Reader:
    """A reader for the first of these bodies, or for the one with towers where the configuration is nested."""

    def read(f: Fields) -> Architecture:
        nested = [each for each in bodies if each.endswith("ForConditionalGeneration") and f.has("text_config")]
        body_class = next(iter([*nested, *bodies]))
        body = bodies[body_class](Fields(f.config, f.path, body_class))
        return with_head(body, task, f, HEAD_STYLES.get(body_class))

    return read


def with_head(body: Architecture, task: Task, f: Fields, style: HeadStyle | None) -> Architecture:
    """The architecture of a body under the head of a task, without the modules that only predict text."""
    if task == "token classification" and body.encoder:
        from estimator.models.hf_config.encoder_decoder import encoder_alone

        body = encoder_alone(body)
    tensors = _encoder_head(body, task, f, style) if style else _decoder_head(body, task, f)
    masked = task == "masked tokens"
    return replace(
        body,
        task=task,
        head=(Tensor("lm_head", "head", body.vocabulary, body.embedding[0].inputs),) if masked else (),
        tied=masked and (f.flag("tie_word_embeddings", default=style.tied) if style else body.tied),
        final=(*_body_norms(body), *tensors),
        mtp=(),
        mtp_layers=0,
        mtp_missing=False,
        notes=(*(note for note in body.notes if "MTP" not in note), f"{task}: no text is generated"),
    )


def _body_norms(body: Architecture) -> tuple[Tensor, ...]:
    """Tensors outside the layers, without the parts of the output projection."""
    return tuple(tensor for tensor in body.final if not tensor.name.startswith(("lm_head", "final_logits")))


def labels_of(f: Fields) -> int:
    """Number of classes that a head tells apart: as counted, as labels in `id2label`, else transformers' default of
    two.
    """
    labels = f.section("id2label")
    return f.size("num_labels", default=len(labels.config) if labels and labels.config else 2, most=1 << 16)


def _linear(name: str, outputs: int, inputs: int, bias: bool) -> tuple[Tensor, ...]:
    matrix = Tensor(name, "head", outputs, inputs, split="whole")
    return (matrix, Tensor(f"{name}_bias", "norm", outputs, split="whole")) if bias else (matrix,)


def _decoder_head(body: Architecture, task: Task, f: Fields) -> tuple[Tensor, ...]:
    """Heads of transformers' generic decoder classes, of T5, and Qwen2's reward models (their modeling files)."""
    hidden = body.head[0].inputs if body.head else body.hidden
    if task == "classification" and body.encoder:
        return (*_linear("dense", hidden, hidden, bias=True), *_linear("out_proj", labels_of(f), hidden, bias=True))
    if task == "classification":
        return _linear("score", labels_of(f), hidden, bias=False)
    if task == "token classification":
        return _linear("score", labels_of(f), hidden, bias=True)
    if task == "question answering":
        return _linear("qa_outputs", 2, hidden, bias=True)
    if task in ("reward", "process reward"):
        return _reward_head(task, f, hidden)
    return ()


def _reward_head(task: Task, f: Fields, hidden: int) -> tuple[Tensor, ...]:
    """Qwen2.5-Math-RM and -PRM: two linear layers; InternLM2-Reward: one vector."""
    if f.class_name.startswith("InternLM2"):
        return _linear("v_head", 1, hidden, bias=False)
    if not f.class_name.startswith("Qwen2"):
        raise f.wrong("architectures", f.class_name, "the reward head of this family is not published as a class")
    outputs = 1 if task == "reward" else 2
    return (*_linear("score.0", hidden, hidden, bias=True), *_linear("score.2", outputs, hidden, bias=True))


def _encoder_head(body: Architecture, task: Task, f: Fields, style: HeadStyle) -> tuple[Tensor, ...]:
    """Heads of BERT and its kin."""
    hidden, width = body.hidden, body.embedding[0].inputs
    dense = _linear("dense", hidden, hidden, bias=style.dense_bias)
    if not style.transform_norm_bias:
        dense = (*dense, Tensor("head_norm", "norm", hidden, split="whole"))
    pooler = dense if style.pooler else ()
    if task == "embedding":
        return pooler
    kept = pooler if style.keeps_pooler else ()
    if task == "masked tokens":
        return (*kept, *_masked_head(body, style, width))
    outputs = 2 if task == "question answering" else labels_of(f)
    projection = _linear("classifier", outputs, hidden, bias=style.projection_bias)
    with_dense = style.classifier != "plain" and (task == "classification" or style.everywhere)
    return (*kept, *dense, *projection) if with_dense else (*kept, *projection)


def _masked_head(body: Architecture, style: HeadStyle, width: int) -> tuple[Tensor, ...]:
    if not style.transform:
        return ()
    norm = Tensor("transform_norm", "norm", width, 1, 2 if style.transform_norm_bias else 1, split="whole")
    bias = Tensor("lm_head_bias", "norm", body.vocabulary)
    return (*_linear("transform", width, body.hidden, bias=style.dense_bias), norm, bias)
