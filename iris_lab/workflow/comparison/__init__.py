"""Compares what a run recorded with what running it again wrote: identical, equivalent or different, and where."""

from iris_lab.workflow.comparison.findings import DIFFERENT, EQUIVALENT, IDENTICAL, Difference, Finding

__all__ = ["DIFFERENT", "EQUIVALENT", "IDENTICAL", "Difference", "Finding"]
