"""The map: t-SNE, and the interactive page (notebook 05)."""
