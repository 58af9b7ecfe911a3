"""Recommendations for an item, a photo or words (notebook 04)."""
