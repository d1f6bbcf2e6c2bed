"""Answers as rows of styled text, a module a page: what is shown, and in which words."""
