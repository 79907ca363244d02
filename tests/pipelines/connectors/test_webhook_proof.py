"""Who may push: the right secret in the right place, and OneNET's handshake."""

import base64
import hmac
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors.listener import Push
from pipelines.connectors.webhook.options import ProofOptions, WebhookOptions
from pipelines.reading.options import HeldSecret
from tests.pipelines.connectors.platforms import (
    BODY,
    NINE_MS,
    a_source,
    iotda_headers,
    of_device,
    onenet_signature,
)
from tests.pipelines.pushing import SECRET, VARIABLE, Street, a_street


def hmac_of(body: bytes, secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), body, "sha256").digest()


RIGHT: dict[str, tuple[str, dict[str, str], str]] = {
    "bearer": ("plain", {"Authorization": f"Bearer {SECRET}"}, ""),
    "bearer in lower case": ("plain", {"Authorization": f"bearer {SECRET}"}, ""),
    "header": ("by_header", {"x-token": SECRET}, ""),
    "query": ("by_query", {}, f"?token={SECRET}"),
    "hmac in hex": ("by_hmac", {"X-Signature": hmac_of(BODY).hex()}, ""),
    "hmac as GitHub writes it": ("by_hmac", {"X-Signature": f"sha256={hmac_of(BODY).hex()}"}, ""),
    "hmac in base64": (
        "by_hmac",
        {"X-Signature": base64.b64encode(hmac_of(BODY)).decode()},
        "",
    ),
    "iotda": ("iotda", iotda_headers(), ""),
}


@pytest.mark.parametrize("how", RIGHT)
def test_the_right_secret_lets_a_push_in(town: Street, how: str) -> None:
    source, headers, query = RIGHT[how]

    assert town.push(source, BODY, headers=headers, query=query).status_code == 200


WRONG: dict[str, tuple[str, dict[str, str], str, int]] = {
    "nothing": ("plain", {}, "", 401),
    "another secret": ("plain", {"Authorization": "Bearer another"}, "", 403),
    "the secret and more": ("plain", {"Authorization": f"Bearer {SECRET}x"}, "", 403),
    "half of the secret": ("plain", {"Authorization": f"Bearer {SECRET[:-1]}"}, "", 403),
    "the secret padded": ("plain", {"Authorization": f"Bearer {SECRET}="}, "", 403),
    "as basic": ("plain", {"Authorization": f"Basic {SECRET}"}, "", 401),
    "in the URL": ("plain", {}, f"?token={SECRET}", 401),
    "no header": ("by_header", {}, "", 401),
    "another header": ("by_header", {"X-Token": "ü"}, "", 403),
    "another parameter": ("by_query", {}, "?token=%00", 403),
    "hmac of another body": ("by_hmac", {"X-Signature": hmac_of(b"{}").hex()}, "", 403),
    "hmac with another secret": ("by_hmac", {"X-Signature": hmac_of(BODY, "x").hex()}, "", 403),
    "hmac that is none": ("by_hmac", {"X-Signature": "sha256="}, "", 401),
    "iotda without a signature": ("iotda", {"timestamp": "1", "nonce": "2"}, "", 401),
    "iotda with another token": ("iotda", iotda_headers("another"), "", 403),
    "iotda at another time": ("iotda", iotda_headers() | {"timestamp": "1"}, "", 403),
}


@pytest.mark.parametrize("how", WRONG)
def test_any_other_secret_keeps_it_out_and_learns_nothing(town: Street, how: str) -> None:
    source, headers, query, status = WRONG[how]
    before = town.rows("source")
    said = {name: value.encode() for name, value in headers.items()}

    reply = town.push(source, BODY, headers=said, query=query)  # type: ignore[arg-type]

    assert reply.status_code == status
    assert set(reply.json()) == {"error"}
    assert SECRET not in reply.text
    assert VARIABLE not in reply.text
    assert town.rows("source") == before


def handshake(secret: str = SECRET, message: str = "hello<b>") -> dict[str, str]:
    return {
        "msg": message,
        "nonce": "abcdefgh",
        "signature": onenet_signature(message, "abcdefgh", secret),
    }


def test_onenet_is_answered_with_its_own_message_when_it_tries_the_address(town: Street) -> None:
    reply = town.client.get(f"{town.url}/ingest/onenet", params=handshake())

    assert (reply.status_code, reply.text) == (200, "hello<b>")
    assert reply.headers["content-type"].startswith("text/plain")


