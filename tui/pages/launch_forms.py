"""A launch command in the forms that people start things with: a shell, docker compose, Kubernetes, SkyPilot."""

import json
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from estimator.advice.launch import Command
from estimator.printable import printable
from estimator.results import Evaluation
from estimator.training.recipes import Recipe
from estimator.training.recipes.inputs import input_of

PORT = 8000
"""Where vLLM listens; the other engines are told to (SGLang 30000, llama.cpp 8080 by themselves)."""
CACHE = "/root/.cache/huggingface"


class Form(NamedTuple):
    """One form of a launch command: its name, its whole text, the reason of each flag, what must be true before it
    runs.
    """

    name: str
    text: str
    reasons: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def command_forms(command: Command, row: Evaluation, image: str) -> tuple[Form, ...]:
    """The shell command of one replica, and the same in the container forms where the engine has an `image`.

    The container forms are of one machine; they are left out where one replica spans several.
    """
    reasons = tuple((each.text, reason(each.why, each.source)) for each in command.arguments)
    notes = command.notes
    shell = Form(name="shell", text=command.line, reasons=reasons, notes=notes)
    words = _words(command)
    if not image or row.candidate.machines > row.candidate.replicas:
        return (shell,)
    devices = row.candidate.layout.devices
    return (
        shell,
        Form(name="compose", text=_compose(image, words, devices, row.candidate.replicas), reasons=(), notes=notes),
        Form(name="Kubernetes", text=_kubernetes(image, words, devices, row), reasons=(), notes=notes),
        Form(name="SkyPilot", text=_skypilot(command, row), reasons=(), notes=notes),
    )


def recipe_forms(written: Recipe) -> tuple[Form, ...]:
    """The forms of a training recipe: its command, and the file that it reads."""
    reasons = tuple((f"{each.key}: {each.text}", reason(each.why, input_of(each.key))) for each in written.settings)
    shell = Form(name="shell", text=written.command, reasons=reasons, notes=tuple(written.notes))
    return (shell, Form(written.file, written.text)) if written.file else (shell,)


def reason(why: str, source: str) -> str:
    """Why a flag or a setting is there, and the input that its value comes from."""
    return " · ".join(filter(None, (why, source)))


def _words(command: Command) -> list[str]:
    """The command as the words a program gets."""
    return shlex.split(command.line.replace("\\\n", " "), comments=True)


def _yaml(value: object, indent: int = 0) -> str:
    """Mappings, lists and scalars as YAML; every text is quoted as JSON, which YAML reads alike."""
    pad = " " * indent
    if isinstance(value, dict):
        lines = []
        for key, each in value.items():
            nested = isinstance(each, dict | list) and bool(each)
            lines.append(f"{pad}{key}:" + (f"\n{_yaml(each, indent + 2)}" if nested else f" {_scalar(each)}"))
        return "\n".join(lines)
    if isinstance(value, list):
        return "\n".join(
            f"{pad}- {_yaml(each, indent + 2).lstrip()}" if isinstance(each, dict) else f"{pad}- {_scalar(each)}"
            for each in value
        )
    return f"{pad}{_scalar(value)}"


def _scalar(value: object) -> str:
    return json.dumps(printable(value, 4000) if isinstance(value, str) else value)


def _compose(image: str, words: Sequence[str], devices: int, replicas: int) -> str:
    """A service for each replica, on devices and a port of its own."""
    services = {}
    for at in range(replicas):
        ids = [str(device) for device in range(at * devices, (at + 1) * devices)]
        reserved = [{"driver": "nvidia", "device_ids": ids, "capabilities": ["gpu"]}]
        services[f"replica-{at}"] = {
            "image": image,
            "entrypoint": [],
            "command": [*words],
            "ports": [f"{PORT + at}:{PORT}"],
            "ipc": "host",
            "volumes": [f"~/.cache/huggingface:{CACHE}"],
            "environment": ["HF_TOKEN"],
            "deploy": {"resources": {"reservations": {"devices": reserved}}},
        }
    return _yaml({"services": services}) + "\n"


def _kubernetes(image: str, words: Sequence[str], devices: int, row: Evaluation) -> str:
    """A Deployment with a replica a pod, and its Service."""
    labels = {"app": "llm"}
    container = {
        "name": "engine",
        "image": image,
        "command": [*words],
        "ports": [{"containerPort": PORT}],
        "resources": {"limits": {"nvidia.com/gpu": devices}},
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
    }
    spec = {
        "nodeSelector": {"node.kubernetes.io/instance-type": row.candidate.machine},
        "containers": [container],
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory"}}],
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "llm"},
        "spec": {
            "replicas": row.candidate.replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "llm"},
        "spec": {"selector": labels, "ports": [{"port": PORT, "targetPort": PORT}]},
    }
    return f"{_yaml(deployment)}\n---\n{_yaml(service)}\n"


def _skypilot(command: Command, row: Evaluation) -> str:
    """A task on the instance type, a command for each replica in the background."""
    devices, replicas = row.candidate.layout.devices, row.candidate.replicas
    line = " ".join(shlex.quote(word) for word in _words(command))
    if replicas > 1:
        loop = (
            f"for i in $(seq 0 {replicas - 1}); do\n"
            f"  first=$((i * {devices})); last=$((first + {devices - 1}))\n"
            f"  CUDA_VISIBLE_DEVICES=$(seq -s, $first $last) {line} --port $(({PORT} + i)) &\n"
            "done\nwait\n"
        )
    else:
        loop = f"{line}\n"
    head = _yaml({"resources": {"infra": "aws", "instance_type": row.candidate.machine, "ports": PORT}})
    run = "\n".join(f"  {each}" for each in loop.splitlines())
    return f"{head}\nrun: |\n{run}\n"
