"""An OpenID Connect provider: where to send somebody, and what comes back with them.

Authorization code with PKCE (RFC 7636, S256), ``state`` and ``nonce``; the identity token's
signature, issuer, audience, age and nonce are checked (OpenID Connect Core, section 3.1.3.7), and
the issuer that an answer names (RFC 9207). Nothing of it leaves the intranet the provider is in.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dashboard.access.outside import Grants, Known, OutsideError
from pipelines.privacy.access_settings import OidcSettings
from pipelines.privacy.scope import Scope

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""What a token may be signed with: keys that only the provider has; never a shared secret."""
CLOCK_DOUBT_S = 60
_MOST = 256 * 1024
_AGE_S = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One way out to the provider and back, kept in a cookie of the browser that goes it."""

    state: str
    nonce: str
    verifier: str
    onward: str

    @classmethod
    def fresh(cls, onward: str) -> "Attempt":
        """A new one, leading on to a path of this site afterwards."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state=state, nonce=nonce, verifier=verifier, onward=onward)

    def as_cookie(self) -> str:
        """As it stands in a cookie."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @classmethod
    def from_cookie(cls, text: str) -> "Attempt | None":
        """The attempt that a cookie holds; None when it holds none."""
        try:
            said = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(**{name: str(value) for name, value in said.items()})
        except (ValueError, TypeError, AttributeError):
            return None


class Provider:
    """Asks the provider; what it says of itself and its keys is kept for a while.

    ``secret`` is the client's, ``folder`` what ``ca_file`` is relative to; ``scopes`` are what
    somebody can be confined to. Any thread may ask.
    """

    def __init__(
        self,
        settings: OidcSettings,
        *,
        secret: str | None,
        folder: Path,
        scopes: Iterable[Scope] = (),
    ) -> None:
        self._settings = settings
        self._grants = Grants(settings.roles, settings.areas, scopes, where="[access.oidc]")
        self._secret = secret
        ca = str(folder / settings.ca_file) if settings.ca_file else None
        self._pool = urllib3.PoolManager(ca_certs=ca, retries=False)
        self._lock = threading.Lock()
        self._about: Mapping[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at = float("-inf")

    def way_out(self, attempt: Attempt, *, back: str) -> str:
        """Where to send the browser; ``back`` is where the provider sends it afterwards."""
        challenge = hashlib.sha256(attempt.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": back,
            "scope": " ".join(self._settings.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        where = str(self._described()["authorization_endpoint"])
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"

    def known(
        self, attempt: Attempt, answer: Mapping[str, str], *, back: str, now_s: float
    ) -> Known:
        """Who came back; raises OutsideError naming what does not fit."""
        if not hmac.compare_digest(answer.get("state", ""), attempt.state):
            raise OutsideError("outside_refused", "the state is not that of this browser")
        if answer.get("iss", self._settings.issuer).rstrip("/") != self._settings.issuer:
            raise OutsideError("outside_refused", "the answer is of another issuer")
        if "code" not in answer:
            raise OutsideError("outside_refused", "the provider sent no code")
        token = self._token(answer["code"], attempt.verifier, back)
        claims = self._claims(token)
        self._check(claims, attempt.nonce, now_s)
        name, groups = (
            claims.get(self._settings.name_claim),
            claims.get(self._settings.groups_claim),
        )
        if not isinstance(name, str) or not name.strip():
            raise OutsideError("outside_refused", f"no claim {self._settings.name_claim!r}")
        listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        return self._grants.known(name.strip(), map(str, listed))

    def _check(self, claims: Mapping[str, Any], nonce: str, now_s: float) -> None:
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        mine, doubt = self._settings.client_id, CLOCK_DOUBT_S
        expires, issued, begins = (_seconds(claims.get(name)) for name in ("exp", "iat", "nbf"))
        wrong = {
            "iss": str(claims.get("iss", "")).rstrip("/") != self._settings.issuer,
            "aud": mine not in audiences,
            "azp": (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != mine,
            "exp": expires is None or expires < now_s - doubt,
            "iat": issued is None or issued > now_s + doubt,
            "nbf": begins is not None and begins > now_s + doubt,
            "nonce": not hmac.compare_digest(str(claims.get("nonce", "")), nonce),
        }
        if broken := [name for name, is_wrong in wrong.items() if is_wrong]:
            raise OutsideError("outside_refused", f"the token's {', '.join(broken)} does not fit")

    def _claims(self, token: str) -> Mapping[str, Any]:
        """What the token says, once its signature is proved by a key of the provider."""
        for fetch in (False, True):  # a key that is not known yet may be a new one
            try:
                decoded = jwt.decode(token, self._key_set(anew=fetch), algorithms=ALGORITHMS)
            except (JoseError, ValueError) as error:
                if fetch:
                    why = f"the token is not the provider's: {type(error).__name__}"
                    raise OutsideError("outside_refused", why) from error
                continue
            return decoded.claims
        raise AssertionError("unreachable")

    def _token(self, code: str, verifier: str, back: str) -> str:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json"}
        if self._secret:
            name, secret = quote(self._settings.client_id, ""), quote(self._secret, "")
            headers |= urllib3.make_headers(basic_auth=f"{name}:{secret}")
        else:
            fields["client_id"] = self._settings.client_id
        where = str(self._described()["token_endpoint"])
        said = self._asked("POST", where, body=urlencode(fields), headers=headers)
        token = said.get("id_token")
        if not isinstance(token, str):
            raise OutsideError("outside_refused", "the provider gave no identity token")
        return token

    def _described(self) -> Mapping[str, Any]:
        with self._lock:
            if time.monotonic() - self._read_at > _AGE_S or not self._about:
                issuer = self._settings.issuer
                about = self._asked("GET", f"{issuer}/.well-known/openid-configuration")
                if str(about.get("issuer", "")).rstrip("/") != issuer:
                    raise OutsideError("outside_away", "the provider calls itself otherwise")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    if urlsplit(str(about.get(name, ""))).scheme not in self._schemes:
                        raise OutsideError("outside_away", f"the provider's {name} is not https")
                self._about, self._read_at = about, time.monotonic()
            return self._about

    def _key_set(self, *, anew: bool) -> KeySet:
        where = str(self._described()["jwks_uri"])
        with self._lock:
            if anew or self._keys is None:
                try:
                    self._keys = KeySet.import_key_set(dict(self._asked("GET", where)))  # type: ignore[arg-type]
                except (JoseError, ValueError, KeyError, TypeError) as error:
                    raise OutsideError("outside_away", "the provider's keys are none") from error
            return self._keys

    @property
    def _schemes(self) -> frozenset[str]:
        """A provider on this machine may be plain; no other."""
        return frozenset({"https", urlsplit(self._settings.issuer).scheme})

    def _asked(
        self, method: str, url: str, *, body: str | None = None, headers: Any = None
    ) -> Mapping[str, Any]:
        if body is not None:
            headers = {**(headers or {}), "Content-Type": "application/x-www-form-urlencoded"}
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(total=self._settings.timeout.total_seconds()),
            )
            content = answer.read(_MOST + 1)
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise OutsideError("outside_away", f"the provider: {type(error).__name__}") from error
        if answer.status != 200 or len(content) > _MOST:
            why = "outside_refused" if answer.status in (400, 401) else "outside_away"
            raise OutsideError(why, f"the provider answered {answer.status}")
        try:
            said = json.loads(content)
        except ValueError as error:
            raise OutsideError("outside_away", "the provider sent no JSON") from error
        if not isinstance(said, dict):
            raise OutsideError("outside_away", "the provider sent no object")
        return said


def _seconds(claim: object) -> float | None:
    """A moment of a token, in seconds since 1970."""
    is_number = isinstance(claim, int | float) and not isinstance(claim, bool)
    return float(claim) if is_number and isinstance(claim, int | float) else None
