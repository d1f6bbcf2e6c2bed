"""Measured constants of kernels, links and engines. Values are data; see catalog/data/efficiency.yaml."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Efficiency:
    """Constants by accelerator generation and by engine."""
