"""Settings: the environment and one TOML file, read once, into frozen typed values.

Environment: ``GRID135_CONFIG`` (the file), ``GRID135_DATA`` (where state is kept),
``GRID135_HOST``, ``GRID135_PORT``, ``GRID135_STORE`` (the store's URL), ``GRID135_METRICS_PORT``.
The environment wins over the file. A source's secrets stand in variables that its block names.
"""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator

from pipelines.demo.settings import DemoSettings, arranged, made_up_secrets
from pipelines.errors import SettingsError
from pipelines.figures.targets import CalendarSettings, TargetSettings
from pipelines.geo.backdrop import BackdropSettings
from pipelines.geo.gazetteer import GazetteerSettings
from pipelines.geo.settings import GridSettings
from pipelines.host.logs import LogSettings
from pipelines.host.tracing import TracingSettings
from pipelines.metrics.settings import MetricsSettings
from pipelines.model.clock import Reading
from pipelines.model.milestone import TARGETED
from pipelines.model.rules import KindClass, Rules
from pipelines.privacy.access_settings import AccessSettings
from pipelines.privacy.privacy_settings import PrivacySettings
from pipelines.reading.options import Duration, Name, Options, explain, parse_duration
from pipelines.registers.areas import AreaSettings
from pipelines.registers.devices import DeviceSettings
from pipelines.registers.units import UnitSettings
from pipelines.store.settings import StoreSettings
from pipelines.wall.endurance import EnduranceSettings, SoundSettings
from pipelines.wall.settings import LookSettings

Share = Annotated[float, Field(gt=0, le=1)]

DEFAULT_CONFIG = "config/demo.toml"
DEFAULT_DATA = "data"

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EVERYWHERE = frozenset({"0.0.0.0", "::"})


class KindSettings(Options):
    """A kind of incident: its names, whether the 135 clocks apply, its shape on the map."""

    name: Name = Field(description="What it is called on screen.")
    kind_class: KindClass = Field(
        default=KindClass.EMERGENCY,
        alias="class",
        description="`emergency` is in the 135 cohort; `complaint` never is.",
    )
    shape: Literal["triangle", "square", "circle", "diamond"] = Field(
        default="square", description="Its shape on the map and in the list."
    )
    sensitive: bool = Field(
        default=False,
        description="Screens show no words and no exact place of it: disputes, minors, victims.",
    )


