"""Web services that are polled: what is new, what has ended, and what the door makes of it."""

import gzip
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from pipelines.connectors.http_poll.options import HttpPollOptions
from pipelines.connectors.http_poll.poll import BATCH_RECORDS, HttpPoll
from pipelines.connectors.record import Origin, Record
from pipelines.decoders.table import TableDecoder
from pipelines.decoders.table_options import TableOptions
from pipelines.door.inspection import decode_file
from pipelines.door.receipt import Counts
from pipelines.errors import (
    BadRecordError,
    SettingsError,
    SourceUnavailableError,
)
from pipelines.installation import Installation, open_installation
from pipelines.model.fact import Fact, Statement
from pipelines.model.milestone import Milestone
from pipelines.settings import load
from pipelines.upkeep.rebuilding import rebuild
from tests.builders import MUCH_LATER, NINE, at
from tests.pipelines.connectors.polling import Poll, ids, in_pages, rows
from tests.pipelines.connectors.web_service import (
    Said,
    WebService,
    said,
)
from tests.pipelines.installations import AREA, a_file

ROOT = Path(__file__).parents[3]


def test_a_record_that_was_in_the_last_answer_is_not_handed_over_again(web: WebService) -> None:
    web.says(said(rows(1, 2)), said(rows(2, 3)), said([]), said(rows(3, 1)))
    poll = Poll(web)

    assert [ids(poll()) for _ in range(4)] == [["1", "2"], ["3"], [], ["1"]]


def test_a_cursor_asks_from_the_last_update_on_with_an_overlap(web: WebService) -> None:
    updated = [{"id": 1, "u": "2026-03-02 09:00:00"}, {"id": 2, "u": "2026-03-02 08:30:00"}]
    web.says(said(updated))
    cursor = {
        "column": "u",
        "param": "since",
        "format": "%Y-%m-%d %H:%M:%S",
        "time_zone": "Asia/Shanghai",
        "overlap": "10m",
        "start": "2026-03-01T00:00:00",
    }
    poll = Poll(web, cursor=cursor)

    assert ids(poll(60)) == ["1", "2"]
    assert poll(120) == []
    assert [request.params["since"] for request in web.requests] == [
        "2026-03-01 00:00:00",
        "2026-03-02 08:50:00",
    ]


@pytest.mark.parametrize(
    ("style", "first", "asked"),
    [
        ("epoch_ms", int(NINE.timestamp() * 1000), str(int(NINE.timestamp() - 300) * 1000)),
        ("epoch_s", int(NINE.timestamp()), str(int(NINE.timestamp() - 300))),
        ("iso", NINE.isoformat(), (NINE - timedelta(minutes=5)).isoformat()),
    ],
)
def test_a_cursor_is_written_as_the_service_writes_it(
    web: WebService, style: str, first: Any, asked: str
) -> None:
    web.says(said([{"id": 1, "u": first}, {"id": 2}, {"id": 3, "u": "soon"}]))
    poll = Poll(web, cursor={"column": "u", "param": "since", "format": style})

    assert ids(poll(60)) == ["1", "2", "3"]
    poll(120)

    assert [request.params.get("since") for request in web.requests] == [None, asked]


def test_an_update_far_ahead_does_not_make_us_deaf_until_then(web: WebService) -> None:
    web.says(said([{"id": 1, "u": "2099-01-01T00:00:00Z"}, {"id": 2, "u": at(30).isoformat()}]))
    poll = Poll(web, cursor={"column": "u", "param": "since", "overlap": "30s"})

    poll(60)
    poll(120)

    assert web.requests[1].params["since"] == NINE.isoformat()


def test_a_service_whose_clock_is_ahead_is_asked_from_now_on(web: WebService) -> None:
    web.says(said([{"id": 1, "u": at(600).isoformat()}]))
    poll = Poll(web, cursor={"column": "u", "param": "since", "overlap": "60s"})

    poll(60)
    poll(120)

    assert web.requests[1].params["since"] == NINE.isoformat()


def test_a_new_question_is_asked_without_the_marks_of_the_last_answer(web: WebService) -> None:
    web.says(said([{"id": 1, "u": at(0).isoformat()}], ETag='"v1"'))
    poll = Poll(web, cursor={"column": "u", "param": "since"})

    poll(60)
    poll(120)

    assert "if-none-match" not in web.requests[1].headers