def test_onenet_may_leave_the_plus_signs_of_its_signature_unescaped(town: Street) -> None:
    numbers = (f"message {n}" for n in range(1000))
    message = next(m for m in numbers if "+" in onenet_signature(m, "abcdefgh"))
    query = "&".join(f"{k}={v}" for k, v in handshake(message=message).items())

    assert town.client.get(f"{town.url}/ingest/onenet?{query}").text == message


@pytest.mark.parametrize("change", [{"signature": "x"}, {"nonce": "hgfedcba"}, {"msg": "bye"}])
def test_a_handshake_with_another_signature_is_refused(
    town: Street, change: dict[str, str]
) -> None:
    reply = town.client.get(f"{town.url}/ingest/onenet", params=handshake() | change)

    assert reply.status_code == 403
    assert "hello" not in reply.text


def test_a_handshake_without_a_signature_is_refused(town: Street) -> None:
    assert town.client.get(f"{town.url}/ingest/onenet").status_code == 401


def test_onenet_signs_each_message_and_another_nonce_changes_nothing(town: Street) -> None:
    message = json.dumps(
        {"type": 1, "dev_id": 77, "ds_id": "3200_0_5500", "value": True, "at": NINE_MS}
    )

    for nonce in ("abcdefgh", "hgfedcba"):
        signature = onenet_signature(message, nonce)
        body = f'{{ "nonce" : "{nonce}", "msg" :  {message} , "msg_signature":"{signature}" }}'
        assert town.push("onenet", body.encode()).status_code == 200

    assert [k for k in town.incidents() if k.startswith("77@")] == ["77@2026-03-02T01:00:00.000Z"]
    assert len(of_device(town, "signal", "77")) == 1


def test_onenet_may_send_its_message_as_a_text(town: Street) -> None:
    message = json.dumps(
        {"type": 1, "dev_id": 78, "ds_id": "3200_0_5500", "value": True, "at": NINE_MS}
    )
    signature = onenet_signature(message, "abcdefgh").rstrip("=")
    body = {"msg": message, "nonce": "abcdefgh", "signature": signature, "time": NINE_MS}

    assert town.push("onenet", body).status_code == 200

    assert [k for k in town.incidents() if k.startswith("78@")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"msg": {"type": 1}, "nonce": "abcdefgh", "msg_signature": "AAAA"}, 403),
        ({"msg": {"type": 1}, "nonce": "abcdefgh"}, 401),
        ({"msg": {"type": 1}, "nonce": 7, "msg_signature": {}}, 403),
        ({"type": 1}, 403),
        ([1], 403),
        (b"\xff", 403),
        (b'{"msg":' + b"[" * 10_000, 403),
        ({"enc_msg": "AAAA", "nonce": "abcdefgh", "msg_signature": "AAAA"}, 415),
    ],
)
def test_onenet_messages_without_a_right_signature_are_refused(
    town: Street, body: Any, status: int
) -> None:
    before = town.rows("source")

    reply = town.push("onenet", body)

    assert reply.status_code == status
    assert town.rows("source") == before
    if status == 415:
        assert "plain text (明文)" in reply.json()["error"]


def test_without_its_secret_a_source_is_down_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with a_street(tmp_path, a_source(), secret=None) as street:
        replies = [street.push("plain", BODY) for _ in range(3)]

        assert {reply.status_code for reply in replies} == {503}
        assert VARIABLE not in replies[0].text
        (line,) = (s for s in street.live.health()["sources"] if s["id"] == "plain")
        assert VARIABLE in line["problem"]
    said = [r for r in caplog.records if "plain is down" in r.getMessage()]
    assert len(said) == 1
    assert said[0].levelno == logging.WARNING


def test_a_proof_that_is_incomplete_is_refused() -> None:
    with pytest.raises(ValueError, match=r'"query" needs a name'):
        ProofOptions(type="query", secret=HeldSecret(VARIABLE, SECRET))


def test_the_secret_does_not_show_in_what_is_printed() -> None:
    auth = ProofOptions(type="bearer", secret=HeldSecret(VARIABLE, SECRET))
    push = Push(method="POST", path="/", query={}, headers={}, body=b"", peer="")

    assert SECRET not in repr(WebhookOptions(auth=auth)) + repr(push)
