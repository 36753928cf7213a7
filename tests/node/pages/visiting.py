"""A browser at a node's pages as they are served: what it is sent, it keeps."""

import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from werkzeug.serving import make_server

from node.app import create_app
from node.service import Node
from node.sign_in import issue_code


@dataclass
class Visitor:
    """A browser at the running node: it keeps its cookie, and sends forms with the token of a page it was shown."""

    port: int
    cookie: str = ""
    token: str = ""
    texts: list[str] = field(default_factory=list)
    took_a_file: bool = False
    """Whether the last answer was a file to be taken away."""

    def get(self, path: str) -> int:
        return self._ask("GET", path, "")

    def send(self, path: str, fields: dict[str, str]) -> int:
        return self._ask("POST", path, urlencode({"form_token": self.token, **fields}))

    def _ask(self, method: str, path: str, body: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        self.took_a_file = "attachment" in response.headers.get("Content-Disposition", "")
        connection.close()
        if cookie := response.headers.get("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        if token := re.search(r'name="form_token" value="([0-9a-f]{64})"', text):
            self.token = token[1]
        self.texts.append(text)
        return response.status


@contextmanager
def serve_pages(node: Node) -> Iterator[int]:
    """A running node: the port at which its pages are."""
    server = make_server("127.0.0.1", 0, create_app(node), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def sign_in_entered(node: Node, port: int, role: str) -> Visitor:
    """Sign in the person of a role who was entered under its name."""
    visitor = Visitor(port)
    visitor.get("/sign-in")
    assert visitor.send("/sign-in", {"code": issue_code(node, role.replace("_", "-"))}) == 303
    assert visitor.get("/") == 200
    return visitor
