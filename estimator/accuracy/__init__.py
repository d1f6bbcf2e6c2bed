"""Predicted against measured: what a published case asks, what we say, and how far apart the two are."""
