"""A load over the day and the month: replicas by hour, what to rent on which terms, and when another way is cheaper."""
