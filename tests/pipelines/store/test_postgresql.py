"""What only a server can do: go away and come back, while a store is open."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from pipelines.errors import StoreUnavailableError
from pipelines.store import schema
from pipelines.store.backends.postgresql import GIVEN_UP
from pipelines.store.places import place_of
from pipelines.store.store import Store
from tests.databases import Database, cut_off, postgresql, throw_out
from tests.processes import until


@pytest.fixture
def database() -> Iterator[Database]:
    with postgresql() as database:
        yield database


@pytest.fixture
def place(database: Database) -> URL:
    place = place_of(database.url)
    assert isinstance(place, URL)
    return place.set(password="grid135_test")


@pytest.fixture
def store(place: URL) -> Iterator[Store]:
    store = Store(place)
    yield store
    store.close()


def put(store: Store, value: str) -> None:
    with store.writing() as writer:
        writer.put_position("calls", "a.csv", value)


def position(store: Store) -> str | None:
    with store.reading() as reader:
        return reader.positions("calls").get("a.csv")


def test_a_server_that_was_away_is_noticed_by_nobody_when_it_is_back(
    database: Database, store: Store
) -> None:
    put(store, "1")
    assert position(store) == "1"

    throw_out(str(database.url.rpartition("/")[2]), but=database.connection.info.backend_pid)

    assert position(store) == "1"
    put(store, "2")
    assert position(store) == "2"


def test_what_is_long_is_compressed_quickly_and_read_however_it_was_compressed(
    database: Database, store: Store
) -> None:
    schemes = "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
    (offered,) = database.connection.execute(schemes).fetchone() or ((),)
    if "lz4" not in offered:
        pytest.skip("this server was built without lz4")
    lines = bytes(range(256)) * 400
    with store.writing() as writer:
        writer.connection.exec_driver_sql("SET LOCAL default_toast_compression = 'pglz'")
        writer.put(schema.sheet, [(1, 0, 3600, 2560, lines)])

    with store.writing() as writer:
        writer.put(schema.sheet, [(2, 0, 3600, 2560, lines)])

    how = "SELECT pg_column_compression(lines) FROM sheet ORDER BY hour_ms"
    with store.reading() as reader:
        found = [row[0] for row in reader.connection.exec_driver_sql(how)]
        read = [bytes(row[-1]) for row in reader.by_key(schema.sheet, [(1, 0, 3600), (2, 0, 3600)])]
    assert found == ["pglz", "lz4"]
    assert read == [lines, lines]


def test_while_it_is_away_asking_fails_and_afterwards_all_is_well(
    database: Database, store: Store
) -> None:
    put(store, "1")
    seen = store.version()

    with cut_off(database):
        with pytest.raises(OperationalError):
            position(store)
        with pytest.raises(OperationalError):
            put(store, "2")
        assert store.version() >= seen

    assert position(store) == "1"
    put(store, "3")
    assert position(store) == "3"


def test_changes_are_heard_again_after_the_connection_was_lost(
    database: Database, place: URL, store: Store
) -> None:
    other = Store(place)
    store.version()
    with cut_off(database):
        pass
    seen = store.version()
    assert until(lambda: store.version() != seen, within_s=20)  # it is back: that counts as one

    before = store.version()
    put(other, "5")

    assert until(lambda: store.version() != before, within_s=20)
    other.close()


def test_a_transaction_that_was_cut_off_leaves_nothing(database: Database, store: Store) -> None:
    put(store, "1")
    name = str(database.url.rpartition("/")[2])

    def interrupted() -> None:
        with store.writing() as writer:
            writer.put_position("calls", "a.csv", "2")
            throw_out(name, but=database.connection.info.backend_pid)

    with pytest.raises(OperationalError):
        interrupted()

    assert position(store) == "1"


def test_two_that_open_an_empty_database_at_once_make_its_tables_once(place: URL) -> None:
    own = place.update_query_dict({"schema": "fresh"})
    opened: list[Store] = []
    threads = [threading.Thread(target=lambda: opened.append(Store(own))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(opened) == 3
    with opened[0].reading() as reader:
        assert reader.count(schema.report) == 0
    for store in opened:
        store.close()


def test_no_message_of_the_store_holds_the_password(place: URL) -> None:
    wrong = place.set(password="a-secret-of-ours", username="nobody_of_this_name")
    shown = ""
    with suppress(StoreUnavailableError):
        Store(wrong)
    try:
        Store(wrong)
    except Exception as error:  # noqa: BLE001 - whatever it is, its text is looked at
        shown = f"{error} {error!r}"

    assert shown
    assert "a-secret-of-ours" not in shown


def test_whoever_is_silent_in_a_transaction_is_given_up_unless_it_has_said_that_it_takes_time(
    place: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(place).close()
    monkeypatch.setitem(GIVEN_UP, "idle_in_transaction_session_timeout", "500ms")
    store = Store(place)

    def writes(*, takes_time: bool) -> None:
        with store.writing() as writer:
            if takes_time:
                writer.take_time()
            writer.put_position("calls", "a.csv", "1")
            time.sleep(0.8)  # as who adds up what it has read
            writer.put_position("calls", "a.csv", "2")

    with pytest.raises((DBAPIError, psycopg.Error)):
        writes(takes_time=False)
    assert position(store) is None
    writes(takes_time=True)
    assert position(store) == "2"
    store.close()
