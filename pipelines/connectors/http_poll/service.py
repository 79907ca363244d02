"""Asking a web service: patiently, within limits, and never more often than it allows."""

import ssl
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import certifi
import urllib3
from urllib3.exceptions import (
    HTTPError,
    IncompleteRead,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as Slow

from pipelines.connectors.http_poll.options import AskOptions, AuthOptions
from pipelines.errors import SourceConfigError, SourceUnavailableError
from pipelines.reading.options import HeldSecret

LONGEST_PAUSE = timedelta(hours=1)
"""However long a service asks us to stay away: a slip of its pen must not silence it for years."""
_LONGEST_BACK_OFF = timedelta(minutes=5)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 1 << 16
_PACKED = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # zlib's window codes


class Reply(NamedTuple):
    """What the service answered: 200 with a body, or 304 without; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Asked(Protocol):
    """Something that answers questions: a service, or a saved answer.

    ``where`` is shown to people: host and path, never the query, which may hold secrets.
    """

    @property
    def where(self) -> str: ...  # noqa: D102 - said above

    def ask(
        self, url: str, params: Mapping[str, str], headers: Mapping[str, str], *, now: datetime
    ) -> Reply:
        """Ask once; raise SourceUnavailableError or SourceConfigError when there is no answer."""
        ...


class _NoAnswerError(Exception):
    """An attempt failed; ``again`` if trying at once may help, ``pause`` if the service said."""

    def __init__(self, text: str, *, again: bool = False, pause: timedelta | None = None) -> None:
        super().__init__(text)
        self.again = again
        self.pause = pause


class Service:
    """One web service, asked by one source. After a failure it is left alone for a while."""

    def __init__(
        self,
        options: AskOptions,
        *,
        base: Path,
        wait: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._base = base
        self._wait = wait
        self._elapsed = elapsed
        self._home = urlsplit(options.url)
        self._pool: urllib3.PoolManager | None = None
        self._failures = 0
        self._asked_at: datetime | None = None
        self._pause = timedelta(0)
        self._trouble = ""

    @property
    def where(self) -> str:
        """Host and path, to be shown."""
        return f"{self._home.netloc}{self._home.path}"

    def ask(
        self, url: str, params: Mapping[str, str], headers: Mapping[str, str], *, now: datetime
    ) -> Reply:
        """Ask, and ask again if that may help; see :class:`Asked`."""
        self._respect_pause(now)
        for attempt in range(1, self._options.attempts + 1):
            try:
                reply = self._follow(url, params, headers, now)
            except _NoAnswerError as error:
                if error.again and attempt < self._options.attempts:
                    self._wait(self._options.back_off.total_seconds() * 2 ** (attempt - 1))
                    continue
                self._failed(str(error), error.pause, now)
                raise SourceUnavailableError(f"{self.where}: {error}") from error
            break
        self._failures, self._asked_at = 0, None
        return reply

    def _respect_pause(self, now: datetime) -> None:
        # a clock that was set back must not make the pause longer than it was
        if self._asked_at is not None and self._asked_at <= now < self._asked_at + self._pause:
            until = self._asked_at + self._pause
            raise SourceUnavailableError(
                f"{self.where}: {self._trouble}; not asked again before {until:%H:%M:%S} UTC"
            )

    def _failed(self, trouble: str, pause: timedelta | None, now: datetime) -> None:
        doubled = self._options.back_off * 2 ** min(self._failures, 16)
        own = min(doubled, _LONGEST_BACK_OFF)
        self._failures += 1
        self._asked_at = now
        self._pause = own if pause is None else min(max(pause, own), LONGEST_PAUSE)
        self._trouble = trouble

    def _follow(
        self, url: str, params: Mapping[str, str], headers: Mapping[str, str], now: datetime
    ) -> Reply:
        """Ask, and go where the service points, as long as that is the service itself."""
        target = self._at_home(url, params, "the next page")
        for _ in range(5):
            response = self._request(target, headers)
            try:
                if response.status not in _REDIRECTS:
                    return self._reply(response, now)
                location = response.headers.get("Location", "")
            finally:
                response.close()
            target = self._at_home(beside(target, location), {}, f"{response.status}")
        raise _NoAnswerError("redirects in a circle")

    def _at_home(self, url: str, params: Mapping[str, str], what: str) -> str:
        """The address with its parameters; secrets are never sent to another host."""
        try:
            parts = urlsplit(url)
            home = _origin(parts) == _origin(self._home)
        except ValueError as error:
            raise _NoAnswerError(f"{what} leads to an address that makes no sense") from error
        if not home or not url.isascii() or any(sign <= " " for sign in url):
            host = ascii(f"{parts.scheme}://{parts.hostname}")[1:-1]
            raise _NoAnswerError(f"{what} leads to {host}; if that is right, put it into url")
        auth = self._options.auth
        secret = {auth.name or "": _clean(auth.secret)} if auth and auth.type == "query" else {}
        added = {**params, **secret}
        asked = [(name, text) for name, text in parse_qsl(parts.query, True) if name not in added]
        query = urlencode([*asked, *added.items()]) if added else parts.query
        return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))

    def _request(self, target: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        options = self._options
        sent = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "Grid135"}
        sent |= {**options.headers, **headers, **_credentials(options.auth)}
        timeout = options.timeout.total_seconds()
        try:
            return self._connections().request(
                "GET",
                target,
                headers=sent,
                timeout=urllib3.Timeout(connect=timeout, read=timeout),
                preload_content=False,
                decode_content=False,
                redirect=False,
                retries=False,
            )
        except (HTTPError, HTTPException, OSError, UnicodeError) as error:
            raise _NoAnswerError(_in_words(error, options.timeout), again=True) from error

    def _connections(self) -> urllib3.PoolManager:
        if self._pool is None:
            secure = self._home.scheme == "https"
            self._pool = urllib3.PoolManager(ssl_context=self._trust() if secure else None)
        return self._pool

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=certifi.where())
        context.load_default_certs()
        if self._options.ca_file is not None:
            file = self._base / self._options.ca_file
            try:
                context.load_verify_locations(file)
            except OSError as error:  # ssl.SSLError is one
                reason = error.strerror or "holds no certificate in PEM"
                raise SourceConfigError(f"ca_file: {file}: {reason}") from error
        return context

    def _reply(self, response: urllib3.BaseHTTPResponse, now: datetime) -> Reply:
        headers = {name.lower(): text for name, text in response.headers.items()}
        status = response.status
        if status == 304:
            return Reply(status, headers, b"")
        if status == 200:
            return Reply(status, headers, self._body(response, headers))
        pause = _retry_after(headers.get("retry-after"), now)
        auth, hint = self._options.auth, ""
        if status in (401, 403):
            hint = f"; check the secret in {auth.secret.variable}" if auth else "; it wants auth"
        raise _NoAnswerError(
            f"answers {status}{hint}", again=status >= 500 and pause is None, pause=pause
        )

    def _body(self, response: urllib3.BaseHTTPResponse, headers: Mapping[str, str]) -> bytes:
        packed = headers.get("content-encoding", "").strip().lower()
        if packed not in ("", "identity", *_PACKED):
            raise _NoAnswerError("answers in a packing that was not asked for")
        unpack = zlib.decompressobj(_PACKED[packed]) if packed in _PACKED else None
        limit, until = (
            self._options.max_bytes,
            self._elapsed() + self._options.deadline.total_seconds(),
        )
        body = bytearray()
        try:
            for chunk in response.stream(_CHUNK, decode_content=False):
                # one byte more than allowed is enough to know
                body += unpack.decompress(chunk, limit - len(body) + 1) if unpack else chunk
                if len(body) > limit:
                    raise _NoAnswerError(f"answers with more than max_bytes = {limit}")
                if self._elapsed() > until:
                    raise _NoAnswerError("does not come to an end; see deadline")
        except (HTTPError, HTTPException, OSError, zlib.error) as error:
            raise _NoAnswerError(_in_words(error, self._options.timeout), again=True) from error
        if unpack is not None and body and not unpack.eof:
            raise _NoAnswerError("breaks off", again=True)
        return bytes(body)


def beside(here: str, link: str) -> str:
    """Where a link leads that was found here; one that makes no sense is refused when asked."""
    try:
        return urljoin(here, link)
    except ValueError:
        return link


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _clean(secret: HeldSecret) -> str:
    """The secret, fit for a header: an error of the library would show it whole."""
    text = secret.reveal().strip()
    if not text.isascii() or not text.isprintable():
        raise SourceConfigError(f"the secret in {secret.variable} must be printable ASCII")
    return text


def _credentials(auth: AuthOptions | None) -> dict[str, str]:
    if auth is None or auth.type == "query":
        return {}
    if auth.type == "basic":
        pair = f"{auth.user}:{auth.secret.reveal().strip()}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    text = _clean(auth.secret)
    return {"Authorization": f"Bearer {text}"} if auth.type == "bearer" else {auth.name or "": text}


def _retry_after(text: str | None, now: datetime) -> timedelta | None:
    """How long the service asks to be left alone: seconds, or a date (RFC 9110, 10.2.3)."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return timedelta(seconds=int(text[:9]))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(until - now, timedelta(0))


def _in_words(error: Exception, timeout: timedelta) -> str:
    """What went wrong, without the library's text: that names the whole address."""
    cause = error.__cause__ or error
    if isinstance(error, SSLError):
        reason = getattr(error.args[0] if error.args else None, "verify_message", "")
        return f"its certificate is not accepted: {reason or 'TLS failed'} (see ca_file)"
    if isinstance(error, NameResolutionError):
        return "there is no such host"
    if isinstance(error, Slow) and not isinstance(error, NewConnectionError):
        return f"no answer within {timeout.total_seconds():g} s"
    if isinstance(cause, IncompleteRead | zlib.error):
        return "breaks off"
    return f"no connection: {getattr(cause, 'strerror', None) or type(cause).__name__}"
