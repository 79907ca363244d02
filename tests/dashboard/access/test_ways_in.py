"""The whole site as a configuration arranges it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.access.site import guarded
from pipelines.errors import Grid135Error
from pipelines.settings import load
from tests.dashboard.builders import FakeBackend
from tests.pipelines.installations import a_config

OIDC = """
[access]
mode = "accounts"
hosts = ["grid135.test"]

[access.oidc]
issuer = "https://id.street.example"
client_id = "grid135"
client_secret = "THE_CLIENTS_SECRET"
name = { zh = "街道统一认证", en = "Street sign-on" }
roles = { leaders = "supervisor" }

[access.ldap]
url = "ldaps://dc.street.example"
base = "dc=street"
roles = { leaders = "supervisor" }
"""


def the_site(folder: Path, **environ: str) -> Any:
    config = a_config(folder, more=OIDC)
    settings = load({"GRID135_DATA": str(folder / "data"), **environ}, str(config))
    return guarded(FakeBackend(), settings, where="http://x", build="x", more=[])  # type: ignore[arg-type]


def get(app: Any, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://grid135.test") as client:
            return await client.get(path)

    return asyncio.run(ask())


def test_a_configured_provider_stands_on_the_login_page(tmp_path: Path) -> None:
    page = get(the_site(tmp_path, THE_CLIENTS_SECRET="of-the-client"), "/login")

    assert "街道统一认证" in page.text
    assert "of-the-client" not in page.text


def test_a_secret_that_is_not_set_stops_the_start_and_is_named(tmp_path: Path) -> None:
    with pytest.raises(Grid135Error, match="THE_CLIENTS_SECRET is not set"):
        the_site(tmp_path)
