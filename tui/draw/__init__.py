"""Pure drawing: data in, rows of (text, style name) out; a widget maps the names to the theme."""
