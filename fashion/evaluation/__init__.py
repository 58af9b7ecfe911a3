"""Evaluation: splits, metrics, baselines, statistics (notebook 06)."""
