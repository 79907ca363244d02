"""A directory of people (LDAP): whoever can bind with their own password is who they say.

ldap3 is under the LGPL and used unchanged, as psycopg is.
"""

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ldap3 import NONE, SIMPLE, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars

from dashboard.access.outside import Grants, Known, OutsideError
from pipelines.privacy.access_settings import LdapSettings
from pipelines.privacy.scope import Scope

_MOST_GROUPS = 1000


class Directory:
    """Asks the directory. Each question is a connection of its own; may be called in any thread.

    ``secret`` is the password of ``bind_dn``, ``folder`` what ``ca_file`` is relative to;
    ``scopes`` are what somebody can be confined to.
    """

    def __init__(
        self,
        settings: LdapSettings,
        *,
        secret: str | None,
        folder: Path,
        scopes: Iterable[Scope] = (),
    ) -> None:
        self._settings = settings
        self._grants = Grants(settings.roles, settings.areas, scopes, where="[access.ldap]")
        self._secret = secret
        self._folder = folder

    def known(self, name: str, password: str) -> Known | None:
        """Who this is; None when name and password do not fit.

        Raises OutsideError when the directory cannot be asked, or gives the person no role.
        """
        # a bind without a password succeeds as nobody (RFC 4513, section 5.1.2)
        if not name or not password:
            return None
        try:
            return self._known(name, password)
        except (LDAPException, OSError) as error:
            raise OutsideError("outside_away", f"the directory: {type(error).__name__}") from error

    def _known(self, name: str, password: str) -> Known | None:
        asked = self._settings
        looked = self._connection(asked.bind_dn, self._secret)
        if looked is None:
            raise OutsideError("outside_away", "the directory refuses bind_dn or its password")
        with looked:
            person = asked.filter.replace("{name}", escape_filter_chars(name))
            attributes = [asked.groups_attribute] if asked.groups_attribute else []
            found = _search(looked, asked.base, person, attributes)
            if len(found) != 1:
                return None
            dn = str(found[0]["dn"])
            themselves = self._connection(dn, password)
            if themselves is None:
                return None
            themselves.unbind()
            groups = [
                group for attribute in attributes for group in found[0]["attributes"][attribute]
            ]
            if asked.groups_base is not None:
                of_person = asked.groups_filter.replace("{dn}", escape_filter_chars(dn))
                of_person = of_person.replace("{name}", escape_filter_chars(name))
                groups += [g["dn"] for g in _search(looked, asked.groups_base, of_person, [])]
        # a directory does not tell chen from CHEN; here they must be one account
        folded = name.strip().casefold()
        return self._grants.known(folded, map(str, groups))

    def _connection(self, dn: str | None, password: str | None) -> Connection | None:
        """A connection bound as somebody; None when the directory says no."""
        asked = self._settings
        seconds = max(1, round(asked.timeout.total_seconds()))  # the library takes whole ones
        tls = self._tls()
        server = Server(asked.url, get_info=NONE, connect_timeout=seconds, tls=tls)
        connection = Connection(
            server,
            user=dn,
            password=password,
            authentication=SIMPLE if dn else None,
            receive_timeout=seconds,
            auto_referrals=False,  # passwords go to the directory that is configured, and no other
            read_only=True,
        )
        connection.open()
        if asked.start_tls and not connection.start_tls():
            raise OutsideError("outside_away", "the directory does not begin TLS")
        return connection if connection.bind() else None

    def _tls(self) -> Tls:
        file = self._settings.ca_file
        return Tls(
            validate=ssl.CERT_REQUIRED,
            version=ssl.PROTOCOL_TLS_CLIENT,
            ca_certs_file=str(self._folder / file) if file else None,
        )


def _search(connection: Connection, base: str, query: str, attributes: list[str]) -> list[Any]:
    connection.search(base, query, SUBTREE, attributes=attributes or None, size_limit=_MOST_GROUPS)
    entries: list[Any] = [e for e in connection.response or [] if e["type"] == "searchResEntry"]
    return entries
