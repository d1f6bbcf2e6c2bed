"""Seconds of one step of one engine: operators, collectives, and how each kind of device runs them."""
