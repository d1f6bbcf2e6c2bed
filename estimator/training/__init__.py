"""Fine-tuning and pre-training: memory, time and cost of a run, and the settings that make it fit."""