class ServerSettings(Options):
    """Where the screens are served."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8050, ge=1, le=65535, description="Port to listen on.")


class CanarySettings(Options):
    """Sending a marked record through each source's pipeline, and taking it back."""

    every: Duration | None = Field(
        default=None, description="How often, at least `1m`; without, only when asked."
    )

    @field_validator("every")
    @classmethod
    def _not_too_often(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < timedelta(minutes=1):
            raise ValueError("must be at least 1m")
        return value


class FreezingSettings(Options):
    """Keeping the figures of a closed month as they were published."""

    automatic: bool = Field(
        default=True,
        description="Freeze each month by itself, seven days after its end; else, and for history "
        "that was read in later, by `app.py freeze`.",
    )


class MapSettings(Options):
    """The camera of the wall's map; without it, the camera shows every grid."""

    lat: float | None = Field(default=None, ge=-90, le=90, description="Centre, WGS-84.")
    lon: float | None = Field(default=None, ge=-180, le=180, description="Centre, WGS-84.")
    zoom: float | None = Field(default=None, ge=0, le=22, description="Web map zoom level.")
    bearing: float = Field(
        default=0.0, ge=-180, le=180, description="Direction that is up, clockwise from north."
    )


class WallSettings(LookSettings):
    """What the wall shows: the window and reading of the 135 strip, the goal, the list's length."""

    window: str = Field(
        default="today",
        description='"today", "all", or whole days such as "30d": today and the 29 days before.',
    )
    reading: Reading = Field(default=Reading.CUMULATIVE, description="Reading of the tiles.")
    goal: dict[Literal["accepted", "dispatched", "arrived"], Share] = Field(
        default={}, description="Share aimed at, by milestone; a tile without one is neutral."
    )
    open_rows: int = Field(default=40, ge=1, le=200, description="Most rows of the open list.")
    intake_hours: int = Field(default=6, ge=1, le=24, description="How far the intake looks back.")
    map: MapSettings = Field(default=MapSettings(), description="Where the map looks.")
    endurance: EnduranceSettings = Field(
        default=EnduranceSettings(), description="What keeps a wall well for months."
    )
    sound: SoundSettings = Field(default=SoundSettings(), description="What is heard.")

    @field_validator("window")
    @classmethod
    def _window(cls, value: str) -> str:
        if value not in ("today", "all"):
            days = parse_duration(value)
            if days % timedelta(days=1) or not days:
                raise ValueError('must be "today", "all", or whole days such as "30d"')
        return value


class _File(Options):
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()
    area: AreaSettings
    grids: GridSettings | None = None
    kinds: dict[str, KindSettings] = {}
    targets: TargetSettings = TargetSettings()
    calendar: CalendarSettings = CalendarSettings()
    server: ServerSettings = ServerSettings()
    access: AccessSettings = AccessSettings()
    wall: WallSettings = WallSettings()
    devices: DeviceSettings = DeviceSettings()
    units: UnitSettings = UnitSettings()
    gazetteer: GazetteerSettings | None = None
    backdrop: BackdropSettings = BackdropSettings()
    canary: CanarySettings = CanarySettings()
    freezing: FreezingSettings = FreezingSettings()
    privacy: PrivacySettings = PrivacySettings()
    store: StoreSettings = StoreSettings()
    demo: DemoSettings | None = None
    sources: dict[str, dict[str, Any]] = {}


class Settings(_File):
    """Everything that was set, checked. ``file`` is the config file, ``data`` the state folder.

    ``secrets`` is the environment, from which a source takes the secret its block names.
    ``sources`` holds the raw blocks; :mod:`pipelines.feeds.sources` checks each against its
    connector and decoder. ``not_started`` are those that the demo street cannot play here.
    """

    file: Path
    data: Path
    not_started: dict[str, dict[str, Any]] = {}
    secrets: dict[str, str] = Field(default={}, repr=False, exclude=True)

    @property
    def rules(self) -> Rules:
        """The targets and kind classes as the model wants them."""
        within = {m: getattr(self.targets, m) for m in TARGETED}
        return Rules(
            within=within,
            within_by_kind={kind: own.limits for kind, own in self.targets.kinds.items()},
            classes={code: kind.kind_class for code, kind in self.kinds.items()},
            special=tuple(own.special for own in self.targets.special),
            warning_share=self.targets.warning_share,
            skew=self.targets.clock_doubt,
            calendar=self.calendar.load(self.file.parent, self.area.time_zone),
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """What every screen says of itself: ``synthetic`` data, ``schematic`` grids."""
        said = {
            "synthetic": self.area.synthetic,
            "schematic": self.grids is not None and self.grids.schematic,
        }
        return tuple(label for label, is_so in said.items() if is_so)

    @property
    def sensitive_kinds(self) -> frozenset[str]:
        """The kinds of which screens show no words and no exact place."""
        return frozenset(code for code, kind in self.kinds.items() if kind.sensitive)

    @property
    def asks_who(self) -> bool:
        """Whether one has to log in."""
        return self.access.mode == "accounts"

    @property
    def listens_at(self) -> str:
        """Where this server itself is asked, past any proxy."""
        return f"http://{self.server.host}:{self.server.port}"

    @property
    def address(self) -> str:
        """Where the screens are, as one types it: by the first of their names, if they have any."""
        if not self.access.hosts:
            return self.listens_at
        name = self.access.hosts[0]
        return f"https://{name}" if self.access.https else f"http://{name}:{self.server.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """The names this server answers to."""
        own = {*_LOOPBACK, self.server.host}
        return frozenset(name.lower() for name in (self.access.hosts or own))

    def path(self, relative: str) -> Path:
        """A path of the config file, relative to the folder the file is in."""
        return self.file.parent / relative


def load(environ: Mapping[str, str], config: str | None = None) -> Settings:
    """Read the settings; raise SettingsError naming file, key, value, rule and a hint."""
    file = Path(config or environ.get("GRID135_CONFIG") or DEFAULT_CONFIG)
    content = _read(file)
    try:
        parsed = _File.model_validate(content, context={"secrets": dict(environ)})
    except ValidationError as error:
        raise explain(error, file=str(file), within=(), model=_File) from error
    served = {"host": "GRID135_HOST", "port": "GRID135_PORT"}
    server = _overridden(parsed.server, environ, served)
    data = Path(environ.get("GRID135_DATA") or DEFAULT_DATA)
    metrics = _overridden(parsed.metrics, environ, {"port": "GRID135_METRICS_PORT"})
    fields = {name: getattr(parsed, name) for name in _File.model_fields}
    fields |= {"server": server, "metrics": metrics}
    secrets = dict(environ)
    if parsed.demo is not None:
        fields["sources"] = arranged(parsed.sources, data=data)
        lacking = parsed.sources.keys() - fields["sources"].keys()
        fields["not_started"] = {name: parsed.sources[name] for name in sorted(lacking)}
        secrets = made_up_secrets() | secrets
    settings = Settings.model_construct(file=file, data=data, secrets=secrets, **fields)
    _check_kinds(settings)
    _check_own_sources(settings)
    _check_access(settings)
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError as error:
        raise SettingsError(
            f"{file}: no such file; name one with --config or GRID135_CONFIG"
        ) from error
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not TOML: {error}") from error


Block = TypeVar("Block", bound=Options)


def _overridden(block: Block, environ: Mapping[str, str], variables: Mapping[str, str]) -> Block:
    """The block, with what the environment says of some keys; ``variables`` are by key."""
    wanted = {
        key: environ[variable] for key, variable in variables.items() if environ.get(variable)
    }
    try:
        known = {name: getattr(block, name) for name in type(block).model_fields}
        return type(block).model_validate({**known, **wanted})
    except ValidationError as error:
        item = error.errors()[0]
        variable = variables[str(item["loc"][0])]
        raise SettingsError(
            f"environment: {variable} = {item['input']!r}: {item['msg']}"
        ) from error


def _check_access(settings: Settings) -> None:
    if settings.access.mode is None and settings.server.host not in _LOOPBACK:
        raise SettingsError(
            f"{settings.file} [access]: mode = (missing): the server listens on "
            f'{settings.server.host!r}, which others reach; set mode to "accounts" or "open"'
        )
    if settings.server.host in _EVERYWHERE and not settings.access.hosts:
        raise SettingsError(
            f"{settings.file} [access]: hosts = []: the server listens on every address; "
            "list the names and addresses it is reached by"
        )


def _check_own_sources(settings: Settings) -> None:
    for source in settings.grids.own_sources if settings.grids is not None else ():
        if source not in settings.sources:
            known = ", ".join(settings.sources) or "none"
            raise SettingsError(
                f"{settings.file} [grids]: own_sources = [{source!r}]: there is no such source; "
                f"use one of: {known}"
            )


def _check_kinds(settings: Settings) -> None:
    _check_critical_kinds(settings)
    special = {kind for own in settings.targets.special for kind in own.kinds}
    unknown = sorted((set(settings.targets.kinds) | special) - set(settings.kinds))
    if unknown:
        known = ", ".join(sorted(settings.kinds)) or "none"
        raise SettingsError(
            f"{settings.file} [targets.kinds]: {unknown[0]} = …: there is no such kind; "
            f"add [kinds.{unknown[0]}] or use one of: {known}"
        )


def _check_critical_kinds(settings: Settings) -> None:
    for kind in settings.wall.scenes.critical_kinds:
        if kind not in settings.kinds:
            known = ", ".join(sorted(settings.kinds)) or "none"
            raise SettingsError(
                f"{settings.file} [wall.scenes]: critical_kinds = [{kind!r}]: there is no such "
                f"kind; add [kinds.{kind}] or use one of: {known}"
            )
