"""One deployment of a served model judged: its memory, the speed of its steps, and both under a load."""
