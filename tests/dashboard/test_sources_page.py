"""The page of sources and the page of quarantine: what they say, and in which words."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboard.hub import Hub, Pace
from dashboard.pages import PAGES
from dashboard.panels.sources.words import offset, sentence, usual
from dashboard.text import LANGUAGES, say_in
from dashboard.views import BadViewError, parse_view
from pipelines.desk.roster import Standing
from pipelines.feeds.arrivals import Hour
from pipelines.privacy.masking import masked
from tests.dashboard.builders import FakeBackend
from tests.dashboard.rosters import (
    NOON,
    a_canary,
    a_code,
    a_detail,
    a_quarantine_list,
    a_roster,
    an_item,
)
from tests.dashboard.serving import serving

ZH, EN = say_in("zh"), say_in("en")
DETAILS = [
    a_detail("one", standing, **changes)
    for standing in Standing
    for changes in (
        {},
        {"usual_hour": None, "expected": None, "has_rhythm": False, "chance": None},
        {"rule": timedelta(hours=4)},
        {"lag": None, "clock_offset": None, "last_success_at": None},
        {"last_problem": "timed out", "last_problem_at": NOON, "quarantined": 7},
    )
]


def drawn(page, picture, language="zh"):
    """Every leaf of a page as the browser would get it."""
    leaves = {}
    for panel in PAGES[page].panels:
        found = panel.draw(picture, say_in(language))
        assert set(found) == set(panel.leaves)
        leaves |= json.loads(json.dumps(found, cls=PlotlyJSONEncoder))
    return leaves


def words(tree):
    """Every text in a drawing."""
    if isinstance(tree, dict) and "props" in tree:
        return words(tree["props"].get("children"))
    if isinstance(tree, dict) and "children" in tree:
        return words(tree["children"])
    if isinstance(tree, dict):
        return [word for leaf in tree.values() for word in words(leaf)]
    if isinstance(tree, list):
        return [word for item in tree for word in words(item)]
    return [] if tree is None else [str(tree)]


def said(detail, say=ZH):
    return sentence(detail, say, now=NOON, time_zone="Asia/Shanghai")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("detail", DETAILS, ids=lambda d: d.standing.value)
def test_every_state_of_a_source_is_drawn_in_every_language(detail, language):
    leaves = drawn("sources", a_roster(detail), language)

    shown = words(leaves["lines-rows"]["children"])
    assert say_in(language)(f"sources.{detail.standing}") in shown
    assert "None" not in " ".join(shown)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_street_without_sources_says_so(language):
    leaves = drawn("sources", replace(a_roster(), lines=(), codes=()), language)

    assert words(leaves["lines-rows"]["children"]) == [say_in(language)("sources.none")]
    assert words(leaves["codes-rows"]["children"]) == [say_in(language)("sources.codes_none")]


def test_quiet_and_silent_are_said_in_different_words():
    quiet = a_detail("a", Standing.QUIET, usual_hour=0.0)
    silent = a_detail("a", Standing.SILENT, usual_hour=12.0)

    assert said(quiet) == "正常安静：14:05 起无数据，该时段通常无数据"
    assert said(silent) == "自 14:05 起无数据，该时段通常每小时 12 条"
    assert said(silent, EN) == "Nothing since 14:05; at this time usually 12 an hour"


def test_silence_by_agreement_names_the_agreement():
    silent = a_detail("a", Standing.SILENT, rule=timedelta(hours=4))

    assert said(silent) == "自 14:05 起无数据，已超过约定的 4 小时"


def test_a_source_that_is_down_says_since_when_and_why():
    down = a_detail("a", Standing.DOWN, since=NOON - timedelta(hours=1))

    assert said(down) == "自 13:43 起断开：connection refused"


def test_a_short_history_judges_nothing():
    young = a_detail("a", Standing.ACTIVE, usual_hour=None, expected=None)

    assert said(young, EN) == "Normal: 3 this hour; too little history to judge silence"


def test_rare_records_are_said_by_how_often_and_not_by_fractions():
    assert usual(12.4, ZH) == "通常每小时 12 条"
    assert usual(1.5, ZH) == "通常每小时 1.5 条"
    assert usual(0.25, ZH) == "通常约每 4 小时一条"
    assert usual(0.02, ZH) == "通常无数据"
    assert usual(0.02, ZH, is_missed=True) == "通常约每 2 天 2 小时一条"


def test_a_clock_is_said_to_be_ahead_for_certain_and_behind_at_most():
    assert offset(timedelta(seconds=-35), EN) == "≥ 35 s ahead"
    assert offset(timedelta(seconds=35), EN) == "≤ 35 s behind"
    assert offset(timedelta(seconds=1), EN) == "agrees"
    assert offset(None, EN) == "—"


def test_the_worst_source_comes_first():
    leaves = drawn("sources", a_roster())

    rows = leaves["lines-rows"]["children"]
    order = [row["props"]["className"].removeprefix("line line--") for row in rows]
    assert order == ["unattended", "down", "silent", "waiting", "active", "quiet", "ended"]


def test_each_hour_has_its_bar_before_the_band_of_what_is_usual():
    hours = tuple(Hour(NOON - timedelta(hours=i), n, 0.0, 2.0, 5.0) for i, n in ((1, 0), (0, 10)))
    (row,) = drawn("sources", a_roster(a_detail(hours=hours)))["lines-rows"]["children"]

    columns = row["props"]["children"][3]["props"]["children"][0]["props"]["children"]
    marks = [[m["props"]["className"] for m in c["props"]["children"]] for c in columns]
    assert marks == [["hours__band"], ["hours__band", "hours__bar"]]
    bar = columns[1]["props"]["children"][1]["props"]
    assert bar["style"]["height"] == "100.0%"
    assert columns[1]["props"]["title"] == "14:43 起：10 条，通常 0–5"


def test_quarantined_records_are_one_click_away():
    text = json.dumps(drawn("sources", a_roster(a_detail("a&b", quarantined=7))))

    assert "/quarantine?source=a%26b&lang=zh" in text


def test_a_canary_that_did_not_return_says_why():
    lost = words(drawn("sources", a_roster(a_detail(canary=a_canary("no place on disk")))))
    back = words(drawn("sources", a_roster(a_detail(canary=a_canary()))))

    assert "失败 · 14:41" in lost
    assert "12 毫秒 · 14:41" in back


def test_who_may_send_no_canary_sees_what_became_of_the_last_and_no_button():
    line = a_detail(canary=a_canary())

    shown = words(drawn("sources", a_roster(line, may_rehearse=False)))

    assert "12 毫秒 · 14:41" in shown
    assert "试发" in words(drawn("sources", a_roster(line)))
    assert "试发" not in shown


def test_codes_without_a_mapping_are_listed_with_their_number():
    leaves = drawn("sources", a_roster(codes=(a_code("0907", 34), a_code("", 2))))

    shown = words(leaves["codes-rows"])
    assert {"34 次", "0907", "2 次", "（空）"} <= set(shown)
    assert words(leaves["codes-heading"])[-1] == "2 个 · 36 条记录"


def test_a_standby_says_who_takes_the_records_in():
    leaves = drawn(
        "sources", a_roster(is_standby=True, holders=("vm2/boot/77/abcd", "vm3/boot/9/ef"))
    )

    assert "本进程只显示，不接入；接入方 vm2 (77)、vm3 (9)" in words(leaves["roster-labels"])


@pytest.mark.parametrize(
    ("language", "reason"),
    [("en", "is not a time written as 'iso'"), ("zh", "不是按 'iso' 书写的时间")],
)
def test_quarantine_shows_reasons_and_records(language, reason):
    leaves = drawn("quarantine", a_quarantine_list(), language)

    shown = words(leaves)
    assert reason in shown
    assert "A-1,25:99" in shown
    assert "python app.py quarantine replay --source 110" in shown


def test_text_of_strangers_stays_text_and_their_numbers_are_masked():
    raw = "A-1,<script>alert(1)</script> 13812345678"
    leaves = drawn("quarantine", a_quarantine_list(an_item(raw)))

    # a component's child is put up by React as text, never as HTML
    assert "A-1,<script>alert(1)</script> 138****5678" in words(leaves["aside-items"])
    assert "dangerously" not in json.dumps(leaves)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("电话13812345678。", "电话138****5678。"),
        ("330106199001011234", "330106********1234"),
        ("33010619900101123X", "330106********123X"),
        ("2026-11-22 14:05", "2026-11-22 14:05"),
        ("J20261122000123456789", "J20261122000123456789"),
    ],
)
def test_only_numbers_of_people_are_masked(text, shown):
    assert masked(text) == shown


def test_a_filter_is_part_of_a_view_and_only_where_its_page_knows_it():
    view = parse_view("quarantine", {"source": "110", "x": "1"})

    assert view.filters == (("source", "110"),)
    assert view.key == "/quarantine?lang=zh&source=110"
    assert parse_view("wall", {"source": "110"}).filters == ()
    with pytest.raises(BadViewError, match="200 characters"):
        parse_view("quarantine", {"source": "x" * 201})


def test_two_languages_of_a_page_share_one_read_and_other_pages_are_not_read():
    async def story():
        backend = FakeBackend()
        hub = Hub(backend, build="b1", pace=Pace(poll_s=0.005, rest_share=0))
        views = [parse_view("sources", {"lang": language}) for language in LANGUAGES]
        screens = [hub.join(view) for view in views]
        task = asyncio.create_task(hub.run())
        messages = [json.loads((await s.next()).split(b"data: ")[1]) for s in screens]
        task.cancel()
        return backend, messages

    backend, messages = asyncio.run(story())

    assert (backend.roster_reads, backend.reads) == (1, 0)
    titles = [message["props"]["roster-title"]["children"] for message in messages]
    assert titles == ["数据源", "Sources"]


@pytest.fixture
def client():
    backend = FakeBackend()
    with serving(backend) as server, httpx.Client(base_url=server.url) as client:
        client.backend = backend
        yield client


def test_each_page_has_its_own_boxes(client):
    layouts = {
        page: client.get(f"/{page}/_dash-layout").text for page in ("wall", "sources", "quarantine")
    }

    assert '"lines-rows"' in layouts["sources"]
    assert '"lines-rows"' not in layouts["wall"]
    assert '"aside-items"' in layouts["quarantine"]
    config = re.search('id="_dash-config"[^>]*>(.*?)</script>', client.get("/sources").text)
    assert json.loads(config[1])["requests_pathname_prefix"] == "/sources/"


def test_every_leaf_of_every_panel_has_a_place_on_its_page(client):
    for name, page in PAGES.items():
        layout = client.get(f"/{name}/_dash-layout").text
        for panel in page.panels:
            for leaf in (*panel.leaves, panel.notice):
                assert f'"id":"{leaf}"' in layout.replace(" ", ""), (name, leaf)


def test_health_says_a_sentence_about_each_source_in_each_language(client):
    told = client.get("/health").json()["words"]

    assert told["源1"]["zh"].startswith("正常：")
    assert told["源1"]["en"].startswith("Normal:")
