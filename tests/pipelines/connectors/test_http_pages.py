"""Lists that come in pages."""

import re
from typing import Any

import pytest

from tests.pipelines.connectors.polling import Poll, ids, in_pages, rows
from tests.pipelines.connectors.web_service import (
    WebService,
    said,
)


@pytest.mark.parametrize("by", ["page", "offset"])
@pytest.mark.parametrize("beyond", ["empty", "repeats"])
@pytest.mark.parametrize("count", [0, 1, 4, 5])
def test_all_pages_are_read(web: WebService, by: str, beyond: str, count: int) -> None:
    web.answers["/calls"] = in_pages(rows(*range(count)), 2, beyond=beyond)

    records = Poll(web, records="rows", paging={"by": by, "param": by})()

    assert ids(records) == [str(n) for n in range(count)]


def test_a_total_saves_the_question_behind_the_last_page(web: WebService) -> None:
    web.answers["/calls"] = in_pages(rows(1, 2, 3, 4), 2)

    Poll(web, records="rows", paging={"by": "page", "param": "page", "total": "total"})()

    assert [request.params["page"] for request in web.requests] == ["1", "2"]


def test_the_next_page_can_be_a_link(web: WebService) -> None:
    web.says(said({"rows": rows(1), "links": {"next": "/more?at=2"}}))
    web.says(said({"rows": [], "links": {"next": web.url("/last")}}), path="/more")
    web.says(said({"rows": rows(3), "links": {"next": None}}), path="/last")

    records = Poll(web, records="rows", paging={"by": "next", "path": "links.next"})()

    assert ids(records) == ["1", "3"]


def test_the_next_page_can_be_a_mark(web: WebService) -> None:
    web.says(said({"rows": rows(1), "next": "abc"}), said({"rows": rows(2)}))

    paging = {"by": "next", "path": "next", "param": "from"}
    assert ids(Poll(web, records="rows", paging=paging)()) == ["1", "2"]
    assert web.requests[1].params == {"from": "abc"}


@pytest.mark.parametrize("link", ["http://elsewhere.example/", "//[", ["x"]])
def test_a_next_page_that_leads_astray_is_an_error(web: WebService, link: Any) -> None:
    web.says(said({"rows": rows(1), "next": link}))
    poll = Poll(web, records="rows", paging={"by": "next", "path": "next"})

    assert re.search("leads to http://elsewhere.example|makes no sense", poll.fails())


def test_a_next_page_that_was_there_before_ends_the_reading(web: WebService) -> None:
    web.says(said({"rows": rows(1), "next": "/calls?again"}))
    poll = Poll(web, records="rows", paging={"by": "next", "path": "next"})

    assert "names a next page that makes no sense" in poll.fails()


def test_more_pages_than_allowed_are_an_error(web: WebService) -> None:
    web.answers["/calls"] = in_pages(rows(*range(9)), 1)
    paging = {"by": "page", "param": "page", "max_pages": 3}

    assert "more than max_pages = 3" in Poll(web, records="rows", paging=paging).fails()
