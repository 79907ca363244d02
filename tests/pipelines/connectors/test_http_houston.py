"""Houston's own answers, 440 of them, served one after another."""

import gzip
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from pipelines.door.receipt import Counts
from pipelines.errors import (
    SourceUnavailableError,
)
from pipelines.installation import open_installation
from pipelines.settings import load
from pipelines.store import schema
from tests.pipelines.connectors.web_service import (
    WebService,
    said,
)
from tests.pipelines.installations import a_file

ROOT = Path(__file__).parents[3]


POLLS = ROOT.parent / "shared/data/houston_live/houston_polls_2025-09-01_to_05.jsonl.gz"
KEY = ("Agency", "CALL_TIME", "LATITUDE", "LONGITUDE")
ENDINGS = select(func.count()).where(schema.fact.c.milestone == "resolved")


def the_polls() -> list[dict[str, Any]]:
    if not POLLS.exists():
        pytest.skip(f"{POLLS} is not here: its licence is not stated, so it is not in the repo")
    with gzip.open(POLLS) as lines:
        return [json.loads(line) for line in lines]


def counted(polls: Sequence[dict[str, Any]]) -> tuple[dict[Any, int], set[Any], int]:
    """Independently: how often each call ended, which are open at the end, how many came back."""
    ended: dict[Any, int] = {}
    here: set[Any] = set()
    returned = 0
    for poll in polls:
        features = poll["body"].get("features")
        if not features:
            continue
        now = {tuple(f["attributes"][name] for name in KEY) for f in features}
        for key in here - now:
            ended[key] += 1
        returned += sum(ended.get(key, 0) > 0 for key in now - here)
        ended |= dict.fromkeys(now - ended.keys(), 0)
        here = now
    return ended, here, returned


def test_every_poll_of_houston_comes_out_as_counted_by_hand(
    tmp_path: Path, web: WebService
) -> None:
    polls = the_polls()
    config = (ROOT / "config/houston.toml").read_text("utf-8")
    address = next(line for line in config.splitlines() if line.startswith("url = "))
    file = a_file(tmp_path / "h.toml", config.replace(address, f'url = "{web.url()}"'))
    installation = open_installation(
        load({"GRID135_DATA": str(tmp_path)}, str(file)), replayed=False
    )
    web.says(*(said(poll["body"]) for poll in polls))
    counts, failed = Counts(), list[tuple[str, str]]()

    for poll in polls:
        now = datetime.fromisoformat(poll["polled_at"])
        try:
            counts += installation.pull(installation.sources[0], now=now)
        except SourceUnavailableError as error:
            failed.append((poll["polled_at"], str(error)))

    ended, here, returned = counted(polls)
    assert [moment for moment, _ in failed] == ["2025-09-04T03:04:59Z"]
    assert "Could not access any server machines" in failed[0][1]
    assert (counts.quarantined, counts.flagged, counts.duplicate) == (0, 0, 0)
    assert (len(ended), sum(ended.values()), len(here), returned) == (8912, 8838, 112, 38)
    with installation.store.reading() as reader:
        rows = reader.incident_rows()
        found = {key_of(row.key): row.closed_ms is None for row in rows}
        said_ended = reader.rows(ENDINGS)[0][0]
    assert found == {key: key in here for key in ended}
    assert len(rows) == len(ended)
    assert said_ended == sum(ended.values())


def key_of(text: str) -> tuple[str, int, float, float]:
    agency, call_time, lat, lon = text.split("\x1f")
    return agency, int(call_time), float(lat), float(lon)
