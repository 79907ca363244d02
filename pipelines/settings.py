"""Settings: the environment and one TOML file, read once, into frozen typed values.

Environment: ``GRID135_CONFIG`` (the file), ``GRID135_DATA`` (where state is kept),
``GRID135_HOST``, ``GRID135_PORT``. The environment wins over the file. A source's secrets stand in
variables that its block names.
"""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from pipelines.errors import SettingsError
from pipelines.model.clock import KindClass, Reading, Rules
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.options import Duration, Name, Options, Zone, explain, parse_duration

Share = Annotated[float, Field(gt=0, le=1)]

DEFAULT_CONFIG = "config/sffd.toml"
DEFAULT_DATA = "data"


class AreaSettings(Options):
    """The street: what it is called and which clock hangs on its wall."""

    code: str = Field(min_length=1, description="Area code; the street's key in every figure.")
    name: Name = Field(description="Name of the command centre, as the header shows it.")
    time_zone: Zone = Field(
        default="Asia/Shanghai", validate_default=True, description="Local days and clocks."
    )
    synthetic: bool = Field(
        default=False, description="Say on every screen that data are synthetic."
    )


class GridSettings(Options):
    """The boundary file: where it is and which columns say what."""

    file: str = Field(description="GeoJSON, GeoPackage or Shapefile, relative to the config file.")
    code: str = Field(description="Column with the grid's code.")
    name: str | None = Field(default=None, description="Column with its name; the code if absent.")
    parent: str | None = Field(default=None, description="Column with its community's code.")
    crs: str | None = Field(default=None, description="CRS of the file where it does not say.")
    schematic: bool = Field(default=False, description="Say on screen that the grids are a sketch.")


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


class TargetSettings(Options):
    """How fast each milestone is to be reached; ``kinds`` holds the exceptions by kind."""

    accepted: Duration = Field(default=timedelta(seconds=60), description="接报.")
    dispatched: Duration = Field(default=timedelta(seconds=180), description="流转.")
    arrived: Duration = Field(default=timedelta(seconds=300), description="到场.")
    warning_share: float = Field(
        default=0.7, gt=0, lt=1, description="Share of a target after which its clock warns."
    )
    kinds: dict[str, dict[Literal["accepted", "dispatched", "arrived"], Duration]] = Field(
        default={}, description="Exceptions by kind: `[targets.kinds.smoke]` with `arrived = …`."
    )


class ServerSettings(Options):
    """Where the screens are served."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8050, ge=1, le=65535, description="Port to listen on.")


class MapSettings(Options):
    """The camera of the wall's map; without it, the camera shows every grid."""

    lat: float | None = Field(default=None, ge=-90, le=90, description="Centre, WGS-84.")
    lon: float | None = Field(default=None, ge=-180, le=180, description="Centre, WGS-84.")
    zoom: float | None = Field(default=None, ge=0, le=22, description="Web map zoom level.")


class WallSettings(Options):
    """What the wall shows: the window and reading of the 135 strip, the goal, the list's length."""

    window: str = Field(default="today", description='"today", "all", or days such as "30d".')
    reading: Reading = Field(default=Reading.CUMULATIVE, description="Reading of the tiles.")
    goal: dict[Literal["accepted", "dispatched", "arrived"], Share] = Field(
        default={}, description="Share aimed at, by milestone; a tile without one is neutral."
    )
    open_rows: int = Field(default=40, ge=1, le=200, description="Most rows of the open list.")
    intake_hours: int = Field(default=6, ge=1, le=24, description="How far the intake looks back.")
    map: MapSettings = Field(default=MapSettings(), description="Where the map looks.")

    @field_validator("window")
    @classmethod
    def _window(cls, value: str) -> str:
        if value not in ("today", "all"):
            days = parse_duration(value)
            if days % timedelta(days=1) or not days:
                raise ValueError('must be "today", "all", or whole days such as "30d"')
        return value


class _File(Options):
    area: AreaSettings
    grids: GridSettings | None = None
    kinds: dict[str, KindSettings] = {}
    targets: TargetSettings = TargetSettings()
    server: ServerSettings = ServerSettings()
    wall: WallSettings = WallSettings()
    sources: dict[str, dict[str, Any]] = {}


class Settings(_File):
    """Everything that was set, checked. ``file`` is the config file, ``data`` the state folder.

    ``secrets`` is the environment, from which a source takes the secret its block names.
    ``sources`` holds the raw blocks; :mod:`pipelines.sources` checks each against its connector
    and decoder.
    """

    file: Path
    data: Path
    secrets: dict[str, str] = Field(default={}, repr=False, exclude=True)

    @property
    def rules(self) -> Rules:
        """The targets and kind classes as the model wants them."""
        within = {m: getattr(self.targets, m) for m in TARGETED}
        by_kind = {
            kind: {Milestone(m): limit for m, limit in limits.items()}
            for kind, limits in self.targets.kinds.items()
        }
        return Rules(
            within=within,
            within_by_kind=by_kind,
            classes={code: kind.kind_class for code, kind in self.kinds.items()},
            warning_share=self.targets.warning_share,
        )

    def path(self, relative: str) -> Path:
        """A path of the config file, relative to the folder the file is in."""
        return self.file.parent / relative


def load(environ: Mapping[str, str], config: str | None = None) -> Settings:
    """Read the settings; raise SettingsError naming file, key, value, rule and a hint."""
    file = Path(config or environ.get("GRID135_CONFIG") or DEFAULT_CONFIG)
    content = _read(file)
    try:
        parsed = _File.model_validate(content)
    except ValidationError as error:
        raise explain(error, file=str(file), within=(), model=_File) from error
    server = _server(parsed.server, environ)
    data = Path(environ.get("GRID135_DATA") or DEFAULT_DATA)
    fields = {name: getattr(parsed, name) for name in _File.model_fields} | {"server": server}
    settings = Settings.model_construct(file=file, data=data, secrets=dict(environ), **fields)
    _check_kinds(settings)
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


def _server(server: ServerSettings, environ: Mapping[str, str]) -> ServerSettings:
    wanted = {
        key: environ[variable]
        for key, variable in (("host", "GRID135_HOST"), ("port", "GRID135_PORT"))
        if environ.get(variable)
    }
    try:
        return ServerSettings.model_validate({**server.model_dump(), **wanted})
    except ValidationError as error:
        item = error.errors()[0]
        variable = f"GRID135_{str(item['loc'][0]).upper()}"
        raise SettingsError(
            f"environment: {variable} = {item['input']!r}: {item['msg']}"
        ) from error


def _check_kinds(settings: Settings) -> None:
    unknown = sorted(set(settings.targets.kinds) - set(settings.kinds))
    if unknown:
        known = ", ".join(sorted(settings.kinds)) or "none"
        raise SettingsError(
            f"{settings.file} [targets.kinds]: {unknown[0]} = …: there is no such kind; "
            f"add [kinds.{unknown[0]}] or use one of: {known}"
        )
