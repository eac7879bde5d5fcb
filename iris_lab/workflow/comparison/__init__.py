"""Comparison of a recorded run with its re-run: identical, equivalent or different, and where."""
