"""Prometheus metrics, and one log line per request."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from time import gmtime, strftime, time

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from iris_lab.serving.http.problems import Reply

BUCKETS_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
Log = Callable[[str], object]


class Telemetry:
    """Counts requests, their durations and the predicted classes.

    Parameters
    ----------
    classes
        Class names of the model.
    log
        Receives one line per request; None for no log.
    """

    def __init__(self, classes: Sequence[str], log: Log | None = None) -> None:
        self.registry = CollectorRegistry()
        self._log = log
        self._second, self._stamp = 0, ""
        requests = Counter(
            "iris_lab_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        seconds = Histogram(
            "iris_lab_request_seconds",
            "Time from a request's arrival at the application to its answer.",
            ["route"],
            buckets=BUCKETS_SECONDS,
            registry=self.registry,
        )
        predictions = Counter("iris_lab_predictions", "Samples by predicted class.", ["name"], registry=self.registry)
        # Looking a metric up by its labels takes longer than incrementing it.
        self._requests, self._seconds = cache(requests.labels), cache(seconds.labels)
        self._by_class = [predictions.labels(name) for name in classes]

    def count_predictions(self, codes: NDArray[np.int64]) -> None:
        """Count predicted samples by class."""
        if len(codes) == 1:
            self._by_class[codes[0]].inc()
            return
        for code, times in enumerate(np.bincount(codes).tolist()):
            self._by_class[code].inc(times)

    def record(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. Method and route are from fixed sets, so that clients cannot create time series."""
        self._requests(method, route, status).inc()
        self._seconds(route).observe(seconds)

    def refused(self, status: int) -> None:
        """Record a request that a server could not parse, and so refused before it reached the application."""
        self.record("other", "other", status, 0.0)
        self.write("other", "-", Reply(status, (), b""), 0.0, "-")

    def exposition(self) -> bytes:
        """Return the metrics of all worker processes in Prometheus's text format."""
        registry = self.registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client has no types here
        return generate_latest(registry)

    def write(self, method: str, path: str, reply: Reply, seconds: float, request_id: str) -> None:
        """Write the log line of a request."""
        if self._log:
            if (now := int(time())) != self._second:
                self._second, self._stamp = now, strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(now))
            size = len(reply.body)
            self._log(f"{self._stamp} {method} {path} {reply.status} {size}B {seconds * 1e3:.2f}ms {request_id}\n")
