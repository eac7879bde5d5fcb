"""What is recorded of each request: Prometheus metrics, and one log line."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Histogram

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
Log = Callable[[str], object]


class Telemetry:
    """Counts requests, their durations and the predicted classes.

    Parameters
    ----------
    classes
        Class names of the model.
    log
        Takes one line a request; None for no log.
    """

    def __init__(self, classes: Sequence[str], log: Log | None = None) -> None:
        self.registry = CollectorRegistry()
        self.log = log
        self._requests = Counter(
            "iris_lab_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "iris_lab_request_seconds",
            "Time from the first byte of a request at the application to its answer.",
            ["route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        predictions = Counter("iris_lab_predictions", "Samples by predicted class.", ["name"], registry=self.registry)
        self._by_class = [predictions.labels(name) for name in classes]

    def count_predictions(self, codes: NDArray[np.int64]) -> None:
        """Add predicted samples."""
        for code, times in enumerate(np.bincount(codes).tolist()):
            if times:
                self._by_class[code].inc(times)

    def record(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. Method and route come from fixed sets, so that no client can add time series."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def write(self, method: str, path: str, status: int, seconds: float, *, size: int, request_id: str) -> None:
        """Write the log line of a request."""
        if self.log:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            shown = path if path.isascii() and path.isprintable() and " " not in path else ascii(path)
            self.log(f"{now} {method} {shown[:200]} {status} {size}B {seconds * 1000:.2f}ms {request_id}\n")
