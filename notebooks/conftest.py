"""Make nbval compare pictures too, and take the display of the endpoint for what it says."""

import pytest

# What a notebook that was run in Jupyter holds beside the sentence: port, token and script of its endpoint.
LIVE_DISPLAY = r'<div class="iris-lab-endpoint" [^>]*></div><script>.*?</script>'


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Take PNG off the list of what nbval's notebooks don't compare, where a changed figure would pass."""
    skipped = getattr(collector, "skip_compare", None)  # only nbval's collectors have one
    if skipped is not None:
        collector.skip_compare = tuple(kind for kind in skipped if kind != "image/png")  # type: ignore[attr-defined]
        collector.sanitize_patterns[f"(?s){LIVE_DISPLAY}"] = ""  # type: ignore[attr-defined]