def test_what_has_not_changed_is_not_sent_again(web: WebService) -> None:
    web.says(
        said(rows(1), ETag='"v1"', Last_Modified="Mon, 02 Mar 2026 01:00:00 GMT"), Said(status=304)
    )
    poll = Poll(web)

    assert ids(poll()) == ["1"]
    assert poll(60) == []
    assert "if-none-match" not in web.requests[0].headers
    assert web.requests[1].headers["if-none-match"] == '"v1"'
    assert web.requests[1].headers["if-modified-since"] == "Mon, 02 Mar 2026 01:00:00 GMT"


def active(web: WebService, **options: Any) -> Poll:
    return Poll(web, active_feed=True, key=["id"], **options)


def shown(records: Sequence[Record]) -> list[str]:
    """Each record by its id, with a minus when it has ended."""
    ended = ["-" if record.ended else "" for record in records]
    return [mark + name for mark, name in zip(ended, ids(records), strict=True)]


def test_a_record_that_vanishes_has_ended_and_may_come_back(web: WebService) -> None:
    web.says(said(rows(1, 2)), said(rows(2)), said(rows(2)), said(rows(1, 2)), said(rows(2)))
    poll = active(web)

    polls = [shown(poll(60 * n)) for n in range(5)]

    assert polls == [["1", "2"], ["-1"], [], ["1"], ["-1"]]


@pytest.mark.parametrize(
    "answer",
    [
        said({"rows": []}),
        said({"error": 1, "rows": rows(9)}),
        said({"rows": []}, 500),
        Said(b"{"),
        said({"more": True, "rows": rows(2)}),
        said({"rows": [{"id": 2}, {"name": "of another kind"}]}),
        said({"rows": [{"id": 2}, "no record"]}),
    ],
    ids=["empty", "error", "500", "damaged", "incomplete", "without key", "no record"],
)
def test_nothing_has_ended_because_an_answer_is_poor(web: WebService, answer: Said) -> None:
    web.says(said({"rows": rows(1, 2)}), answer, said({"rows": rows(2)}))
    poll = active(
        web,
        records="rows",
        error_when={"path": "error"},
        incomplete_when={"path": "more"},
        attempts=1,
    )
    poll()

    with suppress(SourceUnavailableError):
        assert not any(record.ended for record in poll(60))

    assert shown(poll(120)) == ["-1"]


def test_a_record_that_changes_has_not_ended(web: WebService) -> None:
    one, other = {"id": 1, "units": "E1"}, {"id": 1, "units": "E1 E2"}
    web.says(said([one]), said([other]), said([one]), said([one]))
    poll = active(web)

    assert [shown(poll(60 * n)) for n in range(4)] == [["1"], ["1"], ["1"], []]


def test_a_list_in_pages_is_judged_as_a_whole(web: WebService) -> None:
    poll = active(web, records="rows", paging={"by": "page", "param": "page"})
    web.answers["/calls"] = in_pages(rows(1, 2, 3), 2)
    poll()

    web.answers["/calls"] = in_pages(rows(0, 1, 3), 2)

    assert shown(poll(60)) == ["0", "-2"]


def test_a_list_that_is_too_long_to_watch_is_an_error(web: WebService) -> None:
    web.says(said(rows(1, 2, 3)))

    assert "lists more than max_active = 2" in active(web, max_active=2).fails()


def test_a_list_that_is_too_large_to_keep_is_an_error(web: WebService) -> None:
    web.answers["/calls"] = in_pages([{"id": n, "text": "x" * 500} for n in range(3)], 1)
    paging = {"by": "page", "param": "page"}

    assert (
        "lists more than max_bytes = 1200"
        in active(web, records="rows", paging=paging, max_bytes=1200).fails()
    )


def test_what_has_ended_is_forgotten_so_the_position_stays_small(web: WebService) -> None:
    web.answers["/calls"] = lambda _: said(rows(len(web.requests)))
    poll = active(web)

    sizes = [(poll(60 * n), len(poll.positions["answer"]))[1] for n in range(100)]

    assert max(sizes) < min(sizes) + 20


