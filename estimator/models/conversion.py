"""Ways to serve a checkpoint in another format than its own: an upload, a tool, or the engine while loading."""

from estimator.models.formats import find_weight_format

_SIXTEEN = ("bf16", "fp16")
_UNQUANTISED = (*_SIXTEEN, "fp32")
_WHILE_LOADING = {
    "fp8": "--quantization fp8",
    "int8-bnb": "load_in_8bit",
    "nf4": "load_in_4bit",
    "nf4-dq": "load_in_4bit",
}
_TOOLS = {
    "int4-awq": "AutoAWQ or llm-compressor",
    "int4-gptq": "GPTQModel or llm-compressor",
    "int8-gptq": "GPTQModel",
    "nvfp4": "NVIDIA ModelOpt or llm-compressor",
}


def conversion(native: str, wanted: str) -> str | None:
    """How to get from the checkpoint's format to a wanted one, in one line; None where it is the checkpoint's own."""
    native, wanted = _format_id(native), _format_id(wanted)
    if wanted == native or (native in _SIXTEEN and wanted in _SIXTEEN) or native.startswith(f"{wanted}-"):
        return None
    if native == "fp32" and wanted in _SIXTEEN:
        return "the engine rounds the 32-bit weights while loading (--dtype)"
    source = "" if native in _UNQUANTISED else f" of the 16-bit weights (the checkpoint is {native})"
    if wanted in _SIXTEEN or wanted == "fp32":
        return f"needs the 16-bit upload, or dequantising the {native} checkpoint"
    if wanted.startswith("gguf-"):
        return f"needs a conversion{source} with convert_hf_to_gguf.py and llama-quantize, or a GGUF upload"
    if wanted in _WHILE_LOADING and not source:
        return f"the engine quantises while loading ({_WHILE_LOADING[wanted]})"
    tool = _TOOLS.get(wanted, "llm-compressor")
    return f"needs a quantised upload, or a run of {tool}{' over' if source else ''}{source.removeprefix(' of')}"


def _format_id(name: str) -> str:
    """The catalogue's id of a format; the name itself for one that only this checkpoint has."""
    weights = find_weight_format(name)
    return weights.id if weights else name
