"""How much may be pushed, how often, and as what."""

import gzip
import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette

from pipelines.connectors.webhook.bucket import Bucket
from pipelines.connectors.webhook.options import ProofOptions, WebhookOptions
from pipelines.connectors.webhook.receive import Webhook
from pipelines.door.receiving import Pushed, ingest_route
from pipelines.reading.options import HeldSecret
from tests.pipelines.connectors.platforms import BODY, a_push
from tests.pipelines.pushing import SECRET, VARIABLE, Street, serving


@pytest.mark.parametrize(
    ("method", "source", "status"),
    [
        ("GET", "plain", 405),
        ("DELETE", "plain", 405),
        ("POST", "nobody", 404),
        ("PUT", "plain", 200),
    ],
)
def test_only_pushes_to_known_sources_are_taken(
    town: Street, method: str, source: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    url = f"{town.url}/ingest/{source}"

    assert (
        town.client.request(method, url, json=a_push("put"), headers=headers).status_code == status
    )


@pytest.mark.parametrize("kind", ["text/html", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_refused(town: Street, kind: str) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": kind}

    reply = town.push("plain", BODY, headers=headers)

    assert reply.status_code == 415
    assert reply.json() == {"error": "the Content-Type must be one of: application/json"}


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_a_content_type_may_be_written_in_many_ways(town: Street, kind: str) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": kind}

    assert town.push("plain", BODY, headers=headers).status_code == 200


def test_a_compressed_body_is_refused(town: Street) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Encoding": "gzip"}

    assert town.push("plain", gzip.compress(BODY), headers=headers).status_code == 415


def test_who_pushes_too_much_is_told_to_wait_and_strangers_use_nothing_up(town: Street) -> None:
    for _ in range(10):
        town.push("few", BODY, headers={})

    replies = [town.push("few", BODY) for _ in range(5)]

    assert [reply.status_code for reply in replies] == [200, 200, 200, 429, 429]
    assert replies[-1].headers["retry-after"] == "1"
    assert town.push("plain", BODY).status_code == 200


def test_a_bucket_fills_up_again_and_never_beyond_its_size() -> None:
    now = 0.0
    bucket = Bucket(rate=2, burst=3, elapsed=lambda: now)

    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]
    now = 0.5
    assert [bucket.take(), bucket.take()] == [0, 0.5]
    now = 1000
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]


def a_socket(street: Street) -> socket.socket:
    host, _, port = street.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def request(source: str, *headers: str) -> bytes:
    first = (f"POST /ingest/{source} HTTP/1.1", "Host: t", f"Authorization: Bearer {SECRET}")
    return "\r\n".join((*first, "Content-Type: application/json", *headers, "", "")).encode()


def test_a_body_that_says_it_is_100_mb_is_refused_unread(town: Street) -> None:
    with a_socket(town) as peer:
        peer.sendall(request("small", "Content-Length: 104857600"))

        assert peer.recv(100).startswith(b"HTTP/1.1 413")
    assert town.push("small", BODY).status_code == 200


def test_a_body_of_100_mb_without_a_length_is_refused_before_its_end(town: Street) -> None:
    sent, chunk = 0, b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with a_socket(town) as peer:
        peer.sendall(request("small", "Transfer-Encoding: chunked"))
        try:
            while sent < 100 << 20:
                peer.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
        assert sent < 20 << 20  # what fits into the buffers of the sockets
    assert town.push("small", BODY).status_code == 200


def test_a_body_at_the_limit_is_taken(town: Street) -> None:
    assert town.push("small", BODY + b" " * (2048 - len(BODY))).status_code == 200
    assert town.push("small", BODY + b" " * (2049 - len(BODY))).status_code == 413


class NoLine:
    """Nothing is to be delivered."""


def test_a_body_that_comes_too_slowly_is_refused_and_holds_nobody_up() -> None:
    auth = ProofOptions(type="bearer", secret=HeldSecret(VARIABLE, SECRET))
    receiver = Webhook(WebhookOptions(auth=auth), base=Path())
    slow = Pushed(receiver, NoLine(), is_urgent=False)  # type: ignore[arg-type]
    route = ingest_route({"slow": slow}, patience=timedelta(seconds=0.3))
    with serving(Starlette(routes=[route])) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as peer:
            begin = time.monotonic()
            peer.sendall(request("slow", "Content-Length: 100") + b"{")
            answer = peer.recv(1000)
            took = time.monotonic() - begin

            assert answer.startswith(b"HTTP/1.1 408")
            assert b"the body took too long" in answer + peer.recv(1000)
            assert 0.25 < took < 10


def test_a_pusher_that_hangs_up_half_way_leaves_nothing(town: Street) -> None:
    before = town.rows("source")
    with a_socket(town) as peer:
        peer.sendall(request("plain", "Content-Length: 1000") + BODY)

    assert town.push("few", BODY, headers={}).status_code == 401
    assert town.rows("source") == before
