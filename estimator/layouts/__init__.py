"""Which splits of a model over devices are legal, and what each rank then has to do."""
