"""What to make of an answer: its working, the changes that help, and the command that starts it."""
