"""What every connector promises; a new one joins with one entry in ``FED``.

One that cannot be fed like this has a test file of its own name, which keeps the same promises.
``FED`` says, for each name in ``CONNECTORS``, how to give the connector records to deliver: a
function that puts them where the connector finds them and returns the connector. Behind a space
is what else it can be given, such as another format.
"""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pipelines.connectors import CONNECTORS
from pipelines.connectors.file_drop import drop as file_drop
from pipelines.connectors.file_drop.drop import FileDrop
from pipelines.connectors.file_drop.options import FileDropOptions
from pipelines.connectors.http_poll import poll as http_poll
from pipelines.connectors.http_poll.options import HttpPollOptions
from pipelines.connectors.http_poll.poll import HttpPoll
from pipelines.connectors.record import Poller, Record
from pipelines.door.receipt import Counts
from tests.builders import MUCH_LATER, at
from tests.databases import sqlite
from tests.pipelines.connectors.web_service import said, the_web_service
from tests.pipelines.connectors.workbooks import a_workbook
from tests.pipelines.installations import (
    COLUMNS,
    a_call,
    an_installation,
    as_csv,
    content,
    drop,
)

BATCH_RECORDS = 1000
MANY = BATCH_RECORDS * 2 + 10
BAD = dict.fromkeys(COLUMNS, "nonsense, that has too many columns")

Feed = Callable[[Path, Sequence[dict[str, str]]], Poller]


