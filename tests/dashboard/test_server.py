"""The web side over a real socket."""

import json

import httpx
import pytest

from dashboard.access.keeper import Keeper
from dashboard.access.person import Role
from dashboard.hub import Pace
from pipelines.desk.paging import Page
from tests.dashboard.access.site import site
from tests.dashboard.builders import FakeBackend, a_snapshot
from tests.dashboard.serving import serving


@pytest.fixture(scope="module")
def backend():
    return FakeBackend()


@pytest.fixture(scope="module")
def server(backend):
    with serving(backend, pace=Pace(beat_s=0.2)) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    with httpx.Client(base_url=server.url, timeout=10, trust_env=False) as client:
        yield client


def events(response):
    """The events of a stream, as they come."""
    event = {}
    for line in response.iter_lines():
        if line:
            key, _, value = line.partition(": ")
            event[key] = value
        elif event:
            yield event
            event = {}


def test_the_stream_starts_with_a_retry_and_the_full_state(client):
    with client.stream("GET", "/stream?page=wall&lang=en") as response:
        stream = events(response)
        retry, full = next(stream), next(stream)

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert retry == {"retry": "1000"}
    assert "id" in full
    assert json.loads(full["data"])["full"]


def test_a_change_reaches_the_stream_and_silence_is_filled_with_heartbeats(client, backend):
    with client.stream("GET", "/stream") as response:
        stream = events(response)
        next(stream)
        next(stream)
        backend.show(a_snapshot(open=(), open_total=0))
        change = next(e for e in stream if "event" not in e)
        beat = next(e for e in stream if "event" in e)

    assert "open-rows" in json.loads(change["data"])["props"]
    assert beat["event"] == "beat"


def test_the_pages_are_there_in_their_language(client):
    wall = client.get("/wall?lang=en")

    assert wall.status_code == 200
    assert '<html lang="en"' in wall.text
    assert "<title>Command wall</title>" in wall.text
    assert '<html lang="zh-CN"' in client.get("/wall").text


def test_the_root_is_the_desk_of_the_street(client):
    response = client.get("/?lang=en")

    assert response.status_code == 200
    assert 'data-page="desk"' in response.text


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/nowhere", 404),
        ("/wall?lang=de", 400),
        ("/stream?page=nowhere", 404),
        ("/stream?lang=de", 400),
        ("/assets/nothing.css", 404),
        ("/geo/water.geojson", 404),
        ("/geo/nothing.geojson", 404),
        ("/geo/style.json?theme=pink", 404),
    ],
)
def test_what_is_not_there_is_refused_in_plain_words(client, url, status):
    response = client.get(url)

    assert response.status_code == status
    assert "Traceback" not in response.text


def test_a_wrong_question_is_answered_with_the_reason(client):
    response = client.get("/api/v1/kpi?bad=1")

    assert response.status_code == 400
    assert response.json() == {"error": "bad='1' is not a parameter"}


def test_the_figures_and_the_rows_are_lists(client):
    assert client.get("/api/v1/kpi").json()[0]["key"] == "all"
    assert client.get("/api/v1/rows").json() == []


def test_a_page_of_rows_says_how_many_there_are_and_where_the_next_one_is():
    class Rows(FakeBackend):
        def rows(self, params):
            offset, limit = int(params.get("offset", 0)), int(params.get("limit", 5))
            return Page([{"id": str(i)} for i in range(5)][offset : offset + limit], 5)

    with serving(Rows()) as server, httpx.Client(base_url=server.url) as client:
        first = client.get("/api/v1/rows?kind=fire&limit=3")
        last = client.get(first.links["next"]["url"])
        whole = client.get("/api/v1/rows")

    assert [row["id"] for row in first.json() + last.json()] == ["0", "1", "2", "3", "4"]
    assert first.links["next"]["url"] == "/api/v1/rows?kind=fire&limit=3&offset=3"
    assert "link" not in last.headers
    assert "link" not in whole.headers
    assert {r.headers["x-total-count"] for r in (first, last, whole)} == {"5"}


