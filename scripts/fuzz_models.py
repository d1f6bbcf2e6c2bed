"""Mutates configurations and GGUF headers of known models, and says what broke.

    python -m scripts.fuzz_models [--count 20000] [--seed 1]

Each mutant has to be read or refused with a reason, soon, and never with another exception. A mutant whose shape key is
another number has to have other parameters or another cache. A slice runs with the tests.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from catalog.load import load
from catalog.sources import gguf, gguf_config
from estimator.errors import InputError
from estimator.models.architecture import Architecture
from estimator.models.model import read_model

SLOWEST_S = 2.0
"""Seconds after which reading a mutant counts as a hang."""
CONTEXTS = (1, 300, 5000, 200_000)
"""Tokens at which caches are compared."""
SHAPES = (
    "num_hidden_layers",
    "hidden_size",
    "intermediate_size",
    "vocab_size",
    "num_key_value_heads",
    "head_dim",
    "moe_intermediate_size",
    "num_experts",
    "n_routed_experts",
    "num_local_experts",
    "kv_lora_rank",
    "q_lora_rank",
    "sliding_window",
    "shared_expert_intermediate_size",
    "qk_rope_head_dim",
    "linear_num_value_heads",
    "mamba_d_state",
)
"""Keys whose number parameters or cache depend on in every class that has them."""
ODD = (None, True, -1, 0, 1, 3, 2**31, 2**63, 1e308, 0.5, "", "x", "128", [], [1], {}, {"a": 1}, [None], "\x1b[31m")
"""Values that a file may hold where another kind was meant."""


class Fault(NamedTuple):
    """A mutant that was not treated as it should be."""

    kind: str
    source: str
    change: str


def faults_of_configs(random: Random, count: int) -> Iterator[Fault]:
    """Faults among `count` mutants of the catalogue's configurations."""
    catalogue = load()
    entries = [catalogue.model_entry(name) for name in catalogue.models]
    for _ in range(count):
        entry = random.choice(entries)
        config = json.loads(json.dumps(entry["config"]))
        change = _mutate(random, config)
        yield from _judge(entry["id"], change, entry["config"], config)


def _mutate(random: Random, config: dict[str, Any]) -> tuple[str, Any]:
    """Changes one key of the configuration or of a section in place; the key and its new value."""
    sections = [config, *(value for value in config.values() if isinstance(value, dict) and value)]
    section = random.choice(sections)
    key = random.choice(sorted(section))
    value = section[key]
    match random.randrange(4):
        case 0:
            del section[key]
            return key, "absent"
        case 1 if isinstance(value, int) and not isinstance(value, bool):
            section[key] = value * random.choice((2, 3, 1000)) + random.choice((0, 0, 1))
        case 2 if isinstance(value, list) and value:
            section[key] = value[: len(value) // 2] if random.random() < 0.5 else [*value, *value]
        case _:
            section[key] = random.choice(ODD)
    return key, section[key]


def _judge(name: str, change: tuple[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Fault]:
    key, value = change
    shown = f"{key} = {value!r:.60}"
    began = time.perf_counter()
    try:
        mutant = read_model(name, {"config": after}).architecture
        figures = _figures(mutant)
    except InputError:
        return
    except Exception as error:
        yield Fault(f"{type(error).__name__}: {error}"[:100], name, shown)
        return
    finally:
        seconds = time.perf_counter() - began
    if seconds > SLOWEST_S:
        yield Fault(f"took {seconds:.1f} s", name, shown)
    if key in SHAPES and type(value) is int and value > 1 and value != before.get(key):
        unchanged = _figures(read_model(name, {"config": before}).architecture)
        if figures == unchanged and _moves(name, before, key, unchanged):
            yield Fault("the numbers did not move", name, shown)


def _moves(name: str, config: Mapping[str, Any], key: str, unchanged: Sequence[float]) -> bool:
    """Whether twice a key's number is other figures or none: a window that is switched off, or the dense width of a
    model without dense layers, is idle."""
    if type(config.get(key)) is not int:
        return False
    try:
        return _figures(read_model(name, {"config": {**config, key: 2 * config[key]}}).architecture) != unchanged
    except InputError:
        return True


def _figures(architecture: Architecture) -> Sequence[float]:
    """What a shape may not change silently: parameters, active ones, cache and state."""
    return (
        architecture.text_parameters,
        architecture.active_parameters,
        architecture.state_elements,
        *(architecture.cache_elements(tokens) for tokens in CONTEXTS),
        architecture.vision_parameters,
    )


def faults_of_headers(random: Random, count: int, file: bytes) -> Iterator[Fault]:
    """Faults among `count` mutants of one GGUF file: bytes changed, cut, or said twice."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "mutant.gguf")
        for _ in range(count):
            mutant, change = bytearray(file), ""
            for _ in range(random.randint(1, 4)):
                place = random.randrange(4, min(len(mutant), 4096))
                mutant[place] = random.randrange(256)
                change += f"{place}:{mutant[place]:02x} "
            if random.random() < 0.1:
                mutant = mutant[: random.randrange(len(mutant))]
                change += f"cut to {len(mutant)}"
            path.write_bytes(mutant)
            began = time.perf_counter()
            try:
                gguf_config.model(gguf.read(path), path)
            except InputError:
                pass
            except Exception as error:
                yield Fault(f"{type(error).__name__}: {error}"[:100], "gguf", change)
            if time.perf_counter() - began > SLOWEST_S:
                yield Fault("took too long", "gguf", change)


def main() -> int:
    """Prints each fault once; exit status 1 where there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gguf", type=Path, action="append", default=[], help="a file whose header is mutated as well")
    asked = parser.parse_args()
    random = Random(asked.seed)
    seen = list(faults_of_configs(random, asked.count))
    for path in asked.gguf:
        seen += faults_of_headers(random, asked.count, path.read_bytes())
    faults = {fault.kind + fault.change.split(" =")[0]: fault for fault in seen}
    for fault in faults.values():
        print(f"{fault.kind}: {fault.source}: {fault.change}")
    print(f"{asked.count * (1 + len(asked.gguf)):,} mutants, {len(faults)} kinds of fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
