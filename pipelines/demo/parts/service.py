"""The hotline's web service: cases in pages, by time of update, and now and then trouble."""

import json
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipelines.demo.model.case import Message

_LARGEST_PAGE = 500
_SLOW_S = 1.5
# shares of all requests, at trouble = 1
_SLOW, _BUSY, _ERROR_INSIDE, _TOO_MANY = 0.02, 0.004, 0.0007, 0.0007


class HotlineService:
    """Serves the cases it was given; closed, its port is closed."""

    def __init__(self, url: str, *, token: str, seed: int, trouble: float) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._path = parts.path
        self._token = token
        self._random = Random(f"{seed}/service")
        self._trouble = trouble
        self._cases: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def waiting(self) -> int:
        """Nothing: what is there can be asked for."""
        return 0

    def open(self) -> None:
        """Open the port."""
        if self._server is not None:
            return
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_GET(self) -> None:
                service._answer(self)

            def log_message(self, *_: object) -> None:
                """The product's log says what it did with the answer."""

        self._server = _Server(self._address, Handler)
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="hotline", daemon=True
        ).start()

    def close(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Add cases, or what has become of them."""
        with self._lock:
            for message in messages:
                self._cases[message.body["caseNo"]] = dict(message.body)

    def finish(self) -> None:
        """Nothing waits."""

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        if self._server is None:  # a connection that was kept when the port was closed
            handler.close_connection = True
            return
        if not compare_digest(handler.headers.get("Authorization", ""), f"Bearer {self._token}"):
            _send(handler, 401, {"code": 401, "msg": "未授权"})
        elif parts.path != self._path:
            _send(handler, 404, {"code": 404, "msg": "无此接口"})
        elif not self._is_in_trouble(handler):
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            _send(handler, 200, {"code": 200, "data": self._page(asked)})

    def _is_in_trouble(self, handler: BaseHTTPRequestHandler) -> bool:
        """Answer with trouble, or slowly, in some cases; whether an answer was given."""
        with self._lock:
            share = self._random.random() / self._trouble if self._trouble else 1.0
        if share < _TOO_MANY:
            _send(handler, 429, {"code": 429, "msg": "请求过于频繁"}, {"Retry-After": "2"})
        elif share < _TOO_MANY + _ERROR_INSIDE:
            _send(handler, 200, {"code": 500, "data": None, "msg": "系统繁忙"})
        elif share < _TOO_MANY + _ERROR_INSIDE + _BUSY:
            _send(handler, 503, {"code": 503})
        else:
            if share < _SLOW:
                time.sleep(_SLOW_S)
            return False
        return True

    def _page(self, asked: dict[str, str]) -> dict[str, Any]:
        size = min(int(asked.get("size", 100)), _LARGEST_PAGE)
        first = (int(asked.get("page", 1)) - 1) * size
        with self._lock:
            news = [c for c in self._cases.values() if c["updateTime"] >= asked.get("since", "")]
        news.sort(key=lambda case: (case["updateTime"], case["caseNo"]))
        return {"total": len(news), "rows": news[first : first + size]}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    content: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> None:
    body = json.dumps(content, ensure_ascii=False).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json; charset=utf-8")
    handler.send_header("Content-Length", str(len(body)))
    for name, text in (headers or {}).items():
        handler.send_header(name, text)
    handler.end_headers()
    handler.wfile.write(body)
