"""Which input of a run each setting of its recipe comes from, in the words of the four training stacks."""

SETTINGS = {
    "--model": ("base_model", "model_name_or_path", "name", "flavor", "hf_assets_path"),
    "--train": ("adapter", "finetuning_type", "peft_use_dora", "use_dora", "stage", "do_train"),
    "--base": ("load_in_4bit", "load_in_8bit", "quantization_bit", "double_quantization"),
    "--sequence-length": ("tokenizer.max_seq_len", "sequence_len", "cutoff_len", "seq_len"),
    "--packing": ("dataset.packed", "sample_packing", "packing"),
    "--micro-batch": ("batch_size", "micro_batch_size", "per_device_train_batch_size", "local_batch_size"),
    "--global-batch": ("gradient_accumulation_steps", "global_batch_size"),
    "--epochs": ("epochs", "num_epochs", "num_train_epochs"),
    "--dataset-tokens": ("steps",),
    "--optimizer": ("optimizer", "optimizer._component_", "optim", "optimizer.name"),
    "--optimizer-in-backward": ("optimizer_in_bwd",),
    "--precision": ("dtype", "bf16", "fp16", "pure_bf16"),
    "--lora-rank": ("model.lora_rank", "lora_r", "lora_rank", "lora_alpha"),
    "--lora-targets": (
        "model.lora_attn_modules",
        "model.apply_lora_to_mlp",
        "model.apply_lora_to_output",
        "lora_target_linear",
        "lora_target_modules",
        "lora_target",
    ),
    "--checkpointing": (
        "enable_activation_checkpointing",
        "enable_activation_offloading",
        "gradient_checkpointing",
        "disable_gradient_checkpointing",
        "mode",
    ),
    "--offload": ("enable_cpu_offload", "fsdp_cpu_offload"),
    "--sharding": (
        "deepspeed",
        "dp_shard_size",
        "dp_replicate_size",
        "fsdp_config",
        "fsdp_version",
        "data_parallel_shard_degree",
        "data_parallel_replicate_degree",
        "fsdp_reshard_after_forward",
    ),
    "--loss": ("plugins", "enable_liger_kernel", "loss._component_"),
    "--tp": ("tensor_parallel_size", "tensor_parallel_dim", "tensor_parallel_degree"),
    "--ep": ("expert_parallel_size", "expert_parallel_degree"),
    "--pp": ("pipeline_parallel_degree",),
    "the layout that was searched for": ("context_parallel_size", "context_parallel_degree"),
    "yours to set": ("datasets", "dataset", "template", "output_dir"),
}
"""Settings by the option of the scenario that says them, or leaves them to be searched for."""
OF_THE_STACK = "the stack's habit"


def input_of(key: str) -> str:
    """The option that a recipe's setting comes from; of others, that the training stack does so."""
    for name in (key, key.rpartition(".")[2]):
        for option, keys in SETTINGS.items():
            if name in keys:
                return option
    return OF_THE_STACK
