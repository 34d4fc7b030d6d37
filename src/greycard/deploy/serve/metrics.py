"""The server's metrics for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest


class Metrics:
    """The counters of one server, in a separate registry."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "greycard_requests", "Requests by path and status.", ["path", "status"], registry=self._registry
        )
        self.images = Counter("greycard_images", "Predicted images, by model.", ["model"], registry=self._registry)
        self.refused = Counter(
            "greycard_refused", "Images that were none of the classes, by model.", ["model"], registry=self._registry
        )
        self.seconds = Histogram("greycard_request_seconds", "Seconds per request.", registry=self._registry)
        self.batches = Histogram(
            "greycard_batch_images",
            "Images per batch of the model.",
            buckets=(1, 2, 4, 8, 16),
            registry=self._registry,
        )
        self.in_work = Gauge("greycard_requests_in_work", "Requests in progress.", registry=self._registry)
        ProcessCollector(registry=self._registry)  # memory, processor time, open files

    def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self._registry)
