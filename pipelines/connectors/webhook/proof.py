"""Who is speaking: compared in constant time, and nothing of the secret in what is answered.

OneNET: base64 of md5 over token, nonce and message, as the platform's page on HTTP push says (its
own example code compares without the padding). IoTDA: sha256 over token, timestamp and nonce in
alphabetical order, in hex, as the platform's page on HTTP forwarding says.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

from pipelines.connectors.listener import Push
from pipelines.connectors.webhook.options import ProofOptions

_HEX = frozenset("0123456789abcdefABCDEF")


class NotProvenError(Exception):
    """The pusher has not shown who it is: ``status`` 401 when it showed nothing, 403 when wrong."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def check(push: Push, options: ProofOptions) -> None:
    """Raise NotProvenError unless the push carries the proof that the options ask for.

    OneNET's is inside its message: :func:`check_onenet`. Raises SourceConfigError when the
    secret is not set.
    """
    _PROOFS[options.type](push, options, options.secret.reveal())


def check_onenet(said: Mapping[str, str], message: str, secret: str) -> None:
    """Raise NotProvenError unless OneNET's ``nonce`` and ``signature`` fit its message."""
    nonce, given = said.get("nonce", ""), said.get("signature", "")
    digest = hashlib.md5(f"{secret}{nonce}{message}".encode("utf-8", "surrogatepass")).digest()
    # a plus sign in a URL arrives as a space when the platform does not escape it
    _same(given.replace(" ", "+"), base64.b64encode(digest).decode(), "the signature")


def _bearer(push: Push, options: ProofOptions, secret: str) -> None:
    scheme, _, shown = push.headers.get("authorization", "").partition(" ")
    given = shown.strip() if scheme.lower() == "bearer" else ""
    _same(given, secret, "the header Authorization: Bearer", bare=False)


def _header(push: Push, options: ProofOptions, secret: str) -> None:
    name = options.name or ""
    _same(push.headers.get(name.lower(), ""), secret, f"the header {name}", bare=False)


def _query(push: Push, options: ProofOptions, secret: str) -> None:
    name = options.name or ""
    _same(push.query.get(name, ""), secret, f"the parameter {name} of the URL", bare=False)


def _hmac(push: Push, options: ProofOptions, secret: str) -> None:
    name = options.name or ""
    digest = hmac.new(secret.encode(), push.body, options.algorithm).digest()
    given = push.headers.get(name.lower(), "").strip().removeprefix(f"{options.algorithm}=")
    if _HEX.issuperset(given):
        _same(given.lower(), digest.hex(), f"the header {name}")
    else:
        _same(given, base64.b64encode(digest).decode(), f"the header {name}")


def _iotda(push: Push, options: ProofOptions, secret: str) -> None:
    said = (push.headers.get(name, "") for name in ("timestamp", "nonce"))
    expected = hashlib.sha256("".join(sorted((secret, *said))).encode()).hexdigest()
    _same(push.headers.get("signature", "").lower(), expected, "the header signature")


def _same(given: str, expected: str, where: str, *, bare: bool = True) -> None:
    """Raise NotProvenError unless they are the same; ``bare`` leaves base64 padding out."""
    if not given:
        raise NotProvenError(401, f"{where} is missing; it must prove that the source may push")
    if bare:
        given, expected = given.rstrip("="), expected.rstrip("=")
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode()):
        raise NotProvenError(403, f"{where} does not fit the secret of this source")


_PROOFS: Mapping[str, Callable[[Push, ProofOptions, str], None]] = {
    "bearer": _bearer,
    "header": _header,
    "query": _query,
    "hmac": _hmac,
    "iotda": _iotda,
}
