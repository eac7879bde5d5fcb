"""A lab report that proves itself: run notebooks reproducibly, check a run, serve its model."""

__version__ = "0.1.0"
