"""What holds for all tests."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Compute in one thread, as runs do: on tables this small more only wait for each other, and for other programs."""
    with threadpool_limits(1):
        yield
