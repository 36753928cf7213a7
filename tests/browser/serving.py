"""A node's pages on a port of this machine, for a browser to open."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

from node.app import create_app
from node.service import Node


@contextmanager
def serve_node(node: Node, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a node's pages in a thread, whose connection to the database is closed there too; yields the address."""
    server = make_server("127.0.0.1", 0, create_app(node))

    def serve() -> None:
        server.serve_forever()
        node.database.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://{host}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    node.database.close()
