"""Taking rows away: exactly those of the list, masked, harmless, and never without a trace."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import openpyxl
import pytest

from dashboard.access.audit import Act, Audit
from dashboard.access.engine import open_engine
from dashboard.access.forgery import CSRF_COOKIE, CSRF_HEADER
from dashboard.access.guard import Guard
from dashboard.exporting import export_route
from dashboard.server import create_app
from pipelines.clock import ManualClock
from pipelines.desk.board import read_board
from pipelines.installation import Installation
from pipelines.roles.live import Live
from tests.builders import at
from tests.dashboard.serving import Server
from tests.pipelines.installations import a_call, an_installation, taken_in

NOW = at(7200)
TOKEN = "a" * 64
WHERE_WHEN_WHAT = ("Grid", "Community", "Reported", "Kind")
NAMING = ("Number", "Address", "What", "Closed", "Arrived")
CALLS = (
    a_call("=1+1", title="+86 call 13812345678", accepted=30, arrived=400, resolved=900),
    *(a_call(f"B-{n}", reported=n, accepted=n + 20, arrived=n + 200) for n in range(30)),
)


@pytest.fixture
def k() -> int:
    """How many rows must be alike; 1 lets every row out."""
    return 1


@pytest.fixture
def street(tmp_path: Path, k: int) -> Installation:
    installation = an_installation(tmp_path, more=f"[privacy]\nk = {k}\n")
    taken_in(installation, *CALLS, now=NOW)
    return installation


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(open_engine(f"sqlite:///{tmp_path / 'access.sqlite3'}"))


@pytest.fixture
def site(street: Installation, audit: Audit) -> Iterator[httpx.Client]:
    live = Live(street, clock=ManualClock(NOW))
    app = create_app(live, build="test", more=[export_route(live, audit, lambda: NOW)])
    guard = Guard(app, keeper=None, clock=lambda: NOW, hosts=frozenset({"127.0.0.1"}))
    server = Server(live, app=guard)
    headers = {"sec-fetch-site": "same-origin", CSRF_HEADER: TOKEN}
    with httpx.Client(
        base_url=server.url, headers=headers, cookies={CSRF_COOKIE: TOKEN}, timeout=20
    ) as client:
        yield client
    server.stop()
    street.store.close()


def taken(site: httpx.Client, view: str, form: str = "csv") -> httpx.Response:
    said = {"view": view, "form": form, "reason": "weekly review"}
    return site.post("/export", data=said)


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    """The table of a CSV, below its heading block."""
    text = answer.content.decode("utf-8-sig")
    _, _, table = text.partition("\r\n\r\n")
    return list(csv.DictReader(io.StringIO(table)))


@pytest.mark.parametrize("verdict", ["hit", "miss"])
def test_the_rows_are_as_many_as_the_tile_says(
    site: httpx.Client, street: Installation, verdict: str
) -> None:
    with street.store.reading() as reader:
        tile = read_board(reader, street, {}, now=NOW).tiles[2]

    answer = taken(site, f"?verdict={verdict}&lang=en")

    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert len(rows(answer)) == tile.figures[verdict]
    assert {row["Verdict"] for row in rows(answer)} == {"met" if verdict == "hit" else "missed"}


def test_no_cell_is_a_formula_and_numbers_of_people_are_masked(site: httpx.Client) -> None:
    (row,) = rows(taken(site, "?verdict=miss&lang=en"))

    assert row["Number"] == "'=1+1"
    assert row["What"].startswith("'+86")
    assert "13812345678" not in row["What"]


def test_a_workbook_says_the_same_and_where_it_comes_from(site: httpx.Client) -> None:
    answer = taken(site, "?verdict=miss&lang=en", "xlsx")

    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    about = {line[0]: line[1] for line in book["About"].iter_rows(values_only=True)}
    table = list(book["Incidents"].iter_rows(values_only=True))
    assert about["Rows"] == len(table) - 1 == 1
    assert about["Filter: Verdict"] == "miss"
    assert about["Exported by"] == "open site (nobody logged in)"
    assert about["Purpose"] == "weekly review"
    assert len(about["Definition version"]) == 16
    assert table[1][table[0].index("Number")] == "'=1+1"


def test_each_export_leaves_a_line_in_the_audit_log(site: httpx.Client, audit: Audit) -> None:
    taken(site, "community/C1?kind=fire&lang=en")

    (entry,) = audit.entries(act=Act.EXPORTED)
    assert entry.who == "open"
    assert entry.detail["n"] == 31
    assert entry.detail["filters"] == {"community": "C1", "kind": "fire"}
    assert entry.detail["reason"] == "weekly review"


@pytest.mark.parametrize(
    "said",
    [
        {"view": "", "form": "csv", "reason": "abc"},
        {"view": "", "form": "pdf", "reason": "weekly review"},
        {"view": "?verdict=maybe", "form": "csv", "reason": "weekly review"},
        {"view": "wall", "form": "csv", "reason": "weekly review"},
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_no_line(
    site: httpx.Client, audit: Audit, said: dict[str, str]
) -> None:
    answer = site.post("/export", data=said)

    assert answer.status_code == 400
    assert audit.entries(act=Act.EXPORTED) == []


def test_another_site_cannot_ask_for_it(site: httpx.Client, audit: Audit) -> None:
    said = {"view": "", "form": "csv", "reason": "weekly review"}
    answer = site.post("/export", data=said, headers={CSRF_HEADER: "b" * 64})

    assert answer.status_code == 403
    assert audit.entries(act=Act.EXPORTED) == []


@pytest.mark.parametrize("k", [5])
def test_somebody_who_only_looks_gets_no_row_that_is_not_one_of_k_alike(
    site: httpx.Client, audit: Audit
) -> None:
    answer = taken(site, "?lang=en")

    found = rows(answer)
    alike = Counter(tuple(row[name] for name in WHERE_WHEN_WHAT) for row in found)
    assert len(found) == 31
    assert min(alike.values()) >= 5
    assert {row[name] for row in found for name in NAMING} == {""}
    assert b"k = 5: no numbers, words or stamps" in answer.content
    (entry,) = audit.entries(act=Act.EXPORTED)
    assert entry.detail["k"] == 5


@pytest.mark.parametrize("k", [5])
def test_what_is_too_rare_stays_here_and_the_heading_says_so(site: httpx.Client) -> None:
    answer = taken(site, "?verdict=miss&lang=en")

    assert rows(answer) == []
    assert b"1 held back as too rare" in answer.content
