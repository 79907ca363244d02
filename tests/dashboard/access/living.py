"""The real product over a real store that holds what must not get out, behind its guard."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dashboard.access.keeper import Keeper
from pipelines.clock import FastClock, SteadyClock
from pipelines.installation import Installation, open_installation
from pipelines.model.incident import incident_id
from pipelines.roles.live import Live
from pipelines.settings import load
from tests.builders import MUCH_LATER
from tests.dashboard.access.site import Site, site
from tests.pipelines.installations import a_call, taken_in, the_settings

PHONE, IDENTITY, NAME, WORDS = "13812345678", "330104199001011234", "王小明", "遗产争执"
SECRETS = (PHONE, IDENTITY, NAME, "12345678", "19900101", "小明")
"""What no viewer ever sees, in whole or in part."""
SENSITIVE = (WORDS, "30.15", "120.15")
"""What no viewer sees of the sensitive incident: its words and its place."""
SAID = f"报警人：{NAME}，电话{PHONE}，身份证{IDENTITY}"
ORDINARY, HIDDEN = incident_id("calls", "A-1"), incident_id("calls", "A-2")


@contextmanager
def street(folder: Path, *rows: dict[str, str]) -> Iterator[Installation]:
    """An installation with an ordinary incident, a sensitive one (noise), and what a test adds."""
    the_settings(folder)
    config = folder / "street.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('name = "Noise"', 'name = "Noise"\nsensitive = true'), "utf-8")
    calls = [
        a_call("A-1", title=f"{SAID}，厨房冒烟", accepted=40, arrived=312),
        a_call("A-2", kind="noise", title=f"{SAID}，{WORDS}", place=(30.15, 120.15), arrived=200),
        *rows,
    ]
    installation = open_installation(
        load({"GRID135_DATA": str(folder / "data")}, str(config)), replayed=False
    )
    taken_in(installation, *calls)
    yield installation
    installation.store.close()


@contextmanager
def living(folder: Path, *rows: dict[str, str]) -> Iterator[Site]:
    """The whole site; the product takes nothing more in."""
    keeper = Keeper(f"sqlite:///{folder / 'access.sqlite3'}")
    with street(folder, *rows) as installation:
        base = SteadyClock()
        clock = FastClock(base=base, anchor=base.now(), start=MUCH_LATER, rate=1.0)
        backend: Any = Live(installation, clock=clock)
        with site(keeper, backend) as whole:
            yield whole
    keeper.close()
