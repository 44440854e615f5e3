"""What Prometheus reads at ``/metrics``. One registry per application, so that several live in one process."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "faceagent_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "faceagent_request_seconds", "Time to answer.", ("route",), buckets=SECONDS, registry=self.registry
        )
        self.waiting = Gauge("faceagent_pictures_waiting", "Pictures that wait for the models.", registry=self.registry)
        self.batches = Histogram(
            "faceagent_batch_pictures", "Pictures that shared a model batch.", buckets=SIZES, registry=self.registry
        )
        self.items = Counter(
            "faceagent_job_items", "Items of jobs that ended here.", ("state",), registry=self.registry
        )
        self.deliveries = Counter(
            "faceagent_webhook_deliveries", "Tries to deliver a webhook.", ("outcome",), registry=self.registry
        )

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
