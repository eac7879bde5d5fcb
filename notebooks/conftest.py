"""Make nbval compare pictures too: it skips PNG by default, and a changed figure would pass."""

import pytest


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Take PNG off the list of what nbval's notebooks don't compare."""
    skipped = getattr(collector, "skip_compare", None)  # only nbval's collectors have one
    if skipped is not None:
        collector.skip_compare = tuple(kind for kind in skipped if kind != "image/png")  # type: ignore[attr-defined]
