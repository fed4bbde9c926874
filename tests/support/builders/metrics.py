"""What a test reads from metrics."""

from smppbridge.metrics import Metrics


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """The value of one series, 0 when it has none yet."""
    return metrics.registry.get_sample_value(f"smppbridge_{name}", labels) or 0.0
