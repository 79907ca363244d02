"""The doctor looks at the screens of a server that answers to the names of a proxy alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.access.checkup import CHECKS
from dashboard.access.site import guarded
from pipelines.clock import ManualClock
from pipelines.installation import open_installation
from pipelines.roles.live import Live
from pipelines.settings import Settings
from pipelines.upkeep.doctor import Level, Patient
from tests.builders import NINE
from tests.dashboard.serving import Server
from tests.pipelines.installations import the_settings

BEHIND_A_PROXY = """
[access]
mode = "accounts"
hosts = ["grid135.street.example", "10.1.2.3"]
https = {https}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Those of a street whose screens are served."""
    settings = the_settings(tmp_path, more=BEHIND_A_PROXY.format(https="true"))
    live = Live(open_installation(settings, replayed=False), clock=ManualClock(NINE))
    live.start()
    app = guarded(live, settings, where=settings.address, build="test", more=[])
    server = Server(live, app=app)
    port = settings.server.model_copy(update={"port": server.port})
    yield settings.model_copy(update={"server": port})
    server.stop()
    live.stop()


def test_the_doctor_finds_the_screens_behind_their_proxy(settings: Settings) -> None:
    (found,) = dict(CHECKS)["screens"](Patient(settings=settings, now=NINE))

    assert found.level is Level.WELL
    assert "Grid135 answers" in found.sentence


@pytest.mark.parametrize(
    ("https", "address"),
    [("true", "https://grid135.street.example"), ("false", "http://grid135.street.example:8050")],
)
def test_people_are_invited_to_the_name_that_the_screens_have(
    tmp_path: Path, https: str, address: str
) -> None:
    assert the_settings(tmp_path, more=BEHIND_A_PROXY.format(https=https)).address == address
