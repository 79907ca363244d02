"""Removing what names people after its term: the words go, every figure stays."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from pipelines.clock import ManualClock
from pipelines.figures.query import kpi, parse
from pipelines.installation import Installation, open_installation
from pipelines.leases.lease import LeaseLostError
from pipelines.model.incident import incident_id
from pipelines.privacy.privacy_settings import PrivacySettings
from pipelines.settings import load
from pipelines.store import schema
from pipelines.store.store import Writer
from pipelines.upkeep.rebuilding import rebuild, verify
from pipelines.upkeep.retention import Purge, Purger, purge
from tests.builders import at
from tests.databases import postgresql
from tests.pipelines.installations import (
    a_batch,
    a_call,
    a_config,
    a_record,
    content,
    taken_in,
    the_grids,
)

SECRET = "王小明13812345678"
TERM = timedelta(days=30)
TERMS = PrivacySettings(keep_raw=TERM, keep_words=TERM)
LATER = at(0) + TERM + timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def street(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    with ExitStack() as stack:
        environ = {"GRID135_DATA": str(tmp_path / "data")}
        if request.param == "postgresql":
            url = stack.enter_context(postgresql()).url
            environ["GRID135_STORE"] = url.replace("grid135_test@", "grid135_test:grid135_test@", 1)
        the_grids(tmp_path)
        settings = load(environ, str(a_config(tmp_path)))
        installation = open_installation(settings, replayed=False)
        _fill(installation)
        yield installation
        installation.store.close()


def _fill(installation: Installation) -> None:
    taken_in(
        installation,
        a_call("A-1", title=f"{SECRET} 冒烟", accepted=40, arrived=312, unit="E05"),
        a_call("A-2", title=f"{SECRET} 争吵", kind="noise", resolved=900),
        now=at(10),
    )
    bad = a_record(a_call("B-1", reported=f"昨天 {SECRET}"))
    installation.door.accept(installation.sources[0], a_batch(bad), now=at(10))


def holds_secret(street: Installation) -> bool:
    rows = content(street.store, "report", "incident", "quarantine")
    cells = [cell for table in rows.values() for row in table for cell in row]
    texts = [c.decode("utf-8", "replace") if isinstance(c, bytes) else str(c) for c in cells]
    return any("王小明" in text or "13812345678" in text for text in texts)


def figures(street: Installation) -> object:
    query = parse({"by": "kind"}, now=LATER, zone=street.desk.zone)
    with street.store.reading() as reader:
        return kpi(reader, query, street.desk)


def test_the_words_and_the_bytes_go_and_every_figure_stays(street: Installation) -> None:
    before, sums = figures(street), content(street.store, "rollup", "sheet")
    assert holds_secret(street)

    removed = purge(street.store, TERMS, now=LATER)

    assert removed == Purge(
        raw_reports=2, quarantined=1, worded_reports=2, worded_incidents=2, raw_signals=0
    )
    assert not holds_secret(street)
    assert figures(street) == before
    assert content(street.store, "rollup", "sheet") == sums


def test_a_rebuild_afterwards_gives_the_same_and_the_proof_still_holds(
    street: Installation,
) -> None:
    purge(street.store, TERMS, now=LATER)
    before = content(street.store, "incident", "rollup", "sheet")

    assert verify(street.store, street.desk).wrong == 0
    rebuild(street.store, street.desk)

    assert content(street.store, "incident", "rollup", "sheet") == before


def test_what_is_sent_again_is_still_known(street: Installation) -> None:
    purge(street.store, TERMS, now=LATER)
    before = content(street.store, "report", "incident")

    call = a_call("A-1", title=f"{SECRET} 冒烟", accepted=40, arrived=312, unit="E05")
    taken_in(street, call, now=LATER)

    assert content(street.store, "report", "incident") == before


def test_nothing_goes_before_its_term_or_without_one(street: Installation) -> None:
    before = content(street.store, "report", "incident", "quarantine")

    early = purge(street.store, TERMS, now=at(0) + TERM)
    never = purge(street.store, PrivacySettings(), now=LATER + TERM * 100)

    assert not early.anything
    assert not never.anything
    assert content(street.store, "report", "incident", "quarantine") == before


def test_an_incident_that_is_still_talked_about_stays_whole(street: Installation) -> None:
    again = a_call("A-1", record="2", title="后续", unit="E06", arrived=400)
    taken_in(street, again, now=at(10) + timedelta(days=10))

    purge(street.store, TERMS, now=LATER)
    with street.store.reading() as reader:
        kept = reader.incidents([incident_id("calls", key) for key in ("A-1", "A-2")])
    assert [row.title is not None for row in kept.values()] == [
        row.key == "A-1" for row in kept.values()
    ]

    purge(street.store, TERMS, now=LATER + timedelta(days=10))
    assert not holds_secret(street)


def test_a_dry_run_says_the_same_and_removes_nothing(street: Installation) -> None:
    before = content(street.store, "report", "incident", "quarantine", "meta")

    said = purge(street.store, TERMS, now=LATER, dry_run=True)

    assert content(street.store, "report", "incident", "quarantine", "meta") == before
    assert purge(street.store, TERMS, now=LATER) == said


def test_doubts_are_still_counted_when_what_was_doubtful_is_gone(street: Installation) -> None:
    doubtful = {**a_call("A-3"), "lat": SECRET}
    taken_in(street, doubtful, now=at(10))
    query = select(schema.incident.c.flagged).where(schema.incident.c.key == "A-3")
    with street.store.reading() as reader:
        before = reader.rows(query)
    assert before[0].flagged > 0

    purge(street.store, TERMS, now=LATER)
    rebuild(street.store, street.desk)

    assert not holds_secret(street)
    with street.store.reading() as reader:
        assert reader.rows(query) == before


def test_the_next_time_begins_where_the_last_one_came_to(street: Installation) -> None:
    purge(street.store, TERMS, now=LATER)

    assert not purge(street.store, TERMS, now=LATER + timedelta(days=1)).anything


def test_a_process_that_lost_its_lease_removes_nothing(street: Installation) -> None:
    def refuse(_: Writer) -> None:
        raise LeaseLostError("gone")

    with pytest.raises(LeaseLostError):
        purge(street.store, TERMS, now=LATER, guard=refuse)

    assert holds_secret(street)


def test_it_happens_by_itself_and_whoever_keeps_the_log_is_told(street: Installation) -> None:
    told: list[Purge] = []
    heard = threading.Event()

    def hear(removed: Purge, _: object) -> None:
        told.append(removed)
        heard.set()

    purger = Purger(street.store, TERMS, lambda _: None, ManualClock(LATER), hear)
    by_itself = purger.round(first_s=0.01)
    by_itself.start()
    assert heard.wait(20)
    by_itself.stop()

    assert told[0].raw_reports == 2
    assert not holds_secret(street)


def test_an_audit_log_cannot_be_kept_for_less_than_half_a_year() -> None:
    with pytest.raises(ValueError, match="at least 180d"):
        PrivacySettings(keep_audit=timedelta(days=30))
