"""The whole web side behind its guard."""

import hashlib
import logging
from datetime import datetime
from typing import Any

from starlette.routing import BaseRoute

from dashboard.access.admin import Admin
from dashboard.access.audit import Act, Audit
from dashboard.access.console import Looked, console_routes
from dashboard.access.directory import Directory
from dashboard.access.engine import kept_at, open_engine
from dashboard.access.gate import Gate
from dashboard.access.guard import Guard, content_policy
from dashboard.access.keeper import Keeper
from dashboard.access.person import Role
from dashboard.access.provider import Provider
from dashboard.access.rehearsing import canary_route
from dashboard.access.reveal import reveal_route
from dashboard.access.sign_on import SignOn
from dashboard.backend import Backend
from dashboard.exporting import export_route
from dashboard.server import Measured, create_app
from pipelines.clock import SystemClock
from pipelines.privacy.scope import Scope
from pipelines.reading.options import HeldSecret
from pipelines.settings import Settings

logger = logging.getLogger(__name__)

FIRST_ADMIN = "admin"


def guarded(
    backend: Backend,
    settings: Settings,
    *,
    where: str,
    build: str,
    more: list[BaseRoute],
    measured: Measured | None = None,
) -> Guard:
    """The web side as one ASGI application, with nobody inside who may not be.

    Where accounts are asked for and there is no administrator yet, a one-time link that makes the
    first one is written to the log; there is no password by default. ``where`` is this site's
    address as it stands in that link.
    """
    keeper = Keeper(kept_at(settings)) if settings.asks_who else None
    audit = Audit(open_engine(kept_at(settings))) if keeper is None else keeper.audit
    gate: list[Any] = [
        export_route(backend, audit, _now),
        canary_route(backend, audit, _now, asks_who=settings.asks_who),
    ]
    if keeper is not None:
        gate.extend(_ways_in(keeper, settings, backend.scopes()))
        gate.append(reveal_route(backend, keeper, _now))
        zone = str(settings.area.time_zone)
        gate.extend(
            Admin(
                backend,
                keeper,
                _now,
                secure=settings.access.https,
                time_zone=zone,
                grouped=_grouped(settings),
            ).routes
        )
        keeper.audit.add(
            Act.CONFIG_LOADED,
            who="grid135",
            now=_now(),
            about=settings.file.name,
            detail={"sha256": hashlib.sha256(settings.file.read_bytes()).hexdigest()},
        )
        if not keeper.has_admin:
            token = keeper.invite(FIRST_ADMIN, Role.ADMIN, by="first start", now=_now())
            logger.warning("no administrator yet; make one at %s/invitation/%s", where, token)
    gate.extend(console_routes(backend, keeper, _now))
    app = create_app(backend, build=build, more=[*gate, *more], measured=measured)
    return Guard(
        app if keeper is None else Looked(app, keeper, _now),
        keeper=keeper,
        clock=_now,
        hosts=settings.hosts,
        policy=content_policy(app.state.script_hashes, tiles=settings.backdrop.tile_origin),
        secure=settings.access.https,
    )


def _grouped(settings: Settings) -> frozenset[str]:
    """From where people come whose scopes their groups say."""
    outside = {"ldap": settings.access.ldap, "oidc": settings.access.oidc}
    return frozenset(via for via, known in outside.items() if known and known.areas)


def _ways_in(keeper: Keeper, settings: Settings, scopes: tuple[Scope, ...]) -> list[Any]:
    """The gate's routes; with those of single sign-on, where a provider is configured."""
    access, folder = settings.access, settings.file.parent
    secure, ldap, oidc = access.https, access.ldap, access.oidc
    directory = None
    if ldap is not None:
        secret = _secret(settings, ldap.bind_password)
        directory = Directory(ldap, secret=secret, folder=folder, scopes=scopes)
    name = None if oidc is None else oidc.name.as_dict()
    gate = Gate(keeper, _now, secure=secure, directory=directory, sign_on=name)
    routes: list[Any] = list(gate.routes)
    if oidc is not None:
        secret = _secret(settings, oidc.client_secret)
        provider = Provider(oidc, secret=secret, folder=folder, scopes=scopes)
        routes += SignOn(gate, keeper, provider, _now, secure=secure).routes
    return routes


def _secret(settings: Settings, held: HeldSecret | None) -> str | None:
    """What the variable holds that a setting names; raises SourceConfigError when it is not set."""
    if held is None:
        return None
    return HeldSecret(held.variable, settings.secrets.get(held.variable)).reveal()


def _now() -> datetime:
    # people live in real time, also where a replay's clock runs fast
    return SystemClock().now()
