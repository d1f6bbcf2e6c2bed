"""Kept questions, drawn anew: by strata, through all classes of models, engines and sources of measured cases."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle
from random import Random

from catalog.load import Catalog
from estimator.engines.profiles import EngineProfile
from estimator.errors import InputError
from estimator.models.hf_config.registry import find_reader
from estimator.models.mixers import Attention
from estimator.models.mixers.base import side_by_side
from estimator.models.model import Model
from scripts.figures.kept import Question, Value, pairs
from scripts.figures.kinds import TABLES, cases, default_classes, default_configs, figures
from scripts.figures.strata import EACH_ENGINE, EACH_FRAMEWORK, STRATA, Stratum
from scripts.figures.variants import variants

Draft = dict[str, Value]
Named = tuple[str, Question]
MOST_TRIES = 60
"""Drafts of one question before its stratum gives up."""
ROOM = 1.25
"""Memory of the devices over the weights' that a drawn machine has at least."""
EVERY_REFUSED = 9
"""One question in so many may be about what does not fit or can not be asked."""
KNOWN = ("Qwen/Qwen3-8B", "Qwen/Qwen3-30B-A3B", "openai/gpt-oss-20b")
"""A dense model, one of experts, and one with rows that blocks do not divide: few, where every machine is asked."""
VARIANTS = 9
"""Changes of each class's configuration, each with another outcome."""
OF_EACH_SOURCE = 3
"""Measured cases of each source, which the first word of their ids names."""


def draw(catalog: Catalog, kind: str, seed: int) -> list[Named]:
    """Named questions of a kind; the same ones from the same catalogue and seed."""
    random = Random(f"{kind} {seed}")
    if kind == "models":
        return list(_each_class(catalog))
    if kind == "configs":
        return list(_each_field(catalog, random))
    if kind == "classes":
        return list(_each_default(catalog, random))
    if kind == "formats":
        return [(name.partition("/")[2], {"model": name}) for name in KNOWN[1:]]
    if kind == "accuracy":
        return list(_each_source(random))
    return list(Sample(catalog, kind, random).questions())


def _each_class(catalog: Catalog) -> Iterator[Named]:
    """The smallest model of each class."""
    classes: dict[str, list[Model]] = {}
    for model in map(catalog.model, catalog.models):
        classes.setdefault(model.architecture.class_name, []).append(model)
    for name, models in sorted(classes.items()):
        yield name, {"model": min(models, key=lambda each: (each.architecture.parameters, each.id)).id}


def _each_field(catalog: Catalog, random: Random) -> Iterator[Named]:
    """Changes of each class's configuration that make another model of it, or one that is refused."""
    for name, asked in _each_class(catalog):
        config = catalog.model_entry(str(asked["model"]))["config"]
        yield from _changed(catalog, "configs", name, asked, config, random)


def _each_default(catalog: Catalog, random: Random) -> Iterator[Named]:
    """Changes of the default configurations of classes of which the catalogue has no model."""
    listed = {name for name, _ in _each_class(catalog)}
    for name, model_type in default_classes():
        if name not in listed and find_reader(name):
            asked: Question = {"class": name, "type": model_type}
            yield from _changed(catalog, "classes", name, asked, default_configs()[model_type], random)


def _changed(
    catalog: Catalog, kind: str, name: str, asked: Question, config: Mapping[str, object], random: Random
) -> Iterator[Named]:
    """Some changes of one configuration, each with another outcome."""
    seen = set[tuple[str, ...]]()
    for variant in variants(config, random):
        question: Question = {**asked, **variant._asdict()}
        told = figures(kind, catalog, question)
        if told not in seen and len(seen) < VARIANTS:
            seen.add(told)
            yield f"{name}-{variant.field}", question


def _each_source(random: Random) -> Iterator[Named]:
    """Some measured cases of each source."""
    for table in TABLES:
        sources: dict[str, list[str]] = {}
        for case in cases(table):
            sources.setdefault(case.partition("-")[0], []).append(case)
        for ids in sources.values():
            for case in random.sample(ids, min(len(ids), OF_EACH_SOURCE)):
                yield f"{table}-{case}", {"table": table, "case": case}


