"""Facts with sources: hardware, models, engines and prices, read from YAML and validated once."""
