"""How a web service is asked: with which secret, how often, and never elsewhere."""

import logging
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.connectors.http_poll.options import HttpPollOptions
from pipelines.connectors.http_poll.poll import HttpPoll
from pipelines.errors import (
    SourceConfigError,
    SourceUnavailableError,
)
from tests.builders import NINE
from tests.pipelines.connectors.polling import Poll, ids, rows
from tests.pipelines.connectors.web_service import (
    Said,
    WebService,
    a_web_service,
    said,
)


@pytest.mark.parametrize(
    ("auth", "name", "sent"),
    [
        ({"type": "bearer", "secret": "TOKEN"}, "authorization", "Bearer s3cret"),
        ({"type": "basic", "user": "u", "secret": "TOKEN"}, "authorization", "Basic dTpzM2NyZXQ="),
        ({"type": "header", "name": "X-Key", "secret": "TOKEN"}, "x-key", "s3cret"),
    ],
)
def test_the_secret_comes_from_the_environment_and_is_shown_nowhere(
    web: WebService, caplog: pytest.LogCaptureFixture, auth: dict[str, str], name: str, sent: str
) -> None:
    caplog.set_level(logging.DEBUG)
    web.says(said(rows(1)), said({}, 401))
    poll = Poll(web, auth=auth)

    poll()

    assert web.requests[0].headers[name] == sent
    assert "s3cret" not in repr(poll.connector._options)
    assert "check the secret in TOKEN" in poll.fails()
    assert "s3cret" not in caplog.text


def test_a_secret_can_be_a_parameter_that_no_message_names(web: WebService) -> None:
    web.says(said({}))
    poll = Poll(web, auth={"type": "query", "name": "key", "secret": "TOKEN"}, params={"f": "json"})

    assert "s3cret" not in poll.fails()
    assert web.requests[0].params == {"f": "json", "key": "s3cret"}


