"""A web service on loopback that gives the answers it is told to give."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Request(NamedTuple):
    """What the service was asked; header names in lower case."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]


class Said(NamedTuple):
    """What the service answers; ``cut`` takes so many bytes off the end of the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}
    cut: int = 0


Answerer = Callable[[Request], Said]


def said(content: Any, status: int = 200, **headers: str) -> Said:
    """An answer in JSON."""
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Said(json.dumps(content, ensure_ascii=False).encode(), status, names)


def packed(content: Said) -> Said:
    """The same answer, sent gzipped."""
    return content._replace(body=gzip.compress(content.body), headers={"Content-Encoding": "gzip"})


def in_turn(*answers: Said) -> Answerer:
    """One answer after the other; the last one again and again."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what some tests are about."""


class WebService:
    """Remembers what it was asked; ``answers`` says by path what it answers."""

    def __init__(self) -> None:
        self.answers: dict[str, Answerer] = {}
        self.requests: list[Request] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                service._answer(self)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, path: str = "/calls") -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def says(self, *answers: Said, path: str = "/calls") -> None:
        """Answer these, in turn."""
        self.answers[path] = in_turn(*answers)

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        headers = {name.lower(): text for name, text in handler.headers.items()}
        request = Request(parts.path, dict(parse_qsl(parts.query, True)), headers)
        self.requests.append(request)
        answer = self.answers[parts.path](request)
        head = {"Content-Length": str(len(answer.body)), **answer.headers}
        lines = "".join(f"{name}: {text}\r\n" for name, text in head.items())
        body = answer.body[: len(answer.body) - answer.cut]
        handler.wfile.write(f"HTTP/1.1 {answer.status} -\r\n{lines}\r\n".encode() + body)
        handler.close_connection = answer.cut > 0


@contextmanager
def a_web_service() -> Iterator[WebService]:
    """A service for one test."""
    service = WebService()
    try:
        yield service
    finally:
        service.stop()


@cache
def the_web_service() -> WebService:
    """One service for tests that have no fixture to close it; it ends with the process."""
    return WebService()
