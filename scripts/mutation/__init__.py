"""Mutation testing of the estimator: `python -m scripts.mutation`."""
