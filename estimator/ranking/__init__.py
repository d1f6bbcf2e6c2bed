"""Candidates in order: every machine for one scenario, and the fleets that carry a load."""
