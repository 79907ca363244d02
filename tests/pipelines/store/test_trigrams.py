"""Words are found by an index on PostgreSQL, where it can be made; elsewhere by reading."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from pipelines.desk.board import read_page
from pipelines.installation import Installation, open_installation
from pipelines.settings import load
from pipelines.store.trigrams import INDEX
from pipelines.upkeep.doctor import Level, Patient, examine
from tests.builders import at
from tests.databases import PASSWORD, Database, postgresql
from tests.pipelines.installations import a_call, a_config, taken_in, the_grids

NOW = at(7200)
CALLS = (
    a_call("HZ-0001", title="四季青街道怡和花园7幢 电梯困人"),
    a_call("HZ-0002", title="钱江路345号 电动车冒烟", reported=60),
    a_call("HZ-0003", title="富春路 路面破损", reported=120),
)


@contextmanager
def a_street(folder: Path, ctype: str) -> Iterator[tuple[Installation, Database]]:
    """A street whose store is a database of its own."""
    with postgresql(ctype=ctype) as database:
        the_grids(folder)
        url = make_url(database.url).set(password=PASSWORD.reveal())
        store = url.render_as_string(hide_password=False)
        environ = {"GRID135_DATA": str(folder / "data"), "GRID135_STORE": store}
        street = open_installation(load(environ, str(a_config(folder))), replayed=False)
        with closing(street.store):
            taken_in(street, *CALLS, now=NOW)
            yield street, database


def said_of_search(street: Installation) -> tuple[Level, str]:
    told = examine(Patient(settings=street.settings, now=NOW))
    (found,) = (finding for finding in told if finding.about == "search")
    return found.level, found.sentence


def found(street: Installation, sought: str) -> list[str]:
    with street.store.reading() as reader:
        rows = read_page(reader, street, {"q": sought}, now=NOW).each()
        return [row["incident_key"] for row in rows]


def plan(street: Installation, sought: str) -> str:
    """How the server would look for a text, if it could not read the whole table at once."""
    asked = "EXPLAIN SELECT id FROM incident WHERE title ILIKE :said OR address ILIKE :said"
    with street.store.reading() as reader:
        reader.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        rows = reader.rows(text(asked).bindparams(said=f"%{sought}%"))
        return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("ctype", "level", "says"),
    [("C.UTF-8", Level.WELL, "index of trigrams"), ("C", Level.DOUBTFUL, "LC_CTYPE")],
)
def test_the_index_is_made_once_and_finds_what_reading_finds(
    tmp_path: Path, ctype: str, level: Level, says: str
) -> None:
    with a_street(tmp_path, ctype) as (street, _):
        asked = ("怡和花园", "怡和", "hz-0002", "345号", "sjq", "电", "'; DROP TABLE incident")
        read = [found(street, sought) for sought in asked]
        assert said_of_search(street)[0] is Level.DOUBTFUL

        for _ in range(2):
            street.store.index_words()

        assert read == [[f"HZ-000{i}" for i in ids] for ids in ("1", "1", "2", "2", "1", "21", "")]
        assert [found(street, sought) for sought in asked] == read
        assert said_of_search(street)[0] is level
        assert says in said_of_search(street)[1]
        assert INDEX in plan(street, "HZ-0002 345")


def test_an_index_whose_making_was_broken_off_is_made_anew(tmp_path: Path) -> None:
    with a_street(tmp_path, "C.UTF-8") as (street, database):
        street.store.index_words()
        # the way to an index that is there and not whole: what it is to be cannot be
        _alone(database, f"DROP INDEX {INDEX}")
        taken_in(street, a_call("HZ-0009", title=CALLS[0]["title"]), now=NOW)
        with pytest.raises(psycopg.errors.UniqueViolation):
            _alone(database, f"CREATE UNIQUE INDEX CONCURRENTLY {INDEX} ON incident (title)")
        assert said_of_search(street)[0] is Level.DOUBTFUL

        street.store.index_words()

        assert said_of_search(street)[0] is Level.WELL
        assert found(street, "怡和花园") == ["HZ-0009", "HZ-0001"]


def test_where_the_server_refuses_the_extension_searching_goes_on_by_reading(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with a_street(tmp_path, "C.UTF-8") as (street, database):
        name = make_url(database.url).database
        role = make_url(database.url).username
        for right in (f"DATABASE {name} FROM {role}", f"DATABASE {name} FROM PUBLIC"):
            _alone(database, f"REVOKE CREATE ON {right}")
        with caplog.at_level("INFO"):
            street.store.index_words()

        level, sentence = said_of_search(street)
        assert (level, "reads all incidents" in sentence) == (Level.DOUBTFUL, True)
        assert "searching reads every incident" in caplog.text
        assert found(street, "怡和花园") == ["HZ-0001"]


def _alone(database: Database, statement: str) -> None:
    """Run a statement outside of any transaction."""
    database.connection.commit()
    database.connection.autocommit = True
    database.connection.execute(statement)
    database.connection.autocommit = False
