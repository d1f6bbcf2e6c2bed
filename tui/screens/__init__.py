"""The pages and the modals."""
