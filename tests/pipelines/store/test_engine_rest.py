"""Connections that stay open for months do not keep every page they ever read."""

import pytest
from sqlalchemy import text

from pipelines.store.backends import sqlite as engines


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