def decoded(
    fields: dict[str, str],
    *,
    occasion: datetime | None = None,
    ended: bool = False,
    **options: Any,
) -> Statement:
    given = {"incident": ["agency", "at"], "milestones": {}, "kind": "fire", **options}
    decoder = TableDecoder(TableOptions.model_validate(given), zone=ZoneInfo("UTC"))
    record = Record(b"{}", b"", fields, Origin("host/path", 1), 1, occasion=occasion, ended=ended)
    return decoder.decode(record, source="s", received_at=NINE)


def test_an_incident_can_be_told_by_several_columns() -> None:
    one, other = decoded({"agency": "F", "at": "12"}), decoded({"agency": "F1", "at": "2"})

    assert one.incident_key == one.record_id == "F\x1f12"
    assert one.incident_key != other.incident_key
    with pytest.raises(BadRecordError, match="column 'at', value '': is empty"):
        decoded({"agency": "F", "at": ""})


def test_an_incident_is_told_by_one_column_at_least() -> None:
    with pytest.raises(ValidationError, match="at least 1"):
        decoded({}, incident=[])


def test_a_column_that_is_left_out_counts_as_empty_where_that_is_said() -> None:
    fields = {"agency": "F", "at": "12"}

    assert decoded(fields, title="what", sparse=True).title is None
    with pytest.raises(BadRecordError, match="no such column"):
        decoded(fields, title="what")
    with pytest.raises(BadRecordError, match="is empty"):
        decoded({"agency": "F"}, sparse=True)


def test_what_has_ended_is_resolved_at_no_stated_time() -> None:
    fields = {"agency": "F", "at": "12"}

    listed, ended = (decoded(fields, occasion=NINE, ended=over) for over in (False, True))

    assert (listed.facts, ended.facts) == ((), (Fact(Milestone.RESOLVED, None),))
    assert listed.content != ended.content
    assert listed.content != decoded(fields, occasion=at(60)).content
    assert listed.content == decoded(fields, occasion=NINE).content


CONFIG = """
[sources.calls]
name = "Calls"
[sources.calls.decoder]
type = "table"
incident = "id"
kind = "fire"
title = "units"
milestones = {{ reported = "at" }}
[sources.calls.connector]
type = "http_poll"
url = "{url}"
{more}
"""


ACTIVE = 'active_feed = true\nkey = ["id"]\n'


def installed(folder: Path, web: WebService, more: str = ACTIVE) -> Installation:
    text = AREA.format(zone="Asia/Shanghai") + CONFIG.format(url=web.url(), more=more)
    file = a_file(folder / "street.toml", text)
    environ = {"GRID135_DATA": str(folder / "data"), "TOKEN": "s3cret"}
    return open_installation(load(environ, str(file)), replayed=False)


def pulled(installation: Installation, seconds: float) -> Counts:
    return installation.pull(installation.sources[0], now=at(seconds))


def incidents(installation: Installation) -> dict[str, tuple[bool, str | None]]:
    """Each incident by its key: is it open, and its title."""
    with installation.store.reading() as reader:
        return {row.key: (row.closed_ms is None, row.title) for row in reader.incident_rows()}


def a_row(name: str, units: str = "E1") -> dict[str, str]:
    return {"id": name, "at": at(0).isoformat(), "units": units}


def test_an_incident_ends_when_it_vanishes_and_is_the_same_when_it_is_back(
    tmp_path: Path, web: WebService
) -> None:
    a, b = a_row("A"), a_row("B")
    web.says(said([a, b]), said([b]), said([a, b]), said([]), said([b]))
    installation = installed(tmp_path, web)

    seen = []
    for n in range(5):
        pulled(installation, 60 * n)
        seen.append({key: is_open for key, (is_open, _) in incidents(installation).items()})

    open_, closed = {"A": True, "B": True}, {"A": False, "B": True}
    assert seen == [open_, closed, open_, open_, closed]
    with installation.store.reading() as reader:
        assert all(row.resolved_ms is None for row in reader.incident_rows())


def test_a_record_that_says_again_what_it_said_before_is_believed(
    tmp_path: Path, web: WebService
) -> None:
    web.says(said([a_row("A")]), said([a_row("A", "E1 E2")]), said([a_row("A")]))
    installation = installed(tmp_path, web)

    for n in range(3):
        pulled(installation, 60 * n)

    assert incidents(installation) == {"A": (True, "E1")}


