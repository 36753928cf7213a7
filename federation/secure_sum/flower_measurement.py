"""The same sum through Flower's SecAgg+, measured. A script for a Python that has `flwr`; it imports nothing of ours.

    python flower_measurement.py NODES CELLS SAMPLE

Flower's own workflow and its own client mod run in one process, with a loop between them in place of its network, so
that nothing is counted of serialising and sending. Every client has every other for a neighbour and the threshold is
two thirds, as in our sums; numbers are masked modulo 2**32, the widest that Flower takes. Everybody answers.

From some hundred clients on, nearly all of Flower's time goes into sharing and joining secrets in pure Python: minutes
at 153, hours at 400. So that is done whole for SAMPLE secrets of each kind alone. The others are dealt with polynomials
of degree nought, whose shares are all alike and join to the same secret, and the mean of the sample is added for each.
SAMPLE 0 spares nothing. Prints one JSON object.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from time import process_time
from typing import Any

import numpy as np
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.common import Code, FitIns, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.compat.common import recorddict_compat as compat
from flwr.server.compat.legacy_context import LegacyContext
from flwr.supercore.task_identity import TaskIdentity

client: Any = import_module("flwr.client.mod.secure_aggregation.secaggplus_mod")
server: Any = import_module("flwr.server.workflow.secure_aggregation.secaggplus_workflow")

MODULUS = 2**32
QUANTISED = 2**22
CLIPPED = 8.0


class Meter:
    """CPU seconds of the clients, and what the sample says was spared at clients and at the server."""

    def __init__(self, sample: int) -> None:
        self.clients = 0.0
        self._sample = sample
        self._done: dict[str, list[float]] = {"share": [], "join": []}
        self._spared = {"share": 0, "join": 0}

    def whole(self, what: str) -> bool:
        """Return whether this one is of the sample."""
        if self._sample and len(self._done[what]) >= self._sample:
            self._spared[what] += 1
            return False
        return True

    def time(self, what: str, act: Callable[[], Any]) -> Any:
        """Do one of the sample."""
        begun = process_time()
        result = act()
        self._done[what].append(process_time() - begun)
        return result

    def spared(self, what: str) -> float:
        """Return what those outside the sample would have taken."""
        done = self._done[what]
        return self._spared[what] * sum(done) / len(done) if done else 0.0


def spare_sharing(meter: Meter) -> None:
    """Put the sampled sharing and joining of secrets in the place of Flower's own."""
    split, join = client.create_shares, server.combine_shares

    def create_shares(secret: bytes, threshold: int, number: int) -> list[bytes]:
        if meter.whole("share"):
            return list(meter.time("share", lambda: split(secret, threshold, number)))
        padded = secret + bytes([16 - len(secret) % 16]) * (16 - len(secret) % 16)
        return [place.to_bytes(4, "little") + padded for place in range(1, number + 1)]

    def combine_shares(shares: list[bytes]) -> bytes:
        alike = len({share[4:] for share in shares}) == 1
        if not alike or meter.whole("join"):
            return bytes(meter.time("join", lambda: join(shares)))
        return shares[0][4 : -shares[0][-1]]

    client.create_shares, server.combine_shares = create_shares, combine_shares


class Loop:
    """In place of Flower's grid: hands each message to its client at once, and counts what travels."""

    def __init__(self, vectors: dict[int, Any], meter: Meter) -> None:
        self._vectors = vectors
        self._meter = meter
        self._contexts = {
            node: Context(run_id=1, node_id=node, node_config={}, state=RecordDict(), run_config={}) for node in vectors
        }
        self.travelled = 0
        self.trips = 0
        self.seconds = 0.0

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        """Return every client's reply, in one trip."""
        del timeout
        begun = process_time()
        self.trips += 1
        replies = [self._deliver(message) for message in messages]
        self.seconds += process_time() - begun
        return replies

    def _deliver(self, message: Message) -> Message:
        """Hand a client a copy of its own, as a network would: the server goes on using what it sent."""
        node = message.metadata.dst_node_id
        records = {name: ConfigRecord(dict(record)) for name, record in message.content.config_records.items()}
        content = RecordDict({**message.content, **records})
        copy = Message(content, dst_node_id=node, message_type=message.metadata.message_type)
        begun = process_time()
        reply = client.secaggplus_mod(copy, self._contexts[node], self._fit)
        self._meter.clients += process_time() - begun
        self.travelled += count_bytes(message.content) + count_bytes(reply.content)
        return reply

    def _fit(self, message: Message, context: Context) -> Message:
        parameters = ndarrays_to_parameters([self._vectors[context.node_id]])
        result = FitRes(Status(Code.OK, ""), parameters, num_examples=1000, metrics={})
        return Message(compat.fitres_to_recorddict(result, False), reply_to=message)


