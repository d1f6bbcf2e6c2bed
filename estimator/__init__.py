"""The mathematics of running language models: pure, synchronous, without input or output."""
