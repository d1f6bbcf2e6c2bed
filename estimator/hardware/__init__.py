"""Devices, machines, the links between devices, and prices and quotas of machines."""
