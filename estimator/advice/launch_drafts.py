"""The options by which engines are told who drafts: the model's own modules, another model or head, the text so far.

Source of the options: vLLM docs/features/spec_decode.md and api/vllm/config/speculative; SGLang
docs/advanced_features/speculative_decoding; llama.cpp docs/speculative.md and tools/server/README.md.
"""

import json
import shlex
from collections.abc import Iterator

from estimator.advice.launch_server import Argument, Server
from estimator.models.model import Model

OWN = "the model's own prediction modules"
LOOKED_UP = 4
"""Tokens in a row that are looked up in the text so far (vLLM's examples)."""
SGLANG_ALGORITHMS = {"draft_model": "STANDALONE", "eagle3": "EAGLE3", "dflash": "DFLASH", "mtp": "NEXTN"}
LLAMACPP_TYPES = {"eagle3": "draft-eagle3", "dflash": "draft-dflash", "mtp": "draft-mtp"}


def vllm_drafts(server: Server) -> Iterator[Argument]:
    """vLLM's one option, a JSON text."""
    drafts, drafter = server.scenario.workload.draft_tokens, server.drafter
    if not server.drafts:
        return
    if drafter is None:
        config: dict[str, object] = {"method": "mtp"}
    elif drafter.model is None:
        config = {"method": "ngram", "prompt_lookup_max": LOOKED_UP}
    else:
        config = {"method": drafter.method, "model": drafter.model.location}
    text = json.dumps({**config, "num_speculative_tokens": drafts})
    yield Argument(f"--speculative-config {shlex.quote(text)}", _who(server), _source(server))


def sglang_drafts(server: Server) -> Iterator[Argument]:
    """SGLang's algorithm, its drafter, and how far it looks: chains, not trees."""
    drafts, drafter = server.scenario.workload.draft_tokens, server.drafter
    if not server.drafts:
        return
    verified = f"--speculative-num-draft-tokens {drafts + 1}"
    if drafter and drafter.model is None:
        yield Argument(f"--speculative-algorithm NGRAM {verified}", _who(server), _source(server))
        return
    algorithm = SGLANG_ALGORITHMS[drafter.method] if drafter else "EAGLE"
    if server.drafter_operand:
        path = f"--speculative-draft-model-path {server.drafter_operand}"
        yield Argument(path, _who(server), _source(server))
    steps = "" if algorithm == "DFLASH" else f"--speculative-num-steps {drafts} --speculative-eagle-topk 1 "
    yield Argument(f"--speculative-algorithm {algorithm} {steps}{verified}", _who(server), "--draft-tokens")


def llamacpp_drafts(server: Server) -> Iterator[Argument]:
    """llama.cpp's type of speculation, and the file of a drafter."""
    drafts, drafter = server.scenario.workload.draft_tokens, server.drafter
    if not server.drafts:
        return
    if drafter is None:
        yield Argument("--spec-type draft-mtp", _who(server), _source(server))
    elif drafter.model is None:
        yield Argument("--spec-type ngram-simple", _who(server), _source(server))
    else:
        kind = LLAMACPP_TYPES.get(drafter.method)
        if kind:
            yield Argument(f"--spec-type {kind}", "how it drafts", "--draft-model")
        yield Argument(_drafter_file(server, drafter.model), _who(server), "--draft-model")
    yield Argument(f"--spec-draft-n-max {drafts}", "tokens it proposes in each step", "--draft-tokens")


def _drafter_file(server: Server, drafter: Model) -> str:
    """A GGUF file on disk, or a repository of them; the name of a model stands for its repository."""
    name = server.drafter_operand
    if name.lower().rstrip("'").endswith(".gguf"):
        return f"--model-draft {name}"
    return f"-hfd {name if 'gguf' in name.lower() else f'{name}-GGUF:{drafter.native_weights.upper()}'}"


def _who(server: Server) -> str:
    drafter = server.drafter
    if drafter is None:
        return OWN
    return f"{drafter.model.id} drafts" if drafter.model else "drafts are looked up in the text so far"


def _source(server: Server) -> str:
    return "--draft-model" if server.drafter else "--draft-tokens"
