"""A made-up street behind its guard, and a browser at the desk that must not complain."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from dashboard.access.site import guarded
from pipelines.clock import ManualClock
from pipelines.installation import Installation
from pipelines.roles.live import Live
from tests.dashboard.serving import Server
from tests.pipelines.installations import an_installation, taken_in

WITHOUT_WEBGL = """
    const original = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind.startsWith('webgl') ? null : original.call(this, kind, ...rest);
    };
"""


class Street:
    """One street and its server; ``clock`` is the product's."""

    def __init__(self, installation: Installation, clock: ManualClock) -> None:
        self.installation, self.clock = installation, clock
        live = Live(installation, clock=clock)
        live.start()
        app = guarded(live, installation.settings, where="", build="test", more=live.routes())
        self.server, self._live = Server(live, app=app), live
        self.url = self.server.url

    def take_in(self, *calls: Mapping[str, str]) -> None:
        """Have further calls come in, received now."""
        taken_in(self.installation, *calls, now=self.clock.now())

    def stop(self) -> None:
        """End the server and close the store."""
        self.server.stop()
        self._live.stop()


@contextmanager
def a_street(folder: Path, clock: ManualClock) -> Iterator[Street]:
    """A street of three grids without an incident, open to whoever asks."""
    street = Street(an_installation(folder), clock)
    try:
        yield street
    finally:
        street.stop()


@contextmanager
def a_page(chromium: Browser, *, script: str = "") -> Iterator[Page]:
    """A page of a desk's size; at the end it must not have complained."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    if script:
        page.add_init_script(script)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(error.stack or str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.set_default_timeout(45_000)
    yield page
    context.close()
    assert complaints == [], complaints  # a helper's assertion does not say by itself
