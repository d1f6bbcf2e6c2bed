"""Every command, declared once: its keys, its help, what it does; bindings and palette are made from it."""