def test_the_store_can_be_made_anew_from_what_was_kept(tmp_path: Path, web: WebService) -> None:
    web.says(said([a_row("A"), a_row("B")]), said([a_row("B")]))
    installation = installed(tmp_path, web)
    pulled(installation, 0)
    pulled(installation, 60)
    before = incidents(installation)

    rebuild(installation.store, installation.desk)

    assert incidents(installation) == before == {"A": (False, "E1"), "B": (True, "E1")}


def test_what_a_cursor_asks_for_again_the_door_drops(tmp_path: Path, web: WebService) -> None:
    web.says(said([a_row("A")]))
    installation = installed(tmp_path, web, 'cursor = { column = "at", param = "since" }')
    pulled(installation, 60)

    again = list(installation.sources[0].poller.poll({}, now=at(120)))
    counts = installation.door.accept(installation.sources[0], again[0], now=at(120))

    assert (counts.stored, counts.duplicate) == (0, 1)


def test_the_block_of_the_handbook_works_as_it_stands(tmp_path: Path, web: WebService) -> None:
    page = (ROOT / "docs/sources.md").read_text("utf-8").partition("\n## http_poll\n")[2]
    block = page.partition("```toml\n")[2].partition("```")[0]
    kind = '[kinds.complaint]\nname = "Complaint"\nclass = "complaint"\n'
    text = AREA.format(zone="Asia/Shanghai") + kind + block
    file = a_file(
        tmp_path / "s.toml", text.replace("https://line.example.org/api/cases", web.url())
    )
    environ = {"GRID135_DATA": str(tmp_path), "CITYLINE_TOKEN": "s3cret"}
    installation = open_installation(load(environ, str(file)), replayed=False)
    case = {"caseNo": "A", "createTime": "2026-03-02 09:00:00", "updateTime": "2026-03-02 09:05:00"}
    web.says(said({"code": 0, "data": {"total": 1, "rows": [case]}}))

    assert pulled(installation, 600).stored == 1
    assert pulled(installation, 630).read == 0
    assert web.requests[0].headers["authorization"] == "Bearer s3cret"
    assert web.requests[1].params == {
        "district": "330102",
        "size": "200",
        "page": "1",
        "since": "2026-03-02 09:00:00",
    }
    assert incidents(installation) == {"A": (True, None)}


def test_the_secret_of_a_source_is_taken_from_the_environment_once(
    tmp_path: Path, web: WebService
) -> None:
    web.says(said([]))
    installation = installed(tmp_path, web, 'auth = { type = "bearer", secret = "TOKEN" }')

    pulled(installation, 0)

    assert web.requests[0].headers["authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(installation.settings)
    assert "s3cret" not in repr(installation.sources)


def test_a_slip_in_the_block_is_named_with_its_key(tmp_path: Path, web: WebService) -> None:
    with pytest.raises(SettingsError, match=r"paging = \{'by': 'next'\}: \"next\" needs a path"):
        installed(tmp_path, web, 'paging = { by = "next" }')


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_saved_answer_is_decoded_without_asking(
    tmp_path: Path, web: WebService, is_packed: bool
) -> None:
    settings = installed(tmp_path, web, 'auth = { type = "bearer", secret = "ABSENT" }').settings
    body = json.dumps([a_row("A"), "no record"]).encode()
    file = tmp_path / "saved.json"
    file.write_bytes(gzip.compress(body) if is_packed else body)

    with file.open("rb") as stream:
        one, other = decode_file(settings, "calls", file, stream, now=MUCH_LATER)

    assert (one["incident"], one["file"], one["line"]) == ("A", "saved.json", 1)
    assert other["quarantined"]["rule"] == "is not a JSON object"
    assert web.requests == []


def test_a_saved_answer_that_is_not_there_or_damaged_is_said_so(tmp_path: Path) -> None:
    connector = HttpPoll(HttpPollOptions(url="http://host/"), base=tmp_path)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"[]" * 99)[:-9])

    for name in ("absent.json", "cut.gz"):
        with pytest.raises(SourceUnavailableError, match=f"{name}: cannot be read"):
            list(connector.over(tmp_path / name).poll({}, now=NINE))


def test_a_long_list_is_handed_over_in_batches(web: WebService) -> None:
    web.says(said(rows(*range(BATCH_RECORDS + 1))))

    batches = list(Poll(web).connector.poll({}, now=NINE))

    assert [len(batch.records) for batch in batches] == [BATCH_RECORDS, 1]
