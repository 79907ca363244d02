"""What an answer says, and what is no answer."""

import gzip
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.connectors.http_poll.options import HttpPollOptions
from pipelines.connectors.http_poll.poll import HttpPoll
from pipelines.connectors.http_poll.service import Reply
from pipelines.decoders.table import TableDecoder
from pipelines.decoders.table_options import TableOptions
from pipelines.errors import (
    BadRecordError,
    SourceUnavailableError,
)
from tests.builders import NINE
from tests.pipelines.connectors.polling import Poll, ids, rows
from tests.pipelines.connectors.web_service import (
    Said,
    WebService,
    packed,
    said,
)


def test_a_list_is_read_by_column_and_each_record_kept_as_it_came(web: WebService) -> None:
    web.says(Said(b'[ {"id": 1,  "at": {"lat": 29.80}} ,{"id":"B","at":null}]'))

    one, other = Poll(web)()

    assert (one.raw, other.raw) == (b'{"id": 1,  "at": {"lat": 29.80}}', b'{"id":"B","at":null}')
    assert (one.fields, other.fields) == ({"id": "1", "at.lat": "29.80"}, {"id": "B", "at": ""})
    assert (one.origin.line, other.origin.line) == (1, 2)
    assert one.ordinal < other.ordinal


@pytest.mark.parametrize(
    ("where", "content"),
    [
        ("", [{"id": 1}]),
        ("rows", {"rows": [{"id": 1}]}),
        ("data.rows", {"code": 0, "data": {"total": 1, "rows": [{"id": 1}]}, "after": {}}),
        ("features[].attributes", {"features": [{"geometry": None, "attributes": {"id": 1}}]}),
        ("[].item", [{"item": {"id": 1}}]),
    ],
)
def test_the_list_may_be_anywhere_in_the_answer(web: WebService, where: str, content: Any) -> None:
    web.says(said(content))

    (record,) = Poll(web, records=where)()

    assert record.fields == {"id": "1"}
    assert json.loads(record.raw) == {"id": 1}


@pytest.mark.parametrize("where", ["a..b", "a[0]", "[]x", "a[].b[].c", ".a"])
def test_a_path_that_makes_no_sense_is_refused(where: str) -> None:
    with pytest.raises(ValidationError, match="must be names with dots between"):
        HttpPollOptions(url="http://h/", records=where)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("null", ""),
        ("true", "true"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("29.800", "29.800"),
        ("1.5e3", "1.5e3"),
        ("NaN", ""),
        ('"浓烟"', "浓烟"),
        ("[]", ""),
        ("{}", ""),
        ('["E1","E2"]', "E1, E2"),
        ('["E1",null,7]', "E1, 7"),
    ],
)
def test_every_kind_of_value_becomes_text(web: WebService, value: str, text: str) -> None:
    web.says(Said(f'[{{"id":1,"x":{value}}}]'.encode()))

    assert Poll(web)()[0].fields == {"id": "1", "x": text}


def test_a_list_of_objects_becomes_one_column_a_name(web: WebService) -> None:
    web.says(said([{"units": [{"name": "E1", "n": 1}, {"name": "E2"}]}]))

    assert Poll(web)()[0].fields == {"units.name": "E1, E2", "units.n": "1"}


@pytest.mark.parametrize(
    ("element", "rule"),
    [
        ('"a text"', "is not a JSON object"),
        ("7", "is not a JSON object"),
        ("[]", "is not a JSON object"),
        ('{"a":' * 40 + "1" + "}" * 40, "is nested deeper than 32 levels"),
        ('{"name": "\\ud83d"}', "holds half a character (a lone surrogate)"),
    ],
)
def test_an_element_that_is_no_record_stops_no_good_one(
    web: WebService, element: str, rule: str
) -> None:
    web.says(Said(f'[{{"id":1}},{element},{{"id":2}}]'.encode()))

    records = Poll(web)()

    assert ids(records) == ["1", "2"]
    assert records[1].problem is not None
    assert (records[1].problem[2], records[1].raw) == (rule, element.encode())


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('[{"id":"浓烟"}]'.encode(), "application/json"),
        ('[{"id":"浓烟"}]'.encode("utf-8-sig"), "application/json; charset=utf-8"),
        ('[{"id":"浓烟"}]'.encode("gbk"), "application/json;charset=GBK"),
    ],
)
def test_chinese_text_is_read_in_either_charset(web: WebService, body: bytes, kind: str) -> None:
    web.says(Said(body, headers={"Content-Type": kind}))

    assert ids(Poll(web)()) == ["浓烟"]


