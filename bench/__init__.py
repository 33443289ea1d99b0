"""Measurements: each prints a figure, and a ratio against something else measured in the same run."""
