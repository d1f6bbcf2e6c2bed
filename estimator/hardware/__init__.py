"""Devices, machines and the links between them, and what they are offered for."""
