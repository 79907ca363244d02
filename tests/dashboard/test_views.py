import pytest

from dashboard.views import BadViewError, UnknownPageError, View, parse_view


def test_the_wall_is_chinese_unless_asked_otherwise():
    assert parse_view("wall", {}) == View(page="wall", language="zh")
    assert parse_view("wall", {"lang": "en"}).language == "en"


def test_equal_views_have_equal_keys():
    assert parse_view("wall", {}).key == parse_view("wall", {"lang": "zh", "x": "1"}).key


def test_an_unknown_page_or_language_is_refused_with_what_there_is():
    with pytest.raises(UnknownPageError, match="wall"):
        parse_view("nowhere", {})
    with pytest.raises(BadViewError, match="zh, en"):
        parse_view("wall", {"lang": "de"})