class Sample:
    """Questions of one kind, drawn from its strata with one generator."""

    def __init__(self, catalog: Catalog, kind: str, random: Random) -> None:
        self.catalog, self.kind, self.random = catalog, kind, random
        self.inventory = catalog.inventory
        models = list(map(catalog.model, catalog.models))
        random.shuffle(models)
        writers = [each for each in models if each.architecture.generates]
        self.pools = {
            "writers": self._spread(writers),
            "moe": self._spread(each for each in writers if each.architecture.is_moe),
            "odd": self._spread(each for each in writers if not _is_plain(each)),
            "small": self._spread(each for each in writers if each.architecture.parameters < 16e9),
            "known": cycle(map(catalog.model, KNOWN)),
            "readers": self._spread(each for each in models if each.architecture.encodes),
            "seeing": self._spread(each for each in writers if each.architecture.image_rule),
            "hearing": self._spread(each for each in writers if each.architecture.audio_rule),
        }

    def questions(self) -> Iterator[Named]:
        """Every question of the kind's strata."""
        for stratum in STRATA[self.kind]:
            yield from self._of(stratum)
        if self.kind == "serving":
            for profile in self.inventory.engines:
                named = EACH_ENGINE._replace(name=f"{profile.id}-{profile.version}")
                yield from self._of(named, profile)
        if self.kind == "training" and self.inventory.training:
            for framework in self.inventory.training.frameworks:
                says = (*EACH_FRAMEWORK.says, f"framework={framework}")
                yield from self._of(EACH_FRAMEWORK._replace(name=framework, says=says))

    def _of(self, stratum: Stratum, profile: EngineProfile | None = None) -> Iterator[Named]:
        for number in range(1, stratum.count + 1):
            question = self._settled(stratum, profile, allowed=number % EVERY_REFUSED == 0)
            if question:
                yield f"{stratum.name}-{number}", question

    def _settled(self, stratum: Stratum, profile: EngineProfile | None, allowed: bool) -> Question | None:
        """The first draft that is answered, or also a refused one where `allowed`."""
        for _ in range(MOST_TRIES):
            question = self._draft(stratum, profile)
            lines = figures(self.kind, self.catalog, question)
            fits = not any(each.startswith("row: ") and "; fits; " not in each for each in lines)
            if lines and not lines[0].startswith("refused: ") and (fits or allowed):
                return question
        return None

    def _draft(self, stratum: Stratum, profile: EngineProfile | None) -> Draft:
        model = next(self.pools[stratum.models])
        said = self._said(stratum.says)
        if profile:
            said |= self._of_engine(profile)
        elif said.get("weights") == "native":
            said["weights"] = model.native_weights
        draft: Draft = {"model": model.id, **said}
        if stratum.place == "rented":
            draft |= self._machine(model, str(said.get("weights", model.native_weights)))
        elif stratum.place == "engine":
            draft |= self._device(model, str(said["weights"]), str(said["engine"]))
        longest = model.architecture.max_context or 4096
        if int(said.get("input_tokens", 2048)) + int(said.get("output_tokens", 512)) >= longest:
            draft |= {"input_tokens": longest // 4, "output_tokens": longest // 8}
        return draft

    def _said(self, lines: Iterable[str]) -> Draft:
        """One alternative of each line, one value of each keyword."""
        said: Draft = {}
        for line in lines:
            for word in self.random.choice(line.split("|")).split():
                name, _, values = word.partition("=")
                said |= pairs(f"{name}={self.random.choice(values.split('/'))}")
        return said

    def _of_engine(self, profile: EngineProfile) -> Draft:
        program = profile.program
        return {
            "engine": profile.id,
            "engine_version": profile.version,
            "weights": self.random.choice([*program.weight_ladder, *program.quantises]),
            "kv": self.random.choice(program.cache_formats),
        }

    def _machine(self, model: Model, weights: str) -> Draft:
        """A rented machine that holds the model, a family after the other."""
        rented = [each for each in self.inventory.machines.values() if each.kind == "cloud"]
        holding = [each for each in rented if self._holds(each.accelerator, each.count, model, weights)]
        families: dict[str, list[str]] = {}
        for each in holding or rented:
            families.setdefault(each.family, []).append(each.id)
        return {"instance": self.random.choice(families[self.random.choice(list(families))])}

    def _device(self, model: Model, weights: str, engine: str) -> Draft:
        """A device of the engine's kinds that holds the model."""
        kinds = self.inventory.engine(engine).device_kinds
        devices = [each for each in self.inventory.accelerators.values() if each.kind in kinds]
        holding = [each for each in devices if self._holds(each.id, 1, model, weights)]
        return {"accelerator": self.random.choice(holding or devices).id}

    def _holds(self, accelerator: str, count: float, model: Model, weights: str) -> bool:
        device = self.inventory.accelerators[accelerator]
        try:
            bits = model.weights(weights).bits
        except InputError:
            bits = 16.0
        return ROOM * model.architecture.parameters * bits / 8 < device.memory_usable_bytes * count

    def _spread(self, models: Iterable[Model]) -> Iterator[Model]:
        """Models without end, one of each class in turn."""
        classes: dict[str, list[Model]] = {}
        for model in models:
            classes.setdefault(model.architecture.class_name, []).append(model)
        return (self.random.choice(classes[name]) for name in cycle(classes))


def _is_plain(model: Model) -> bool:
    """Whether every layer is attention over all tokens, without experts or a latent vector."""
    a = model.architecture
    mixers = [mixer for group in a.groups for mixer in side_by_side(group.layer.mixer)]
    return not a.is_moe and not a.encoder and all(isinstance(each, Attention) and not each.window for each in mixers)
