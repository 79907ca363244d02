"""The time signal: what the server's own clock shows, for a screen to compare its own with."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.text.format import epoch_ms
from pipelines.clock import SystemClock


async def time_signal(_: Request) -> Response:
    """The real time in epoch milliseconds, also where a replay's clock shows another."""
    return JSONResponse(
        {"real_ms": epoch_ms(SystemClock().now())}, headers={"Cache-Control": "no-store"}
    )
