"""A lab report that proves itself: run notebooks reproducibly, check a run, serve its model."""

__version__ = "0.1.0"
__date__ = "2026-11-26"  # of this release; `make release` renews both
