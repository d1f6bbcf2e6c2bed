"""What is asked: the load or the run, the place, and what there is to choose from."""
