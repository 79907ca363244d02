"""Connections that stay open for months do not keep every page they ever read."""

import pytest
from sqlalchemy import event, text

from pipelines.store.backends import sqlite as engines
from pipelines.store.store import Store


@pytest.mark.parametrize("open_engine", [engines.reading_engine, engines.writing_engine])
@pytest.mark.parametrize(("rest_s", "rests"), [(-1.0, True), (3600.0, False)])
def test_a_connection_lets_go_of_its_pages_now_and_then(
    tmp_path, monkeypatch, open_engine, rest_s, rests
):
    monkeypatch.setattr(engines, "_REST_S", rest_s)
    engine = open_engine(tmp_path / "store.sqlite3")
    done = []
    with engine.begin() as connection:
        connection.connection.dbapi_connection.set_trace_callback(done.append)
        connection.execute(text("SELECT 1"))

    assert ("PRAGMA shrink_memory" in done) is rests
    engine.dispose()


def test_few_statements_are_kept_ready_however_many_incidents_are_asked_for(tmp_path):
    said = set()
    store = Store(tmp_path / "store.sqlite3")
    with store.reading() as reader:
        event.listen(reader.connection, "before_cursor_execute", lambda *told: said.add(told[2]))
        for n in range(1, 400):
            assert reader.incidents(f"{i:032x}" for i in range(n)) == {}
    store.close()

    assert len(said) <= 10
