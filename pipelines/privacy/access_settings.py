"""Who may come in, and where people are known who have no account here."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from pipelines.privacy.clearance import Role
from pipelines.reading.options import Duration, Name, Options, Secret, parse_duration

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
Roles = dict[str, Role]
_AREAS = (
    "Code of an area or a grid by group: outside of it nothing is there for who is in that group. "
    "Where set, everybody needs one; the code of the whole gives the whole, and of areas that lie "
    "in each other the widest counts."
)


def _roles(value: Roles) -> Roles:
    if Role.WALL in value.values():
        raise ValueError('"wall" is for screens; use viewer, supervisor, duty or admin')
    if not value:
        raise ValueError("name at least one group, or nobody comes in")
    return value


def _is_safe(url: str, *, plain: str, secure: str) -> bool:
    """Whether what is said there cannot be read on the way."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == secure or (parts.scheme == plain and parts.hostname in _LOOPBACK)
    )


class OidcSettings(Options):
    """Single sign-on by OpenID Connect: authorization code with PKCE."""

    issuer: str = Field(description="The provider, as it names itself; `https://`.")
    client_id: str = Field(min_length=1, description="What the provider calls this product.")
    client_secret: Secret | None = Field(
        default=None, description="Variable with the client's secret; a public client has none."
    )
    scopes: tuple[str, ...] = Field(default=("openid", "profile"), description="What is asked for.")
    name_claim: str = Field(
        default="preferred_username", description="Claim with the name of the account."
    )
    groups_claim: str = Field(default="groups", description="Claim with the person's groups.")
    roles: Roles = Field(description="Role by group; who is in several has the highest.")
    areas: dict[str, str] = Field(default_factory=dict, description=_AREAS)
    ca_file: str | None = Field(
        default=None, description="Certificates to trust, relative to the config file."
    )
    name: Name = Field(
        default_factory=lambda: {"zh": "统一身份认证", "en": "Single sign-on"},
        validate_default=True,
        description="What the button on the login page says.",
    )
    timeout: Duration = Field(default=parse_duration("5s"), description="For each request.")

    _check_roles = field_validator("roles")(_roles)

    @field_validator("issuer")
    @classmethod
    def _https(cls, value: str) -> str:
        if not _is_safe(value, plain="http", secure="https"):
            raise ValueError("must be an https:// address (http:// on this machine only)")
        return value.rstrip("/")


class LdapSettings(Options):
    """Names and passwords of a directory: the person binds with their own."""

    url: str = Field(description="`ldaps://host`; `ldap://` with `start_tls`, or on this machine.")
    start_tls: bool = Field(default=False, description="Begin TLS on a plain connection.")
    ca_file: str | None = Field(
        default=None, description="Certificates to trust, relative to the config file."
    )
    bind_dn: str | None = Field(
        default=None, description="Who looks people up; nobody, where anybody may."
    )
    bind_password: Secret | None = Field(default=None, description="Variable with its password.")
    base: str = Field(min_length=1, description="Where people are looked for.")
    filter: str = Field(
        default="(uid={name})",
        description="How a person is found; `(sAMAccountName={name})` in Active Directory.",
    )
    groups_attribute: str | None = Field(
        default="memberOf", description="A person's attribute with the names of their groups."
    )
    groups_base: str | None = Field(
        default=None, description="Where groups are looked for instead, by `groups_filter`."
    )
    groups_filter: str = Field(default="(member={dn})", description="How a person's are found.")
    roles: Roles = Field(
        description="Role by group, by its whole name or its `cn`; who is in several has the "
        "highest."
    )
    areas: dict[str, str] = Field(default_factory=dict, description=_AREAS)
    timeout: Duration = Field(default=parse_duration("5s"), description="For each request.")

    _check_roles = field_validator("roles")(_roles)

    @field_validator("filter")
    @classmethod
    def _names_somebody(cls, value: str) -> str:
        if value.count("{name}") != 1 or not value.startswith("("):
            raise ValueError('must hold {name} once, such as "(uid={name})"')
        return value

    @model_validator(mode="after")
    def _is_not_overheard(self) -> "LdapSettings":
        starts_tls = self.start_tls and self.url.startswith("ldap://")
        if not (starts_tls or _is_safe(self.url, plain="ldap", secure="ldaps")):
            raise ValueError(
                f"url = {self.url!r}: passwords must not go in the clear: use ldaps://, or "
                "start_tls = true"
            )
        return self


class AccessSettings(Options):
    """Who may come in. On an address of this machine alone the site is open, unless it says so."""

    mode: Literal["open", "accounts"] | None = Field(
        default=None,
        description="`open` lets everybody look, masked; `accounts` asks who it is. Must be set "
        "where the server listens on another address than this machine's own.",
    )
    hosts: tuple[str, ...] = Field(
        default=(), description="Names this server is reached by; its own address if left away."
    )
    https: bool = Field(
        default=False, description="It is reached by https only, through a proxy: cookies say so."
    )
    oidc: OidcSettings | None = Field(default=None, description="Single sign-on.")
    ldap: LdapSettings | None = Field(default=None, description="A directory of people.")
