"""One replica under its load: how many requests run together, how long they wait, and the throughput that follows."""
