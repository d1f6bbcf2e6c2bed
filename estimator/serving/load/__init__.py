"""A replica under its load: how many requests run together, how long they wait, what they yield."""
