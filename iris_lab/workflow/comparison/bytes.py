"""Comparison of files of an unknown kind."""

from iris_lab.workflow.comparison.findings import Difference


def compare_bytes(old: bytes, new: bytes) -> Difference | None:
    """Return the first byte that differs."""
    if old == new:
        return None
    place = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    was, now = (data[place : place + 8].hex(" ") or "the end" for data in (old, new))
    return Difference(f"byte {place}", was, now)
