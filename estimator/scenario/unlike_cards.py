"""Cards of different kinds in one machine, which share a model's layers by their memory and take turns (llama.cpp).

Each card holds a share of the layers like its share of the memory (llama.cpp tools/server/README.md, --tensor-split:
in proportion to the free memory of each device), so that all are full at once, and a token passes through one after
the other: its time is the sum of theirs. As many equal cards with the mean memory and the memory-weighted harmonic mean
of the rates take that same time and hold as much. Whole layers to a card are not rounded.
"""

from dataclasses import replace
from functools import lru_cache

from estimator.engines.profiles import EngineProfile
from estimator.errors import InputError
from estimator.hardware.devices import Accelerator, Machine
from estimator.scenario.inventory import Inventory

MOST_CARDS = 16


def unlike_cards(names: str, count: int, inventory: Inventory) -> Machine:
    """A machine of one's own with the cards of these names, which have a plus between them.

    Raises InputError for an unknown card, cards of several vendors, and a count beside their names.
    """
    if count != 1:
        raise InputError("count", "every card is named: leave it out, or name one kind")
    cards = [inventory.accelerator(name.strip()) for name in names.split("+")]
    if len(cards) > MOST_CARDS:
        raise InputError("accelerator", f"{len(cards)} cards; at most {MOST_CARDS} in one machine")
    if len({(card.vendor, card.kind) for card in cards}) > 1 or cards[0].kind != "gpu":
        raise InputError("accelerator", "cards of one machine have to be GPUs of one vendor: one build drives them all")
    largest = max(cards, key=lambda card: card.memory_usable_bytes)
    slowest = min(cards, key=lambda card: inventory.fabrics[card.fabric].link_bytes_per_s)
    return Machine(
        id="+".join(card.id for card in cards),
        family=largest.id,
        accelerator=largest.id,
        count=len(cards),
        cards=tuple(card.id for card in cards),
        fabric=slowest.fabric,
        vcpus=0,
        memory_bytes=0,
        kind="device",
        fast_domain=len(cards),
        source=largest.source,
        as_of=largest.as_of,
    )


@lru_cache(maxsize=256)
def mean_card(names: tuple[str, ...], inventory: Inventory) -> Accelerator:
    """The card of which as many as these hold as much and take as long, layer by layer.

    llama.cpp's constants are those of the largest card, which has most layers.
    """
    cards = [inventory.accelerators[name] for name in names]
    total = sum(card.memory_usable_bytes for card in cards)
    shares = [card.memory_usable_bytes / total for card in cards]
    largest = max(cards, key=lambda card: card.memory_usable_bytes)
    number = len(cards)

    def rate(name: str) -> float:
        rates = [float(getattr(card, name)) for card in cards]
        return 1 / sum(share / each for share, each in zip(shares, rates, strict=True)) if all(rates) else 0.0

    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) / number if len(known) == number else None

    return replace(
        largest,
        id="+".join(names),
        kernels=inventory.efficiency.llama_cpp.key(largest),
        name=" + ".join(card.name for card in cards),
        label="+".join(card.label for card in cards),
        memory_sold_gb=sum(card.memory_sold_gb for card in cards) / number,
        memory_usable_bytes=total // number,
        bandwidth_bytes_per_s=rate("bandwidth_bytes_per_s"),
        compute_capability=min(card.compute_capability for card in cards),
        tdp_watts=mean([card.tdp_watts for card in cards]),
        idle_watts=sum(card.idle_watts for card in cards) / number,
        list_price_usd=mean([card.list_price_usd for card in cards]),
        tags=tuple(tag for tag in largest.tags if all(tag in card.tags for card in cards)),
        confidence="low",
        fp32_flops=rate("fp32_flops"),
        tf32_flops=rate("tf32_flops"),
        fp16_flops=rate("fp16_flops"),
        bf16_flops=rate("bf16_flops"),
        fp8_flops=rate("fp8_flops"),
        int8_flops=rate("int8_flops"),
        fp4_flops=rate("fp4_flops"),
        int4_flops=rate("int4_flops"),
    )


def uneven_refusal(machine: Machine, engine: EngineProfile) -> str | None:
    """Why an engine does not use a machine's unlike cards together; None where it does, or where they are alike."""
    if not machine.cards or engine.one_split:
        return None
    return f"{engine.name} gives every device an equal part, and {machine.id} are not alike; llama.cpp splits by memory"
