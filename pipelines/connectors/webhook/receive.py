"""The connector for platforms that push: it checks who speaks, and answers after the commit.

What proves to come from the platform and cannot be understood is kept all the same, shown as
unparsed in quarantine, and answered 200. A platform does not mend a message because we refuse it:
CTWing tries three times, and after more than 100 failures in a row, or more than one in ten
within ten seconds, it drops every message for a minute, alarms among them. Only what is worth
sending again, because it could not be stored, is refused (503), and what may not be sent at all:
401 and 403 without the right secret, 405, 413 and 415 for what no platform sends, 429 above the
limit. An answer never holds the secret, nor anything of a record.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from pipelines.connectors.listener import Line, Push, Reply
from pipelines.connectors.record import Origin
from pipelines.connectors.reread import Reread
from pipelines.connectors.webhook.bodies import (
    PushesFile,
    member,
    message_in,
    record_of,
    records_in,
    reread,
)
from pipelines.connectors.webhook.bucket import Bucket
from pipelines.connectors.webhook.options import WebhookOptions
from pipelines.connectors.webhook.proof import NotProvenError, check, check_onenet
from pipelines.errors import SourceConfigError

_NOT_READY_S = 60


class Webhook:
    """What one platform pushes to one source."""

    options = WebhookOptions

    def __init__(
        self,
        options: WebhookOptions,
        *,
        base: Path,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_body = options.max_body
        self._options = options
        self._signs_messages = options.auth.type == "onenet"
        # only who has proven itself takes a token, so a stranger cannot use them up
        self._bucket = Bucket(rate=options.rate, burst=options.burst, elapsed=elapsed)
        self._types = {kind.strip().lower() for kind in options.content_types}
        self._ordinals = count(1)

    def over(self, file: Path) -> PushesFile:
        """Bodies that were saved to a file, one a line."""
        return PushesFile(file, records=self._options.records, signed=self._signs_messages)

    def reread(self, raw: bytes, context: bytes) -> Reread:
        """The columns of a record that was kept."""
        return reread(raw)

    async def receive(self, push: Push, line: Line) -> Reply:
        """Check who is speaking, deliver what they say, and answer after the commit."""
        try:
            if self._signs_messages:
                return await self._receive_signed(push, line)
            if push.method not in ("POST", "PUT"):
                return _refused(405, "records are pushed with POST", {"Allow": "POST"})
            check(push, self._options.auth)
            return await self._take(push, push.body, line)
        except NotProvenError as error:
            return _refused(error.status, str(error), _challenge(error.status))
        except SourceConfigError as error:
            line.down(str(error))
            said = "this source is not ready: its secret is not set"
            return _refused(503, said, {"Retry-After": str(_NOT_READY_S)})

    async def _receive_signed(self, push: Push, line: Line) -> Reply:
        """OneNET: a GET to see whether the address is ours, and signed messages by POST."""
        secret = self._options.auth.secret.reveal()
        if push.method == "GET":
            check_onenet(push.query, push.query.get("msg", ""), secret)
            text = push.query.get("msg", "").encode("utf-8", "surrogatepass")
            # as plain text that no browser takes for a page
            headers = {"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff"}
            return Reply(status=200, body=text, headers=headers)
        message = message_in(push.body)
        if message is None:
            if member(push.body, "enc_msg") is not None:
                said = "encrypted messages are not read; choose plain text (明文) for this push"
                return _refused(415, f"{said} at the platform, and https for the way")
            raise NotProvenError(403, "the body holds no msg, so there is no signature to check")
        signed, record = message
        check_onenet(_signature(push.body), signed, secret)
        return await self._take(push, record, line)

    async def _take(self, push: Push, body: bytes, line: Line) -> Reply:
        wait = self._bucket.take()
        if wait:
            headers = {"Retry-After": str(math.ceil(wait))}
            return _refused(429, f"more than {self._options.rate:g} pushes a second", headers)
        if not body.strip():
            return _stored(0)
        kind = push.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in self._types:
            known = ", ".join(sorted(self._types))
            return _refused(415, f"the Content-Type must be one of: {known}")
        if push.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            return _refused(415, "the body must not be compressed", {"Accept-Encoding": "identity"})
        records = [
            record_of(said, Origin("push", ordinal), ordinal)
            for said, ordinal in zip(
                records_in(body, self._options.records), self._ordinals, strict=False
            )
        ]
        await line.deliver(records)
        return _stored(len(records))


def _signature(body: bytes) -> dict[str, str]:
    """OneNET's nonce and signature; its newer push calls the latter ``signature``."""
    found = {name: member(body, name) for name in ("nonce", "msg_signature", "signature")}
    said = {name: str(value[0]) for name, value in found.items() if value is not None}
    return said | {"signature": said.get("msg_signature", said.get("signature", ""))}


def _stored(records: int) -> Reply:
    return _reply(200, {"received": records}, {})


def _refused(status: int, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    return _reply(status, {"error": text}, headers or {})


def _reply(status: int, content: Mapping[str, object], headers: Mapping[str, str]) -> Reply:
    body = json.dumps(content, ensure_ascii=False).encode()
    return Reply(status=status, body=body, headers={"Content-Type": "application/json", **headers})


def _challenge(status: int) -> dict[str, str]:
    return {"WWW-Authenticate": "Bearer"} if status == 401 else {}
