"""The other ends of the ways in: a sign-on provider with real keys, and a real directory."""

import hashlib
import os
import shutil
import socket
import subprocess
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from ldap3 import Connection, Server
from ldap3.core.exceptions import LDAPException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.builders import NINE

CLIENT, CLIENT_SECRET = "grid135", "of-the-client"
ADMIN_DN, ADMIN_PASSWORD = "cn=reader,dc=street,dc=test", "Reads-2026"


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class SignOnProvider:
    """An OpenID Connect provider on loopback: discovery, keys, authorization code with PKCE.

    ``bend`` may change what it puts into a token; ``sign`` how it signs it.
    """

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one"})
        self.person: dict[str, Any] = {"preferred_username": "chen", "groups": ["duty"]}
        self.bend: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.sign: Callable[[dict[str, Any]], str] = self._signed
        self.about: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        routes = [
            Route("/.well-known/openid-configuration", self._describe),
            Route("/keys", self._keys),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
        ]
        config = uvicorn.Config(Starlette(routes=routes), port=self.port, log_level="critical")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        """Go away."""
        self._server.should_exit = True
        self._thread.join(timeout=10)

    def _signed(self, claims: dict[str, Any]) -> str:
        header = {"alg": "RS256", "kid": self.key.kid}
        return str(jwt.encode(header, claims, self.key))

    async def _describe(self, _: Request) -> Response:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return JSONResponse(said | self.about)

    async def _keys(self, _: Request) -> Response:
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        """Whoever comes is logged in already: send them back with a code."""
        self.asked = dict(request.query_params)
        code = f"code-{len(self._codes)}"
        self._codes[code] = self.asked
        back = {"code": code, "state": self.asked["state"], "iss": self.issuer}
        return RedirectResponse(f"{self.asked['redirect_uri']}?{urlencode(back)}", 303)

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await _fields(request)).items()}
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or proof != asked["code_challenge"]
            or form.get("redirect_uri") != asked["redirect_uri"]
            or not request.headers.get("authorization", "").startswith("Basic ")
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(NINE.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "1",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.person,
        }
        return JSONResponse({"id_token": self.sign(self.bend(claims)), "token_type": "Bearer"})


async def _fields(request: Request) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl((await request.body()).decode()))


@contextmanager
def a_provider() -> Iterator[SignOnProvider]:
    """A provider for as long as the block lasts."""
    provider = SignOnProvider()
    try:
        yield provider
    finally:
        provider.stop()


_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {folder}/slapd.pid
{tls}
modulepath /usr/lib/ldap
moduleload back_mdb
sizelimit 500
database mdb
suffix "dc=street,dc=test"
rootdn "{admin}"
rootpw {password}
directory {folder}/people
maxsize 10485760
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{admin}" read by * none
"""


_TLS = """
TLSCertificateFile {0}/broker.pem
TLSCertificateKeyFile {0}/broker.key
"""


@contextmanager
def a_directory(folder: Path, certificates: Path | None = None) -> Iterator[str]:
    """A real OpenLDAP server on loopback with an empty street; yields its address.

    With ``certificates``, a folder, it begins TLS when asked to.
    """
    program = shutil.which("slapd", path="/usr/sbin:/usr/bin")
    if program is None:
        missing = "slapd is not installed (make services installs it)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    (folder / "people").mkdir(parents=True)
    config = folder / "slapd.conf"
    tls = _TLS.format(certificates) if certificates else ""
    text = _CONFIG.format(folder=folder, admin=ADMIN_DN, password=ADMIN_PASSWORD, tls=tls)
    config.write_text(text, "utf-8")
    url = f"ldap://127.0.0.1:{free_port()}"
    server = subprocess.Popen(
        [program, "-f", str(config), "-h", url, "-d", "0"], stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and server.poll() is None:
        with suppress(LDAPException), administering(url) as connection:
            if connection.bound:
                return
        time.sleep(0.05)
    pytest.fail("slapd did not start")


@contextmanager
def administering(url: str) -> Iterator[Connection]:
    """A connection that may change everything."""
    connection = Connection(Server(url), user=ADMIN_DN, password=ADMIN_PASSWORD, auto_bind=True)
    try:
        yield connection
    finally:
        connection.unbind()
