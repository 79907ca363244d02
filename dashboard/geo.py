"""What the map fetches: the grid outlines, the backdrop's layers, and the style."""

import asyncio
import gzip
import hashlib
import json
from collections.abc import Callable
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.access.person import person_of
from dashboard.backend import Backend
from dashboard.figures.style import DEFAULT_RAMP, RAMPS, map_style
from dashboard.tokens import DEFAULT_THEME, UnknownThemeError, colours
from pipelines.geo.backdrop import LAYERS

_FOR_EVER = "private, max-age=31536000, immutable"
"""By the browser: a proxy might hand to one what only another may see."""
_ASK_AGAIN = "no-cache"
_GEOJSON = "application/geo+json"


def geo_routes(backend: Backend) -> list[Route]:
    """The map's own files. A URL with a version never changes its content, so it is kept."""
    return [
        Route("/geo/style.json", _style(backend)),
        Route("/geo/grids.geojson", _grids(backend)),
        Route("/geo/devices.json", _devices(backend)),
        Route("/geo/{layer}.geojson", _layer(backend)),
    ]


def _grids(backend: Backend) -> Callable[[Request], object]:
    async def grids(request: Request) -> Response:
        return await _kept(
            request, await asyncio.to_thread(_seen(backend, request).grids_geojson), _GEOJSON
        )

    return grids


def _devices(backend: Backend) -> Callable[[Request], object]:
    async def devices(request: Request) -> Response:
        return await _kept(request, _seen(backend, request).device_places(), "application/json")

    return devices


def _layer(backend: Backend) -> Callable[[Request], object]:
    async def layer(request: Request) -> Response:
        name = request.path_params["layer"]
        if name not in LAYERS:
            return PlainTextResponse(
                f"there is no layer {name!r}; there are: grids, {', '.join(LAYERS)}", 404
            )
        body = _seen(backend, request).backdrop().layers.get(name)
        if body is None:
            return PlainTextResponse(
                f"the layer {name!r} is not configured; set {name} under [backdrop]", 404
            )
        return await _kept(request, body, _GEOJSON)

    return layer


def _style(backend: Backend) -> Callable[[Request], object]:
    async def style(request: Request) -> Response:
        try:
            palette = colours(request.query_params.get("theme", DEFAULT_THEME))
        except UnknownThemeError as error:
            return PlainTextResponse(str(error), 404)
        scale = request.query_params.get("ramp", DEFAULT_RAMP)
        if scale not in RAMPS:
            return PlainTextResponse(f"ramp={scale!r}: must be one of: {', '.join(RAMPS)}", 404)
        seen = _seen(backend, request)
        tag, _ = await asyncio.to_thread(_packed, await asyncio.to_thread(seen.grids_geojson))
        style = map_style(seen.backdrop(), palette, grids=tag.strip('"'), scale=scale)
        content = json.dumps(style, ensure_ascii=False)
        return await _kept(request, content.encode(), "application/json")

    return style


def _seen(backend: Backend, request: Request) -> Backend:
    """What whoever asks may see of the map: of their scope, where they have one."""
    return backend.seen_by(person_of(request).clearance)


async def _kept(request: Request, body: bytes, media_type: str) -> Response:
    """The body, packed if wanted, or word that the browser's copy is still right."""
    tag, packed = await asyncio.to_thread(_packed, body)
    headers = {
        "ETag": tag,
        "Cache-Control": _FOR_EVER if request.query_params.get("v") else _ASK_AGAIN,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = packed
    return Response(body, media_type=media_type, headers=headers)


@lru_cache(maxsize=16)
def _packed(body: bytes) -> tuple[str, bytes]:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"', gzip.compress(body, mtime=0)
