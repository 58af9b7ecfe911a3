"""Embeddings by a frozen network (notebook 02)."""
