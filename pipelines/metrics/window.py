"""The door for whoever reads the measures: ``/metrics``, for this machine and those named."""

import asyncio
import hmac
import ipaddress
import logging
import threading
from collections.abc import Callable, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from pipelines.errors import SettingsError
from pipelines.metrics.settings import MetricsSettings

logger = logging.getLogger(__name__)

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_RELAYED = ("forwarded", "x-forwarded-for", "x-real-ip")


def metrics_route(text: Callable[[], bytes], settings: MetricsSettings) -> Route:
    """``GET /metrics``; ``text`` is called in a worker thread."""
    networks = [ipaddress.ip_network(network) for network in settings.allow]

    async def metrics(request: Request) -> Response:
        if not (_is_allowed(request, networks) or _has_token(request, settings)):
            return PlainTextResponse(
                "not for you: name your address in [metrics] allow, or send its token\n", 403
            )
        return Response(await asyncio.to_thread(text), media_type=_TYPE)

    return Route("/metrics", metrics)


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _is_allowed(request: Request, networks: Sequence[_Network]) -> bool:
    """Whether it comes from a machine that is named, and not through a proxy on one."""
    if request.client is None or any(name in request.headers for name in _RELAYED):
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _has_token(request: Request, settings: MetricsSettings) -> bool:
    if settings.token is None:
        return False
    said = request.headers.get("authorization", "")
    return hmac.compare_digest(said.encode(), f"Bearer {settings.token.reveal()}".encode())


class Window:
    """A small web server of a process without screens: its measures, and that it is alive."""

    def __init__(self, settings: MetricsSettings, routes: Sequence[BaseRoute]) -> None:
        config = uvicorn.Config(
            Starlette(routes=list(routes)),
            host=settings.host,
            port=settings.port,
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
        self._where = f"{settings.host}:{settings.port}"
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="window", daemon=True)
        self._began = threading.Event()

    def start(self) -> None:
        """Answer from now on. Raises SettingsError when the address cannot be had."""
        self._thread.start()
        while not self._server.started and not self._began.wait(0.02):
            pass
        if not self._server.started:
            raise SettingsError(
                f"{self._where}: cannot be had for /metrics; choose another with "
                "GRID135_METRICS_PORT"
            )
        logger.info("measures are at http://%s/metrics", self._where)

    def stop(self) -> None:
        """Answer no more."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:  # what uvicorn does when the port is taken
            pass
        finally:
            self._began.set()


def health_route(health: Callable[[], dict[str, object]]) -> Route:
    """``GET /health`` of a process without screens."""

    async def answer(_: Request) -> Response:
        said = await asyncio.to_thread(health)
        return JSONResponse(said, headers={"Cache-Control": "no-store"})

    return Route("/health", answer)
