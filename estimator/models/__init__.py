"""What a model is: tensors make mixers and MLPs, these make layers and an architecture, and formats store it."""
