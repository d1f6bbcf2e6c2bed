"""Where a model can come from: the catalogue, the Hub, a folder, a GGUF file, or a few numbers."""
