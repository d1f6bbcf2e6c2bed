"""Figures of the estimator, kept in text files so that no change goes unseen: `python -m scripts.figures`."""