@pytest.mark.parametrize(
    ("variable", "message"),
    [("ABSENT", "ABSENT is not set"), ("CLUMSY", "CLUMSY must be printable ASCII")],
)
def test_without_its_secret_a_source_stops_and_says_which(
    web: WebService, variable: str, message: str
) -> None:
    poll = Poll(web, auth={"type": "bearer", "secret": variable})

    with pytest.raises(SourceConfigError, match=message):
        poll()
    assert web.requests == []


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"url": "ftp://host/x"}, "must be a web address that begins with"),
        ({"url": "http:///x"}, "must be a web address that begins with"),
        ({"url": "http://host:x/"}, "must be a web address"),
        ({"url": "http://u:p@host/"}, "must not hold user or password; use auth"),
        ({"url": "http://host/浓烟"}, "must be written in ASCII"),
        ({"headers": {"Authorization": "x"}}, "is a secret; use auth"),
        ({"headers": {"a b": "x"}}, "must be a header name"),
        ({"headers": {"a": "x\r\ny: z"}}, "must be a header name"),
        ({"auth": {"type": "bearer", "secret": "my secret!"}}, "must be the name of an environ"),
        ({"auth": {"type": "basic", "secret": "A"}}, "needs a user"),
        ({"auth": {"type": "header", "secret": "A"}}, "needs a name"),
        ({"paging": {"by": "next"}}, "needs a path"),
        ({"paging": {"by": "page"}}, "needs a param"),
        ({"active_feed": True}, "needs key"),
        ({"active_feed": True, "key": ["a"], "cursor": {"column": "u", "param": "s"}}, "goes with"),
        ({"cursor": {"column": "u", "param": "s", "format": "%Q"}}, "strptime"),
    ],
)  # fmt: skip
def test_options_that_cannot_work_stop_the_start(options: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        HttpPollOptions.model_validate({"url": "http://host/", **options})


def test_parameters_are_added_to_those_of_the_address(web: WebService) -> None:
    web.says(said([]))

    Poll(web, url=web.url("/calls?a=1&b=2"), params={"b": 3, "c": "浓 烟"})()

    assert web.requests[0].params == {"a": "1", "b": "3", "c": "浓 烟"}


def test_a_passing_trouble_is_tried_again_with_growing_pauses(web: WebService) -> None:
    web.says(said({}, 502), said({}, 503), said(rows(1)))
    poll = Poll(web, back_off="1s")

    assert ids(poll()) == ["1"]
    assert poll.waits == [1, 2]


def test_a_lasting_trouble_is_left_alone_for_longer_each_time(web: WebService) -> None:
    web.says(said({}, 500))
    poll = Poll(web, back_off="1m", attempts=1)

    assert poll.fails(0).endswith("answers 500")
    assert poll.fails(59).endswith("answers 500; not asked again before 01:01:00 UTC")
    assert poll.fails(60).endswith("answers 500")
    assert "not asked again before 01:03:00" in poll.fails(179)
    assert len(web.requests) == 2
    web.says(said(rows(1)))
    assert ids(poll(180)) == ["1"]


@pytest.mark.parametrize(
    ("status", "after", "seconds"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (429, "Mon, 02 Mar 2026 01:02:00 GMT", 120),
        (429, "99999999999", 3600),
        (429, "nonsense", 1),
        (429, "-5", 1),
    ],
)
def test_a_service_that_says_when_is_not_asked_before(
    web: WebService, status: int, after: str, seconds: int
) -> None:
    web.says(said({}, status, Retry_After=after), said(rows(1)))
    poll = Poll(web, attempts=1)

    poll.fails(0)
    poll.fails(seconds - 0.5)

    assert len(web.requests) == 1
    assert ids(poll(seconds)) == ["1"]


def test_patience_is_whole_again_after_a_success(web: WebService) -> None:
    web.says(said({}, 500), said([]), said({}, 500), said([]))
    poll = Poll(web, back_off="1m", attempts=1)

    poll.fails(0)
    poll(60)
    poll.fails(61)

    assert poll(121) == []


def test_a_clock_that_is_set_back_makes_no_pause_longer(web: WebService) -> None:
    web.says(said({}, 500), said(rows(1)))
    poll = Poll(web, back_off="1m", attempts=1)

    poll.fails(0)

    assert ids(poll(-3600)) == ["1"]


def test_a_request_that_is_one_too_many_is_not_repeated_at_once(web: WebService) -> None:
    web.says(said({}, 429))
    poll = Poll(web)

    assert "answers 429" in poll.fails()
    assert (len(web.requests), poll.waits) == (1, [])


def test_a_service_that_is_not_there_is_said_so(web: WebService) -> None:
    poll = Poll(web)
    web.stop()

    assert poll.fails().endswith("no connection: Connection refused")
    assert len(poll.waits) == 2


def test_a_service_that_never_answers_is_given_up() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/calls"
        options = HttpPollOptions.model_validate({"url": url, "timeout": "20ms", "attempts": 1})

        with pytest.raises(SourceUnavailableError, match=r"no answer within 0\.02 s"):
            list(HttpPoll(options, base=Path()).poll({}, now=NINE))


def test_a_redirect_within_the_service_is_followed(web: WebService) -> None:
    web.says(Said(status=302, headers={"Location": "/new?x=1"}))
    web.says(said(rows(1)), path="/new")

    assert ids(Poll(web)()) == ["1"]


@pytest.mark.parametrize(
    "location",
    ["http://elsewhere.example/x", "https://127.0.0.1/x", "//other:1/", "ftp://h", "//["],
)
def test_a_redirect_to_another_host_is_not_followed(web: WebService, location: str) -> None:
    web.says(Said(status=307, headers={"Location": location}))

    assert "307 leads to " in Poll(web, auth={"type": "bearer", "secret": "TOKEN"}).fails()
    assert len(web.requests) == 1


def test_a_redirect_in_a_circle_ends(web: WebService) -> None:
    web.says(Said(status=302, headers={"Location": "/calls"}))

    assert "redirects in a circle" in Poll(web).fails()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_certificate_is_checked_and_one_of_our_own_can_be_named(tmp_path: Path) -> None:
    command = "req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *command.split(), *more], cwd=tmp_path, check=True, stderr=-3)
    with a_web_service() as web:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
        web._server.socket = context.wrap_socket(web._server.socket, server_side=True)
        web.says(said(rows(1)))
        url = web.url().replace("http:", "https:")

        assert "certificate is not accepted: self-signed" in Poll(web, url=url, attempts=1).fails()
        assert ids(Poll(web, tmp_path, url=url, ca_file="cert")()) == ["1"]
        with pytest.raises(SourceConfigError, match=r"nowhere\.pem: No such file"):
            Poll(web, tmp_path, url=url, ca_file="nowhere.pem")()
        with pytest.raises(SourceConfigError, match="ca_file"):
            Poll(web, tmp_path, url=url, ca_file="key")()
