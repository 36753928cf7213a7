"""The pages of a hub or of a node on a port of this machine, for a browser to open."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import make_server

from federation.database import Database
from node.app import create_app
from node.service import Node


@contextmanager
def serve_app(
    app: Flask, database: Database, host: str = "127.0.0.1", port: socket.socket | None = None
) -> Iterator[str]:
    """Serve pages in a thread, whose connection to the database is closed there too; yields the address.

    A port that listens already is for whoever has to know their address beforehand.
    """
    server = make_server("127.0.0.1", 0, app, fd=port.fileno() if port else None)

    def serve() -> None:
        server.serve_forever()
        database.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://{host}:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serve_node(node: Node, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a node's pages, and close its database in the end; yields the address."""
    with serve_app(create_app(node), node.database, host) as address:
        yield address
    node.database.close()
