"""Metrics of a party for Prometheus, served to this machine alone, and worked out from its database when asked for.

There is nothing of any child, nor of what was asked or answered: how many, how long ago and how far, by kinds that the
code itself names. So several workers need share nothing, and a party that is started anew goes on where it was.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import click
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from federation.service_log import announce
from federation.tls import TlsInvalid, is_loopback


@dataclass(frozen=True)
class Figure:
    """One metric: its name, what it means, and its value for each set of labels."""

    name: str
    meaning: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = field(default=())


def single(name: str, meaning: str, value: float) -> Figure:
    """A metric with one value."""
    return Figure(name, meaning, {(): value})


def write_metrics(figures: Iterable[Figure]) -> bytes:
    """Return figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(lambda: figures))
    return generate_latest(registry)


def serve_metrics(bind: str, read: Callable[[], Iterable[Figure]]) -> Callable[[], None]:
    """Serve what `read` returns at HOST:PORT of this machine's loopback; return what stops it.

    Raises `TlsInvalid` for any other address, since nothing protects it.
    """
    host, _, port = bind.rpartition(":")
    if not is_loopback(host.strip("[]")) or not port.isdecimal():
        raise TlsInvalid(f"{bind}: metrics are served to this machine alone, at 127.0.0.1:PORT")
    registry = CollectorRegistry()
    registry.register(_Collector(read))
    server, thread = start_http_server(int(port), host.strip("[]"), registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def show_metrics(read: Callable[[], Iterable[Figure]], bind: str) -> None:
    """Print the figures, or serve them at an address until the command is stopped."""
    if not bind:
        click.echo(write_metrics(read()), nl=False)
        return
    stop = serve_metrics(bind, read)
    announce(f"metrics at http://{bind}/metrics", bind=bind)
    try:
        threading.Event().wait()
    finally:
        stop()


class _Collector(Collector):
    """Reads the figures whenever they are asked for."""

    def __init__(self, read: Callable[[], Iterable[Figure]]) -> None:
        self._read = read

    def describe(self) -> list[Metric]:
        """Nothing is read to register this."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield a gauge for each figure."""
        for figure in self._read():
            gauge = GaugeMetricFamily(figure.name, figure.meaning, labels=figure.labels)
            for labels, value in figure.values.items():
                gauge.add_metric(labels, value)
            yield gauge
