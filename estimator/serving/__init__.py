"""A served model judged on one machine: its memory, the speed of its steps, and both under a load."""
