"""Thin widgets: a reactive in, a message out, the drawing done by pure functions."""
