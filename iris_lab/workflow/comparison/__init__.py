"""Compares what a run recorded with what running it again wrote: identical, equivalent or different, and where."""