def test_a_packed_answer_is_unpacked(web: WebService) -> None:
    web.says(packed(said(rows(1))))

    assert ids(Poll(web)()) == ["1"]
    assert web.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (said({"status": "error", "messages": ["no server"]}),
         "answers 200 with an object with status, messages (status = error; "
         "messages = ['no server']) instead of the list 'rows'"),
        (said({"rows": None, "name": "张三"}), "an object with rows, name instead of the list"),
        (said({"rows": {"id": 1}}), "an object with rows instead of the list"),
        (said([1]), "answers 200 with a list instead of the list 'rows'"),
        (said("x"), "answers 200 with a single value instead of"),
        (Said(b""), "answers 200 with nothing"),
        (Said(b"<html>  Please log in"), "answers 200 with no JSON but <html> Please log in"),
        (Said(b'{"rows":[{"tel":"138'), "answers 200 with JSON that is cut off or damaged, at"),
        (Said(b'{"rows":[{"id":1},]}'), "JSON that is cut off or damaged, at character 19"),
        (Said(b'{"rows":[]} {}'), "more text behind the end"),
        (Said(b'{"rows":["\xff"]}'), "answers 200 with text that is not utf-8, at byte 11"),
        (Said(b"[" * 10_000), "answers 200 with JSON that is nested too deeply"),
        (Said(b'{"rows":' + b'{"a":' * 10_000), "JSON that is nested too deeply"),
        (said({"rows": []}, 500), "answers 500"),
        (said({"rows": []}, 403), "answers 403; it wants auth"),
        (said({"rows": []}, 204), "answers 204"),
        (said({}, 304), "answers 304 where that makes no sense"),
        (Said(b"x", headers={"Content-Encoding": "br"}), "a packing that was not asked for"),
        (Said(b"no gzip", headers={"Content-Encoding": "gzip"}), "breaks off"),
        (packed(said({"rows": []}))._replace(cut=4), "breaks off"),
        (Said(gzip.compress(b'{"rows":[]}')[:-4], headers={"Content-Encoding": "gzip"}), "breaks"),
        (said({"rows": []})._replace(cut=3), "breaks off"),
    ],
)  # fmt: skip
def test_what_is_no_answer_says_what_it_is_and_changes_nothing(
    web: WebService, answer: Said, told: str
) -> None:
    poll = Poll(web, records="rows", params={"key": "s3cret"})
    web.says(said({"rows": rows(1)}))
    poll()
    web.says(answer)

    message = poll.fails()

    assert told in message
    where = web.url().removeprefix("http://") + ": "
    assert message.startswith(where)
    assert "s3cret" not in message
    assert "张三" not in message
    assert "138" not in message.removeprefix(where)  # nor by chance in the number of the port


@pytest.mark.parametrize(
    ("rule", "content", "is_error"),
    [
        ({"path": "error"}, {"error": {"code": 400}}, True),
        ({"path": "error"}, {"error": None}, False),
        ({"path": "error"}, {"error": ""}, False),
        ({"path": "error"}, {"error": False}, False),
        ({"path": "error"}, {}, False),
        ({"path": "result.code", "unless": ["200"]}, {"result": {"code": 200}}, False),
        ({"path": "result.code", "unless": ["200"]}, {"result": {"code": 500}}, True),
        ({"path": "success", "values": ["false"]}, {"success": False}, True),
        ({"path": "success", "values": ["false"]}, {"success": True}, False),
    ],
)
def test_a_rule_says_which_answers_are_errors_though_they_hold_a_list(
    web: WebService, rule: dict[str, Any], content: dict[str, Any], is_error: bool
) -> None:
    web.says(said(content | {"rows": rows(1)}))
    poll = Poll(web, records="rows", error_when=rule)

    if is_error:
        assert "instead of the list" in poll.fails()
    else:
        assert ids(poll()) == ["1"]


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_body_of_100_mb_is_not_read(web: WebService, is_packed: bool) -> None:
    body = b"[" + b" " * (100 << 20) + b"]"
    web.says(packed(Said(body)) if is_packed else Said(body))

    assert "more than max_bytes = 1048576" in Poll(web, max_bytes=1 << 20).fails()


def test_an_answer_that_never_ends_is_given_up(web: WebService) -> None:
    web.says(Said(b"[" + b" " * (1 << 20) + b"]"))
    poll = Poll(web, deadline="10ms")

    assert "does not come to an end" in poll.fails()


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_make_it_fail_in_another_way(body: bytes) -> None:
    polled_from(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc") | st.text(), inner),
    )
)
def test_no_json_makes_it_fail_in_another_way(content: Any) -> None:
    polled_from(json.dumps({"a": {"b": content}}).encode())
    polled_from(json.dumps({"a": {"b": [content, {"c": content}]}}).encode())


def polled_from(body: bytes) -> None:
    """Read any answer; every record must then be understood or set aside."""

    class Told:
        where = "host/path"

        def ask(self, *_: Any, **__: Any) -> Reply:
            return Reply(200, {}, body)

    for path in ("", "a.b", "a.b[].c"):
        plain = HttpPollOptions(url="http://h/", records=path)
        active = plain.model_copy(update={"active_feed": True, "key": ("a",)})
        for options in (plain, active):
            decoder = TableDecoder(
                TableOptions(incident="a", milestones={}, kind="fire", sparse=True),
                zone=ZoneInfo("UTC"),
            )
            try:
                batches = list(HttpPoll(options, base=Path(), service=Told()).poll({}, now=NINE))
            except SourceUnavailableError:
                continue
            for record in (record for batch in batches for record in batch.records):
                try:
                    decoder.decode(record, source="s", received_at=NINE)
                except BadRecordError as error:
                    str(error).encode()
            again = {batch.part: batch.position for batch in batches}
            list(HttpPoll(options, base=Path(), service=Told()).poll(again, now=NINE))
