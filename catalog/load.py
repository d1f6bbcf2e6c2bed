"""The catalogue as one immutable value: its hardware, engines, models and prices, and where they come from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog import cache
from catalog.codec import decoder
from catalog.model_listing import ModelListing
from estimator.errors import InputError, close_names
from estimator.hardware.prices import InstancePrices, RegionPrices
from estimator.models.model import Model, read_model
from estimator.scenario.inventory import Inventory

if TYPE_CHECKING:
    from estimator.advice.decisions import Decisions
    from estimator.advice.quality import QualityNote
    from estimator.hardware.elsewhere import Rental
    from estimator.hardware.managed import ManagedPrices
    from estimator.planning.breakeven import ApiPrice

LONGEST_NAME = 200
"""Longest name of a model; longer text is none."""


@dataclass(frozen=True)
class Catalog:
    """The catalogue: hardware, engines and constants at hand; prices and models read when asked for."""

    inventory: Inventory
    regions: Mapping[str, str]
    """Id -> name, in the order shown."""
    problems: tuple[str, ...]
    """What is wrong with a file: `file:line: field: reason`. Its entries are left out."""
    texts: cache.Texts

    @cached_property
    def models(self) -> Mapping[str, ModelListing]:
        """Every model as a list shows it, by id."""
        return {each.id: each for each in _decode(tuple[ModelListing, ...], self.texts["models"])}

    @property
    def model_ids(self) -> tuple[str, ...]:
        return tuple(self.models)

    def lists(self, model_id: str) -> bool:
        """Whether a model of exactly this id is in the catalogue."""
        return f"model/{model_id}" in self.texts

    @cached_property
    def _model_names(self) -> dict[str, str]:
        """Every name of a model in lower case -> its id; without the organisation where that is unambiguous."""
        short: dict[str, set[str]] = {}
        known = {}
        for listing in self.models.values():
            for name in (*listing.aliases, listing.id):
                known[name.lower()] = listing.id
                short.setdefault(name.lower().rpartition("/")[2], set()).add(listing.id)
        return {name: ids.pop() for name, ids in short.items() if len(ids) == 1} | known

    @cached_property
    def _reduced_names(self) -> Mapping[str, str]:
        from catalog import names

        return names.index((name, each.id) for each in self.models.values() for name in (*each.aliases, each.id))

    def has_model(self, name: str) -> bool:
        """Whether a name as it stands is a model's id, alias or one of these without organisation."""
        return name.lower() in self._model_names

    def model_id(self, name: str) -> str:
        """The id of a model by id, alias or name without organisation, or by another spelling of one of these.

        Raises InputError with close matches.
        """
        if self.lists(name):
            return name
        model_id = self._model_names.get(name.lower())
        if model_id is None and len(name) <= LONGEST_NAME:
            from catalog import names  # its patterns take a millisecond to compile

            reduced = (self._reduced_names.get(key) for key in names.candidates(name))
            model_id = next((each for each in reduced if each), None)
        if model_id is None:
            close = dict.fromkeys(self._model_names[each] for each in close_names(name, self._model_names))
            way_on = "" if close else "; a Hub id is org/name, a file or folder a path with a slash"
            raise InputError("model", f"unknown model {name!r}{way_on}", close)
        return model_id

    def model_entry(self, name: str) -> dict[str, Any]:
        """What the model's file says: config, quantization, published total, licence, source. Raises InputError."""
        entry: dict[str, Any] = json.loads(self.texts[f"model/{self.model_id(name)}"])
        return entry

    def model(self, name: str) -> Model:
        """A model by id, alias or name without organisation, read once. Raises InputError, UnsupportedArchitecture."""
        model_id = self.model_id(name)
        model = self._read.get(model_id)
        if model is None:
            model = self._read[model_id] = read_model(model_id, self.model_entry(model_id))
        return model

    @cached_property
    def _read(self) -> dict[str, Model]:
        return {}

    @cached_property
    def _priced(self) -> dict[str, RegionPrices]:
        return {}

    @cached_property
    def api_prices(self) -> Mapping[str, "ApiPrice"]:
        """Prices of hosted APIs for their tokens, by the API's name."""
        from estimator.planning.breakeven import ApiPrice  # few questions are about an API

        prices: Mapping[str, ApiPrice] = _decode(dict[str, ApiPrice], self.texts["api_prices"])
        return prices

    @cached_property
    def elsewhere(self) -> "tuple[Rental, ...]":
        """Machines of other clouds with what they ask for an hour, as a reference."""
        from estimator.hardware.elsewhere import Rental  # few questions are about another cloud

        rentals: tuple[Rental, ...] = _decode(tuple[Rental, ...], self.texts["elsewhere"])
        return rentals

    @cached_property
    def decisions(self) -> "Decisions":
        """Published rules of choice, by stage of growth and by use case."""
        from estimator.advice.decisions import Decisions

        rules: Decisions = _decode(Decisions, self.texts["decisions"])
        return rules

    @cached_property
    def sagemaker(self) -> "ManagedPrices":
        """SageMaker's prices for hosting."""
        from estimator.hardware.managed import ManagedPrices

        prices: ManagedPrices = _decode(ManagedPrices, self.texts["sagemaker"])
        return prices

    @cached_property
    def quality(self) -> Mapping[str, "QualityNote"]:
        """Published measurements of answers' quality, by format or change."""
        from estimator.advice.quality import QualityNote

        notes: Mapping[str, QualityNote] = _decode(dict[str, QualityNote], self.texts["quality"])
        return notes

    def prices(self, region: str) -> RegionPrices:
        """Every quote of one region. Raises InputError."""
        if region not in self._priced:
            text = self.texts.get(f"prices/{region}")
            if text is None:
                raise InputError("region", f"unknown region {region!r}", close_names(region, self.regions))
            self._priced[region] = RegionPrices(region, _decode(dict[str, InstancePrices], text), asked_on=date.today())
        return self._priced[region]


def load(user_files: Path | None = None) -> Catalog:
    """The packaged catalogue with the user's own files over it (`user_files`, else the config folder's `catalog`)."""
    texts = cache.sections((cache.DATA, user_files or cache.user_dir()))
    return Catalog(
        inventory=_decode(Inventory, texts["inventory"]),
        regions=json.loads(texts["regions"]),
        problems=tuple(json.loads(texts["problems"])),
        texts=texts,
    )


def _decode(shape: Any, text: str) -> Any:
    value, decode = json.loads(text), decoder(shape)
    return decode(value) if decode else value