@pytest.fixture(autouse=True)
def smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is promised of a batch does not depend on its size."""
    for module in (file_drop, http_poll):
        monkeypatch.setattr(module, "BATCH_RECORDS", BATCH_RECORDS)


def dropped(folder: Path, rows: Sequence[dict[str, str]]) -> Poller:
    lines = (as_csv([row], header=False) if row is not BAD else b"nonsense\r\n" for row in rows)
    drop(folder / "calls.csv", as_csv([]) + b"".join(lines))
    return FileDrop(FileDropOptions(path="calls.csv"), base=folder)


def dropped_tsv(folder: Path, rows: Sequence[dict[str, str]]) -> Poller:
    lines = ("\t".join(row.values()) if row is not BAD else "nonsense" for row in rows)
    drop(folder / "calls.tsv", "\n".join(["\t".join(COLUMNS), *lines, ""]).encode())
    return FileDrop(FileDropOptions(path="calls.tsv"), base=folder)


def dropped_lines(folder: Path, rows: Sequence[dict[str, str]]) -> Poller:
    lines = (json.dumps(row) if row is not BAD else "nonsense" for row in rows)
    drop(
        folder / "calls.jsonl.gz", gzip.compress("".join(f"{n}\n" for n in lines).encode(), mtime=0)
    )
    return FileDrop(FileDropOptions(path="*.jsonl.gz"), base=folder)


def dropped_workbook(folder: Path, rows: Sequence[dict[str, str]]) -> Poller:
    too_long = ["x" * 30_000] * 40
    cells = [list(row.values()) if row is not BAD else too_long for row in rows]
    drop(folder / "calls.xlsx", a_workbook([["Calls"], COLUMNS, *cells], merged=["A1:O1"]))
    return FileDrop(FileDropOptions(path="calls.xlsx"), base=folder)


def viewed(folder: Path, rows: Sequence[dict[str, str]]) -> Poller:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "view.db"
    file.unlink(missing_ok=True)
    columns = ", ".join(COLUMNS)
    marks = ", ".join("?" * len(COLUMNS))
    with sqlite(file) as database:
        database.run(f"CREATE TABLE feed ({columns}, changed INTEGER)")
        database.run(
            f"INSERT INTO feed VALUES ({marks}, ?)",  # noqa: S608 - only column names
            ((*(_cell(row, name) for name in COLUMNS), n) for n, row in enumerate(rows)),
        )
        return database.view("SELECT * FROM feed", key="id", cursor_format="epoch_s")


def _cell(row: dict[str, str], name: str) -> str | bytes:
    return b"\xff\xff" if row is BAD and name == "title" else row[name]


def served(folder: Path, rows: Sequence[dict[str, str]]) -> Poller:
    web, path = the_web_service(), folder.as_posix()
    web.says(said([row if row is not BAD else "no record" for row in rows]), path=path)
    return HttpPoll(HttpPollOptions(url=web.url(path)), base=folder)


FED: dict[str, Feed] = {
    "file_drop": dropped,
    "file_drop tsv": dropped_tsv,
    "file_drop jsonl.gz": dropped_lines,
    "file_drop xlsx": dropped_workbook,
    "http_poll": served,
    "sql_view": viewed,
}

every_connector = pytest.mark.parametrize("fed", [pytest.param(FED[n], id=n) for n in FED])


def calls(n: int) -> list[dict[str, str]]:
    return [a_call(f"A-{i}", reported=i) for i in range(n)]


def keys(records: Sequence[Record]) -> list[str]:
    return [record.fields["id"] for record in records if record.fields is not None]


def test_every_connector_is_held_to_the_contract() -> None:
    own = {file.stem.removeprefix("test_") for file in Path(__file__).parent.glob("test_*.py")}

    fed = {name.split()[0] for name in FED}
    assert fed <= CONNECTORS.keys() <= fed | own


@every_connector
@pytest.mark.parametrize("stored", [0, 1, 2])
def test_resumes_without_loss_or_repeat(tmp_path: Path, fed: Feed, stored: int) -> None:
    batches = list(fed(tmp_path, calls(MANY)).poll({}, now=MUCH_LATER))
    positions = {batch.part: batch.position for batch in batches[:stored]}

    again = list(fed(tmp_path, calls(MANY)).poll(positions, now=MUCH_LATER))

    before = [key for batch in batches[:stored] for key in keys(batch.records)]
    after = [key for batch in again for key in keys(batch.records)]
    assert before + after == [f"A-{i}" for i in range(MANY)]


@every_connector
def test_says_nothing_twice_once_all_is_stored(tmp_path: Path, fed: Feed) -> None:
    connector = fed(tmp_path, calls(3))
    positions = {b.part: b.position for b in connector.poll({}, now=MUCH_LATER)}

    assert [b.records for b in connector.poll(positions, now=MUCH_LATER)] == []


@every_connector
def test_a_batch_that_was_not_stored_is_asked_for_again(tmp_path: Path, fed: Feed) -> None:
    connector = fed(tmp_path, calls(3))

    first, second = (list(connector.poll({}, now=MUCH_LATER)) for _ in range(2))

    assert first == second


@every_connector
def test_the_same_record_is_the_same_wherever_it_is_read(tmp_path: Path, fed: Feed) -> None:
    (one,) = fed(tmp_path / "one", calls(2)).poll({}, now=MUCH_LATER)
    (other,) = fed(tmp_path / "other", calls(2)).poll({}, now=at(10**7))

    assert [record.raw for record in one.records] == [record.raw for record in other.records]


@every_connector
def test_records_come_in_the_order_of_the_source(tmp_path: Path, fed: Feed) -> None:
    batches = fed(tmp_path, calls(MANY)).poll({}, now=MUCH_LATER)

    ordinals = [record.ordinal for batch in batches for record in batch.records]
    assert ordinals == sorted(set(ordinals))


@every_connector
def test_a_bad_record_stops_no_good_one(tmp_path: Path, fed: Feed) -> None:
    first, last = calls(2)

    (batch,) = fed(tmp_path, [first, BAD, last]).poll({}, now=MUCH_LATER)

    assert keys(batch.records) == ["A-0", "A-1"]
    assert [record.problem is not None for record in batch.records] == [False, True, False]


@every_connector
def test_the_position_moves_only_with_the_commit(tmp_path: Path, fed: Feed) -> None:
    installation = an_installation(tmp_path)
    source = installation.sources[0]
    poll = fed(tmp_path, calls(MANY)).poll({}, now=MUCH_LATER)

    first = installation.door.accept(source, next(poll), now=MUCH_LATER)
    next(poll)  # read, and then the power fails

    with installation.store.reading() as reader:
        positions = reader.positions(source.id)
    assert len(content(installation.store, "incident")["incident"]) == first.stored < MANY
    counts = Counts()
    for batch in fed(tmp_path, calls(MANY)).poll(positions, now=MUCH_LATER):
        counts += installation.door.accept(source, batch, now=MUCH_LATER)
    assert (counts.stored, counts.duplicate) == (MANY - first.stored, 0)
