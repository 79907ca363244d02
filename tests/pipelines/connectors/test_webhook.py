"""What platforms push, over real HTTP: it is stored once, and nothing is lost."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.server import create_app
from pipelines.connectors.webhook.bodies import member, message_in, records_in
from pipelines.connectors.webhook.options import ProofOptions, WebhookOptions
from pipelines.connectors.webhook.receive import Webhook
from pipelines.decoders.iot_push.ctwing import CtwingDecoder, CtwingOptions
from pipelines.door.inspection import decode_file
from pipelines.door.quarantine import replay
from pipelines.reading.options import HeldSecret
from tests.builders import NINE, at
from tests.pipelines.connectors.platforms import (
    CTWING,
    a_push,
    a_report,
    a_source,
    iotda_headers,
    of_device,
    onenet_signature,
    quarantined,
)
from tests.pipelines.decoders.test_iot_push import SAMPLES, json_values
from tests.pipelines.pushing import SECRET, VARIABLE, Street, a_street, serving


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    with a_street(tmp_path, a_source() + a_source("ctwing", decoder=CTWING)) as street:
        yield street


def test_an_alarm_is_on_disk_when_its_push_is_answered(street: Street) -> None:
    reply = street.push("ctwing", a_report("S-1", 1))

    assert (reply.status_code, reply.json()) == (200, {"received": 1})
    (incident,) = street.incidents().values()
    assert (incident.kind, incident.source) == ("smoke", "ctwing")
    assert incident.key == "S-1@2026-03-02T01:00:00.000Z"
    assert len(of_device(street, "device", "S-1")) == 1


def test_a_list_is_several_records_and_a_bad_one_stops_no_good_one(street: Street) -> None:
    body = [a_push("S-1"), {"device": "", "state": "alarm"}, "nonsense", a_push("S-2")]

    assert street.push("plain", body).json() == {"received": 4}

    assert {key.partition("@")[0] for key in street.incidents()} == {"S-1", "S-2"}
    assert len(quarantined(street, "plain")) == 2


def test_the_same_push_again_changes_nothing(street: Street) -> None:
    tables = ("incident", "report", "fact", "signal", "alarm", "quarantine", "rollup")
    bodies = [a_report("S-1", 1), a_report("S-1", 7, 60), a_report("S-1", 99, 61)]
    for body in bodies:
        street.push("ctwing", body)
    before = {name: street.rows(name) for name in tables}

    for body in [*bodies, *bodies]:
        street.clock.advance(timedelta(seconds=30))
        assert street.push("ctwing", body).status_code == 200

    assert {name: street.rows(name) for name in tables} == before
    assert len(before["incident"]) == 1


def test_what_cannot_be_stored_is_refused_and_stored_once_when_it_is_sent_again(
    street: Street, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(street.installation.door, "guard", broken)
        refused = [street.push("plain", a_push()) for _ in range(3)]
        assert street.rows("report") == []
    taken = street.push("plain", a_push())

    assert {(r.status_code, r.headers["retry-after"]) for r in refused} == {(503, "5")}
    assert "no space" not in refused[0].text
    assert taken.status_code == 200
    assert len(street.rows("report")) == 1
    assert SECRET not in caplog.text


def test_many_pushes_at_once_are_all_stored(street: Street) -> None:
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda n: street.push("plain", a_push(f"S-{n}")), range(200)))

    assert {reply.status_code for reply in replies} == {200}
    assert len(street.incidents()) == 200


ROOT = Path(__file__).parents[3]

UNPARSED = {
    "nothing like JSON": b"<xml/>",
    "JSON that is cut off": b'{"device": "S-1", "state": "al',
    "invalid UTF-8": b'{"device": "S-1\xff", "state": "alarm"}',
    "nested 10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a list nested 10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "half a character": b'{"device": "\\ud800", "state": "alarm"}',
    "a single value": b"7",
    "bytes of zero": b"\x00" * 100,
    "no known column": b'{"device": "S-1", "other": 1}',
}


@pytest.mark.parametrize("what", UNPARSED)
def test_what_makes_no_sense_is_kept_shown_as_unparsed_and_answered_200(
    town: Street, what: str
) -> None:
    before = len(quarantined(town, "plain"))

    reply = town.push("plain", UNPARSED[what])

    assert reply.status_code == 200
    rows = quarantined(town, "plain")
    assert len(rows) == before + 1
    assert [row for row in rows if UNPARSED[what] in row]


def test_a_part_that_makes_no_sense_is_kept_and_the_rest_counts(street: Street) -> None:
    street.push("ctwing", a_report("S-1", 99))

    (row,) = quarantined(street, "ctwing")
    assert "is not in the mapping; add it to map" in row
    assert len(of_device(street, "device", "S-1")) == 1


def test_a_code_that_is_added_to_the_mapping_counts_when_quarantine_is_replayed(
    street: Street,
) -> None:
    street.push("ctwing", a_report("S-1", 99))
    states = {"column": "Alarm_Status", "map": {"99": "alarm"}}
    options = CtwingOptions(kind="smoke", states=states)  # type: ignore[arg-type]
    (source,) = (s for s in street.installation.sources if s.id == "ctwing")
    mended = replace(source, decoder=CtwingDecoder(options, zone=ZoneInfo("Asia/Shanghai")))

    done = replay(street.installation.store, street.installation.door, mended)

    assert (done.taken_in, done.still) == (1, 0)
    assert list(street.incidents()) == ["S-1@2026-03-02T01:00:00.000Z"]
    assert quarantined(street, "ctwing") == []


def push_sample(street: Street, name: str) -> Any:
    """Push a sample as its platform does."""
    body = SAMPLES[name]
    if name.startswith("H"):
        return street.push("iotda", body, headers=iotda_headers())
    if name.startswith("C"):
        return street.push("ctwing", body)
    message = json.dumps(body["msg"], separators=(",", ":"))
    signature = onenet_signature(message, "abcdefgh")
    signed = f'{{"msg":{message},"nonce":"abcdefgh","msg_signature":"{signature}"}}'
    return street.push("onenet", signed.encode())


# the smoke detectors' table knows only C02 and, from the platform itself, C04
UNKNOWN = {"C01", "C03", "C05", "C06", "C07", "C08", "C09", "C10"}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_sample_is_answered_200_and_kept(town: Street, name: str) -> None:
    names = {"deviceId", "device_id", "dev_id"}
    heads = (SAMPLES[name], SAMPLES[name].get("msg", {}), SAMPLES[name].get("notify_data", {}))
    inner = (*heads, heads[2].get("header", {}))
    device = next(str(head[key]) for head in inner for key in names & head.keys())
    before = len(town.rows("quarantine"))

    reply = push_sample(town, name)

    assert (reply.status_code, reply.json()) == (200, {"received": 1})
    assert len(town.rows("quarantine")) == before + (name in UNKNOWN)
    assert of_device(town, "device", device) or name in UNKNOWN


@given(body=st.binary(max_size=80) | json_values.map(lambda value: json.dumps(value).encode()))
@pytest.mark.parametrize("path", ["", "data", "data.rows", "[].item"])
def test_any_body_is_taken_apart_without_losing_a_byte(path: str, body: bytes) -> None:
    member(body, "msg")
    message_in(body)

    said = records_in(body, path)

    assert all((s.reread.fields is None) != (s.reread.problem is None) for s in said)
    if path == "" and not body.lstrip().startswith(b"["):
        assert [s.raw for s in said] == [body]


def test_an_empty_push_is_a_platform_trying_the_address(town: Street) -> None:
    before = town.rows("source")

    reply = town.push("plain", b"", headers={"Authorization": f"Bearer {SECRET}"})

    assert (reply.status_code, reply.json()) == (200, {"received": 0})
    assert town.rows("source") == before


def test_records_may_stand_somewhere_inside(town: Street) -> None:
    body = {"code": 0, "data": {"rows": [a_push("inside-1"), a_push("inside-2")]}}

    assert town.push("listed", body).json() == {"received": 2}
    assert town.push("listed", {"data": {}}).json() == {"received": 1}
    (row,) = quarantined(town, "listed")
    assert "holds no list at data.rows" in row


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"msg": [1, "]"] , "a": 1}', '[1, "]"]'),
        (b'\xef\xbb\xbf {"a": {"msg": 2}, "msg":3}', "3"),
        (b'{"a": "\\"msg\\": 2"}', None),
        (b'{"msg": 1', "1"),
        (b"", None),
    ],
)
def test_a_member_is_cut_out_as_it_stands(body: bytes, found: str | None) -> None:
    assert (member(body, "msg") or (None, None))[1] == found


def test_pushes_reach_the_running_product(tmp_path: Path) -> None:
    with a_street(tmp_path, a_source()) as street:
        app = create_app(street.live, build="test", more=street.live.routes())
        with serving(app) as url:
            headers = {"Authorization": f"Bearer {SECRET}"}
            street.client.post(f"{url}/ingest/plain", json=a_push(), headers=headers)

            rows = street.client.get(f"{url}/api/v1/rows").json()

    assert [row["kind"] for row in rows] == ["smoke"]


def test_a_saved_push_shows_what_it_would_become(tmp_path: Path) -> None:
    file = tmp_path / "pushes.jsonl"
    lines = [a_push("S-1"), [a_push("S-2", "normal"), 7]]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + "\n")
    with a_street(tmp_path, a_source()) as street:
        settings = street.installation.settings

        shown = list(decode_file(settings, "plain", file, None, now=at(60)))  # type: ignore[arg-type]

    assert [(s["line"], s.get("device"), s.get("begun")) for s in shown if "device" in s] == [
        (1, "S-1", ["alarm"]),
        (2, "S-2", []),
    ]
    assert [s["alarm"] for s in shown if s.get("alarm")] == [["S-1", NINE.isoformat()]]
    assert [s["line"] for s in shown if "quarantined" in s] == [2]


def test_a_record_that_was_set_aside_is_read_again_as_it_was_pushed(tmp_path: Path) -> None:
    auth = ProofOptions(type="bearer", secret=HeldSecret(VARIABLE, SECRET))
    webhook = Webhook(WebhookOptions(auth=auth), base=tmp_path)

    assert webhook.reread(b'{"a": {"b": 1.50}}', b"").fields == {"a.b": "1.50"}
    assert webhook.reread(b"\xff", b"").problem == ("(body)", "\\xff", "byte 1 is not UTF-8")


def test_the_block_of_the_handbook_works_as_it_stands(tmp_path: Path) -> None:
    page = (ROOT / "docs/sources.md").read_text("utf-8").partition("\n## webhook\n")[2]
    block = page.partition("```toml\n")[2].partition("```")[0]
    block = block.replace("SMOKE_PUSH_SECRET", VARIABLE)
    with a_street(tmp_path, block) as street:
        for status in (1, 2, 7):
            assert street.push("smoke_push", a_report("S-1", status)).status_code == 200

        assert list(street.incidents()) == ["S-1@2026-03-02T01:00:00.000Z"]
        assert street.rows("quarantine") == []