def test_rules_monitors_and_frozen_months_are_answered(client):
    (rule,) = client.get("/api/v1/lab").json()
    (finding,) = client.get("/api/v1/monitors").json()
    frozen = client.get("/api/v1/frozen")
    wrong = client.get("/api/v1/frozen?month=1999-01")

    assert (rule["hit"], rule["n"]) == (184, 186)
    assert "E1" in finding["words"]["zh"]
    assert "please check" in finding["words"]["en"]
    assert (frozen.status_code, frozen.headers["cache-control"]) == (200, "no-store")
    assert (wrong.status_code, "is not frozen" in wrong.json()["error"]) == (400, True)


def test_health_says_how_it_is_and_how_many_screens_watch(client):
    answer = client.get("/health").json()

    assert answer["status"] == "ok"
    assert "screens" in answer


def test_the_outlines_are_kept_by_the_browser_when_their_version_is_named(client):
    response = client.get("/geo/grids.geojson?v=s1")

    assert "immutable" in response.headers["cache-control"]
    assert response.headers["content-encoding"] == "gzip"
    assert len(response.json()["features"]) == 72
    assert client.get("/geo/grids.geojson").headers["cache-control"] == "no-cache"


def test_outlines_that_have_not_changed_are_not_sent_again(client):
    tag = client.get("/geo/grids.geojson").headers["etag"]

    again = client.get("/geo/grids.geojson", headers={"If-None-Match": tag})

    assert again.status_code == 304
    assert again.content == b""


def test_no_page_or_style_names_another_host(client):
    for path in ("/wall", "/geo/style.json", "/_dash-layout"):
        text = client.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text.replace("https://dash-version.plotly.com", "")


@pytest.mark.parametrize(
    ("former", "now"),
    [
        ("/desk", "/"),
        ("/desk?community=330102014001", "/community/330102014001"),
        ("/desk?window=7d&grid=330102014001003", "/?window=7d&grid=330102014001003"),
        ("/incident?lang=en&id=0a1b", "/incident/0a1b?lang=en"),
        ("/desk?grid=a%26verdict%3Dhit", "/?grid=a%26verdict%3Dhit"),
    ],
)
def test_an_address_of_former_times_leads_to_the_one_of_today(former: str, now: str) -> None:
    with serving(FakeBackend()) as server:
        answer = httpx.get(f"{server.url}{former}")

    assert (answer.status_code, answer.headers["location"]) == (307, now)


@pytest.mark.parametrize("path", ["/", "/community/330102014001?kind=fire", "/incident/0a1b"])
def test_an_address_keeps_what_it_says(client, path):
    answer = client.get(path)

    assert answer.status_code == 200
    assert 'data-page="' in answer.text


@pytest.mark.parametrize(
    ("path", "status", "way"),
    [
        ("/?window=5m", 400, "/?lang=zh"),
        ("/community/C1?verdict=maybe&lang=en", 400, "/community/C1?lang=en"),
        ("/nowhere", 404, "/?lang=zh"),
    ],
)
def test_a_wrong_address_is_a_page_with_a_way_back(client, path, status, way) -> None:
    answer = client.get(path, headers={"accept": "text/html"})

    assert answer.status_code == status
    assert f'href="{way}"' in answer.text
    assert "<script" not in answer.text


def test_a_wall_that_opens_the_desk_is_led_to_the_wall(tmp_path):
    keeper = Keeper(f"sqlite:///{tmp_path / 'access.sqlite3'}")
    with site(keeper, FakeBackend()) as street, street.browser(street.session(Role.WALL)) as wall:
        answer = wall.get("/?lang=en")
    keeper.close()

    assert (answer.status_code, answer.headers["location"]) == (307, "/wall?lang=en")


def test_only_the_desk_loads_the_grid_of_its_list(client):
    assert "/dash_ag_grid/" in client.get("/").text
    assert "/dash_ag_grid/" not in client.get("/wall").text