def count_bytes(content: RecordDict) -> int:
    """Return the bytes of all values and names in a message, with nothing for how they would be wrapped."""
    pairs = [pair for record in content.config_records.values() for pair in record.items()]
    arrays = sum(int(record.count_bytes()) for record in content.array_records.values())
    return arrays + sum(len(name) + count_value(value) for name, value in pairs)


def count_value(value: object) -> int:
    """Return the bytes of one value, numbers taking eight."""
    if isinstance(value, list):
        return sum(count_value(each) for each in value)
    return len(value) if isinstance(value, str | bytes) else 8


class Everyone:
    """The least of a strategy and of a client manager: ask everyone, keep what comes out."""

    class Proxy:
        """One client, by its number."""

        def __init__(self, node: int) -> None:
            self.node_id = node

    def __init__(self, nodes: Iterable[int]) -> None:
        self.proxies = [self.Proxy(node) for node in nodes]
        self.mean: Any = None

    def num_available(self) -> int:
        """Return how many clients there are."""
        return len(self.proxies)

    def configure_fit(self, _round: int, parameters: Any, _manager: Any) -> list[tuple[Any, FitIns]]:
        """Ask everyone."""
        return [(proxy, FitIns(parameters, {})) for proxy in self.proxies]

    def aggregate_fit(self, _round: int, results: list[Any], _failures: list[Any]) -> tuple[None, dict[str, Any]]:
        """Keep the mean."""
        self.mean = parameters_to_ndarrays(results[0][1].parameters)[0]
        return None, {}


def measure(nodes: int, cells: int, sample: int) -> dict[str, str | int | float]:
    """Run one sum, hold it against the plain one, and return what it took."""
    TaskIdentity.task_id = TaskIdentity.run_id = TaskIdentity.node_id = 1
    meter = Meter(sample)
    spare_sharing(meter)
    draw = np.random.default_rng(1)
    vectors = {node: draw.uniform(-1, 1, cells) for node in range(1, nodes + 1)}
    everyone, loop = Everyone(vectors), Loop(vectors, meter)
    state = RecordDict({"config": ConfigRecord({"current_round": 1})})
    nothing = ndarrays_to_parameters([np.zeros(1)])
    state["parameters"] = compat.parameters_to_arrayrecord(nothing, True)
    context = LegacyContext(
        Context(run_id=1, node_id=0, node_config={}, state=state, run_config={}),
        strategy=everyone,
        client_manager=everyone,
    )
    threshold = max(2, -(-2 * nodes // 3))
    workflow = server.SecAggPlusWorkflow(
        1.0, threshold / nodes, clipping_range=CLIPPED, quantization_range=QUANTISED, modulus_range=MODULUS
    )
    begun = process_time()
    workflow(loop, context)
    total = process_time() - begun
    if everyone.mean is None or np.abs(everyone.mean - sum(vectors.values()) / nodes).max() > 1e-4:
        raise SystemExit("Flower's mean is not the plain mean")
    return {
        "tool": "flwr",
        "nodes": nodes,
        "cells": cells,
        "node_cpu_s": round((meter.clients + meter.spared("share")) / nodes, 6),
        "hub_cpu_s": round(total - loop.seconds + meter.spared("join"), 6),
        "node_bytes": loop.travelled // nodes,
        "trips": loop.trips,
        "sampled": sample,
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
