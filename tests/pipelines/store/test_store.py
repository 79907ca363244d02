"""What a store promises, on every database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from pipelines.errors import StoreUnavailableError
from pipelines.store import schema
from pipelines.store.places import Place, exists, remove
from pipelines.store.rows import moments_of, report_row, to_ms
from pipelines.store.store import Store
from tests.builders import a_statement
from tests.pipelines.store.test_rows import RECORD
from tests.processes import a_port, until
from tests.stores import on_every_database, place_in

pytestmark = on_every_database


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(place_in(tmp_path))
    yield store
    store.close()


def positions(store: Store) -> dict[str, str]:
    with store.reading() as reader:
        return reader.positions("calls")


def a_report(incident: str, recorded_at: datetime, record: str = "1") -> tuple[object, ...]:
    said = a_statement(record_id=record)._replace(recorded_at=recorded_at)
    return report_row(said, RECORD, incident, b"c1", moments_of(said))


def test_what_was_written_is_there_when_it_is_opened_again(tmp_path: Path, store: Store) -> None:
    with store.writing() as writer:
        writer.put_position("calls", "a.csv", "7")
    store.close()

    again = Store(place_in(tmp_path))

    assert positions(again) == {"a.csv": "7"}
    again.close()


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fails() -> None:
        with store.writing() as writer:
            writer.put_position("calls", "a.csv", "7")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fails()

    assert positions(store) == {}


def test_a_reader_sees_one_state_while_another_is_written(store: Store) -> None:
    with store.writing() as writer:
        writer.put_position("calls", "a.csv", "1")

    with store.reading() as reader:
        before = reader.positions("calls")
        with store.writing() as writer:
            writer.put_position("calls", "a.csv", "2")
        assert reader.positions("calls") == before == {"a.csv": "1"}

    assert positions(store) == {"a.csv": "2"}


def test_the_version_changes_with_what_another_process_writes(tmp_path: Path, store: Store) -> None:
    other = Store(place_in(tmp_path))
    seen = store.version()
    assert store.version() == seen

    with other.writing() as writer:
        writer.put_position("calls", "a.csv", "1")

    assert until(lambda: store.version() != seen, within_s=10)
    other.close()


@pytest.mark.parametrize("many", [1, 3, 200])
def test_rows_are_added_replaced_passed_over_and_removed(store: Store, many: int) -> None:
    table = schema.position
    with store.writing() as writer:
        writer.add(table, [(f"s{n:03}", "p", "old") for n in range(many)])
        writer.add_new(table, [(f"s{n:03}", "p", "new") for n in range(many + 1)])
        writer.put(table, [(f"s{n:03}", "p", "put") for n in range(1, many + 2)])
        writer.remove(table, [("s000", "p"), ("none", "p")])

    with store.reading() as reader:
        assert [row[::2] for row in reader.stream(table)] == [
            (f"s{n:03}", "put") for n in range(1, many + 2)
        ]
        keys = [("s001", "p"), ("s000", "p"), ("s001", "q")]
        assert list(reader.by_key(table, keys)) == [("s001", "p", "put"), None, None]


def test_texts_are_sorted_by_code_point(store: Store) -> None:
    names = ["Zoo", "apple", "Äpfel", "网格", "市民", "a b", "a-b", "ab", "😀", "_"]
    with store.writing() as writer:
        writer.add(schema.meta, [(name, "") for name in names])

    with store.reading() as reader:
        assert [key for key, _ in reader.stream(schema.meta)] == sorted(names)
        query = select(schema.meta.c.key).where(schema.meta.c.key >= "a").order_by("key")
        assert [row.key for row in reader.rows(query)] == sorted(n for n in names if n >= "a")


def test_bytes_texts_and_numbers_come_back_as_they_were(store: Store) -> None:
    told = ("网格\t\\N\n\"'", bytes(range(256)), 2**62, "", -1, "c", "\\", "r")
    row = (*told, b"", b"\\x00", None, 0, True)
    rows = [(*row[:1], bytes([n]), *row[2:]) for n in range(40)]
    with store.writing() as writer:
        writer.add(schema.quarantine, [row])
        writer.add(schema.quarantine, rows)

    with store.reading() as reader:
        assert list(reader.stream(schema.quarantine)) == sorted([row, *rows], key=lambda r: r[1])


def test_reports_of_many_months_are_read_as_one_and_forgotten_by_month(store: Store) -> None:
    moments = [datetime(2025, month, 15, tzinfo=UTC) for month in (1, 2, 12)]
    moments += [datetime(2026, 1, 1, tzinfo=UTC)]
    rows = [a_report(f"i{n}", at, str(n)) for n, at in enumerate(moments)]
    with store.writing() as writer:
        writer.add(schema.report, rows)

    with store.reading() as reader:
        assert reader.incidents_reported_after(to_ms(moments[0])) != []
        assert sorted(reader.report_incidents()) == ["i0", "i1", "i2", "i3"]
    with store.writing() as writer:
        assert writer.forget_months(schema.report, datetime(2025, 12, 31, tzinfo=UTC)) == 2
    with store.reading() as reader:
        assert sorted(reader.report_incidents()) == ["i2", "i3"]
        assert reader.count(schema.fact) == sum(len(a_statement().facts) for _ in range(2))


def test_a_signal_that_comes_again_in_another_month_is_passed_over(store: Store) -> None:
    def signal(recorded_ms: int) -> tuple[object, ...]:
        return ("s", "d", b"1", 5, recorded_ms, "", "", "{}", b"", b"")

    months = [to_ms(datetime(2026, month, 2, tzinfo=UTC)) for month in (1, 2)]
    with store.writing() as writer:
        writer.add_new(schema.signal, [signal(months[0])])
        writer.add_new(schema.signal, [signal(months[1])])

    with store.reading() as reader:
        assert [row[4] for row in reader.stream(schema.signal)] == [months[0]]


def test_work_that_met_other_work_is_done_again(tmp_path: Path, store: Store) -> None:
    tries = []

    def work(writer: object) -> int:
        tries.append(1)
        if len(tries) == 1:
            raise Conflict
        return 7

    backend = store._backend
    backend.is_conflict = lambda error: isinstance(error, Conflict)  # type: ignore[method-assign]

    assert store.taking_in(work) == 7
    assert len(tries) == 2


class Conflict(Exception):  # noqa: N818 - stands for a database's own
    """Another transaction was in the way."""


def test_reading_cannot_write(store: Store, every_database: str) -> None:
    if every_database == "sqlite":
        pytest.skip("a reader of the embedded store is kept from writing by nobody")
    with pytest.raises(DBAPIError, match="read-only"), store.reading() as reader:
        reader._connection.execute(update(schema.meta).values(value="x"))


def test_a_store_is_removed_with_all_that_is_in_it(tmp_path: Path) -> None:
    place = place_in(tmp_path / "away")
    assert not exists(place)
    Store(place).close()
    assert exists(place)

    remove(place)

    assert not exists(place)
    remove(place)


def test_a_store_that_cannot_be_had_is_said_in_words_without_its_password(
    tmp_path: Path, every_database: str
) -> None:
    place: Place = tmp_path / "broken.sqlite3"
    if every_database == "sqlite":
        (tmp_path / "broken.sqlite3").write_bytes(b"no database at all" * 500)
        expected = "broken.sqlite3 cannot be opened: file is not a database; "
    else:
        url = make_url(f"postgresql+psycopg://grid135@127.0.0.1:{a_port()}/grid135")
        place = url.set(password="hidden")
        expected = "cannot be opened: connection failed: .* Connection refused"

    with pytest.raises(StoreUnavailableError, match=expected) as said:
        Store(place)

    assert "hidden" not in str(said.value)


def keys_of(store: Store) -> list[str]:
    with store.reading() as reader:
        return sorted(reader.positions("calls"))


def in_bulk(first: int) -> list[tuple[str, str, str]]:
    return [("calls", f"{first + n:04}", "1") for n in range(500)]


def test_rows_that_are_on_their_way_are_there_when_the_block_ends(store: Store) -> None:
    with store.writing() as writer:
        with writer.adding(schema.position, in_bulk(0)):
            added_up = sum(range(1000))
        assert len(writer.positions("calls")) == 500

    assert added_up == 499_500
    assert len(keys_of(store)) == 500


def test_an_error_beside_rows_on_their_way_takes_all_of_it_back(store: Store) -> None:
    def fails() -> None:
        with store.writing() as writer, writer.adding(schema.position, in_bulk(0)):
            raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        fails()

    assert keys_of(store) == []
    with store.writing() as writer:
        writer.add(schema.position, in_bulk(0))
    assert len(keys_of(store)) == 500


def test_rows_on_their_way_that_are_there_already_are_an_error_like_any_other(store: Store) -> None:
    with store.writing() as writer:
        writer.add(schema.position, in_bulk(0)[-1:])

    def again() -> None:
        with store.writing() as writer, writer.adding(schema.position, in_bulk(0)):
            pass

    with pytest.raises((DBAPIError, psycopg.Error), match=r"(?i)unique"):
        again()

    assert len(keys_of(store)) == 1
