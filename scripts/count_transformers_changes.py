"""Writes tests/data/transformers_changes.json: parameters of transformers' decoders where one field is not the default.

Needs torch and transformers, like scripts/count_transformers_classes.py, whose table it starts from:
`python scripts/count_transformers_changes.py [CLASS ...]`. Every switch is turned, every number doubled, and every
list of words changed in its first place; what the class then can not be built from is left out.
"""

import copy
import json
import signal
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import torch
import transformers

from scripts.count_transformers_classes import OUT as CLASSES
from scripts.count_transformers_classes import stored_elements

OUT = CLASSES.with_name("transformers_changes.json")
HEADS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "ForMaskedLM")
IDLE = {"architectures", "model_type", "max_position_embeddings", "num_labels", "is_gated_act"}
"""Fields that a file does not have, or that only limit the context."""
TIE = "tie_word_embeddings"
"""Changed in plain decoders alone: wrappers, encoders and encoder-decoders tie by rules of transformers' own, and
uploads say what their files hold."""
LONGEST_BUILD_S = 60
MANY = 1_000_000


def changes(value: Any, field: str) -> Iterator[Any]:
    """Other values that a file might hold in this field."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        if value <= 2:
            yield value + 1
        elif "layers" in field:
            yield value - 1
        else:
            yield 2 * value if value < MANY else value // 2
    elif isinstance(value, list) and len({each for each in value if isinstance(each, str)}) > 1:
        yield [next(each for each in value if each != value[0]), *value[1:]]


def count(class_name: str, config: dict[str, Any]) -> int:
    """Stored elements of a class with that configuration."""
    model_class = getattr(transformers, class_name)
    with torch.device("meta"):
        return stored_elements(model_class(model_class.config_class.from_dict(copy.deepcopy(config))))


def rows(class_name: str, config: dict[str, Any]) -> Iterator[list[Any]]:
    """Section, field, value and count of every change that the class can be built from."""
    sections = [("", config), *((key, each) for key, each in config.items() if isinstance(each, dict))]
    for section, fields in sections:
        idle = IDLE if class_name.endswith("ForCausalLM") and not section else {*IDLE, TIE}
        for field in sorted(fields.keys() - idle):
            for value in changes(fields[field], field):
                changed = copy.deepcopy(config)
                (changed[section] if section else changed)[field] = value
                signal.alarm(LONGEST_BUILD_S)
                try:
                    yield [section, field, value, count(class_name, changed)]
                except Exception:
                    print(class_name, section, field, value, "can not be built", file=sys.stderr)
                finally:
                    signal.alarm(0)


def _give_up(*_: object) -> None:
    raise TimeoutError


def main() -> None:
    """Counts the changes of every decoder and masked encoder of the table."""
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    signal.signal(signal.SIGALRM, _give_up)
    table = json.loads(CLASSES.read_text(encoding="utf-8"))
    configs = dict(table["configs"])
    lines = []
    for class_name, model_type, *_ in table["classes"]:
        if class_name in sys.argv[1:] or (class_name.endswith(HEADS) and not sys.argv[1:]):
            config = {**configs[model_type], "architectures": [class_name], "model_type": model_type}
            changed = list(rows(class_name, config))
            lines.append(json.dumps([class_name, model_type, changed], separators=(",", ":")))
            print(class_name, len(changed), file=sys.stderr)
    head = f'"transformers": {json.dumps(transformers.__version__)}'
    OUT.write_text(f'{{\n{head},\n"classes": [\n' + ",\n".join(lines) + "\n]\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
