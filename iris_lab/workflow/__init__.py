"""Runs the notebooks into a report, records the run, verifies it."""
