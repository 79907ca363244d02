"""From a config block to a source that can be polled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError

from pipelines.connectors import CONNECTORS
from pipelines.connectors.listener import Listener, Receiver
from pipelines.connectors.record import Connector, Poller
from pipelines.decoders import DECODERS
from pipelines.decoders.decoder import Decoder
from pipelines.errors import SettingsError
from pipelines.feeds.replay import Replay, ReplayOptions
from pipelines.geo.coordinates import KNOWN, Converter, converter
from pipelines.model.rules import KindClass
from pipelines.reading.options import Duration, Name, Options, Zone, explain
from pipelines.settings import Settings


class SourceSettings(Options):
    """The part of a source's block that every source has.

    ``connector`` and ``decoder`` hold the name (``type``) and the options of each.
    """

    name: Name = Field(description="What it is called on screen.")
    connector: dict[str, Any] = Field(description="How records arrive: `type` and its options.")
    decoder: dict[str, Any] = Field(description="What they mean: `type` and its options.")
    every: Duration = Field(default=timedelta(seconds=1), description="How often it is asked.")
    time_zone: Zone | None = Field(default=None, description="Zone of its times; the area's.")
    crs: str = Field(default="WGS-84", description=f"CRS of its coordinates: {KNOWN}.")
    priority: Literal["emergency", "normal"] | None = Field(
        default=None,
        description="Whether its records go first when much comes at once; by default they do when "
        "the kinds that it maps to include an emergency.",
    )
    silence: Duration | None = Field(
        default=None, description="How long the source may say nothing before it counts as silent."
    )
    replay: ReplayOptions | None = Field(default=None, description="Play it as if live; see below.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One configured feed, ready to be polled or heard.

    ``connector`` reads the source as it is; ``replay`` plays it, when the block asks for that.
    ``to_wgs84`` is None when coordinates need no conversion. What is urgent is stored first.
    """

    id: str
    names: Mapping[str, str]
    connector: Connector
    decoder: Decoder
    every: timedelta
    to_wgs84: Converter | None
    silence: timedelta | None
    is_urgent: bool
    replay: Replay | None

    @property
    def poller(self) -> Poller | None:
        """The connector, if it is one that is asked for news."""
        return cast(Poller, self.connector) if hasattr(self.connector, "poll") else None

    @property
    def listener(self) -> Listener | None:
        """The connector, if it is one that hears its peers by itself."""
        return cast(Listener, self.connector) if hasattr(self.connector, "listen") else None

    @property
    def receiver(self) -> Receiver | None:
        """The connector, if it is one that is told by HTTP requests to this server."""
        return cast(Receiver, self.connector) if hasattr(self.connector, "receive") else None


def build_sources(settings: Settings) -> tuple[Source, ...]:
    """Every source of the config file, checked.

    Raises SettingsError naming file, key, value, rule and a hint.
    """
    _check_names(settings)
    sources = tuple(
        _build(settings, source_id, block) for source_id, block in settings.sources.items()
    )
    _check_clocks(settings, sources)
    return sources


def _build(settings: Settings, source_id: str, block: Mapping[str, Any]) -> Source:
    within = ("sources", source_id)
    common = _checked(SourceSettings, block, settings, within)
    connector = _chosen(CONNECTORS, common.connector, settings, (*within, "connector"))
    decoder = _chosen(DECODERS, common.decoder, settings, (*within, "decoder"))
    zone: ZoneInfo = common.time_zone or settings.area.time_zone
    reader = decoder[0](decoder[1], zone=zone)
    _check_kinds(settings, source_id, decoder[1])
    spoken = connector[0](connector[1], base=settings.file.parent)
    try:
        to_wgs84 = converter(common.crs)
    except SettingsError as error:
        raise SettingsError(f"{settings.file} [sources.{source_id}]: {error}") from error
    if common.replay is not None and not hasattr(spoken, "poll"):
        raise SettingsError(
            f"{settings.file} [sources.{source_id}]: replay: only what is polled can be played; "
            "use a connector that reads files"
        )
    return Source(
        id=source_id,
        names=common.name.as_dict(),
        connector=spoken,
        decoder=reader,
        every=common.every,
        to_wgs84=to_wgs84,
        silence=common.silence,
        is_urgent=_is_urgent(settings, common.priority, decoder[1]),
        replay=Replay(common.replay, spoken, reader, zone=zone) if common.replay else None,
    )


def _checked(model: type, block: Any, settings: Settings, within: tuple[str, ...]) -> Any:
    try:
        return model.model_validate(block, context={"secrets": settings.secrets})  # type: ignore[attr-defined]
    except ValidationError as error:
        raise explain(error, file=str(settings.file), within=within, model=model) from error


def _chosen(
    known: Mapping[str, Any], block: Mapping[str, Any], settings: Settings, within: tuple[str, ...]
) -> tuple[Any, Any]:
    """The class a block names with ``type``, and its options, checked."""
    name = str(block.get("type"))
    if name not in known:
        where = f"{settings.file} [{'.'.join(within)}]"
        raise SettingsError(f"{where}: type = {name!r}: must be one of: {', '.join(sorted(known))}")
    options = {key: value for key, value in block.items() if key != "type"}
    return known[name], _checked(known[name].options, options, settings, within)


def _is_urgent(settings: Settings, priority: str | None, options: Any) -> bool:
    if priority is not None:
        return priority == "emergency"
    classes = {settings.kinds[kind].kind_class for kind in _kinds_of(options)}
    return KindClass.EMERGENCY in classes


def _kinds_of(options: Any) -> set[str]:
    """The kinds that a decoder may give its records, as far as its options say."""
    kind = getattr(options, "kind", None)
    if kind is None:
        return set()
    return {kind} if isinstance(kind, str) else {*kind.map.values(), kind.default} - {None}


OURS = frozenset({"console"})
"""Names of sources that are not configured."""


def _check_names(settings: Settings) -> None:
    for name in OURS & settings.sources.keys():
        raise SettingsError(
            f"{settings.file} [sources.{name}]: the name {name!r} is that of what people say on "
            "the pages; choose another"
        )


def _check_kinds(settings: Settings, source_id: str, options: Any) -> None:
    alarm = getattr(options, "alarm", None)
    if alarm is not None and alarm.source not in settings.sources:
        raise SettingsError(
            f"{settings.file} [sources.{source_id}.decoder]: alarm.source = {alarm.source!r}: "
            f"there is no such source; use one of: {', '.join(sorted(settings.sources))}"
        )
    unknown = sorted(_kinds_of(options) - set(settings.kinds))
    if unknown:
        raise SettingsError(
            f"{settings.file} [sources.{source_id}.decoder]: kind = {unknown[0]!r}: "
            f"there is no such kind; add [kinds.{unknown[0]}] or use one of: "
            f"{', '.join(sorted(settings.kinds))}"
        )


def _check_clocks(settings: Settings, sources: tuple[Source, ...]) -> None:
    """All sources run on one clock, so replays must agree on its speed."""
    speeds = {s.replay.options.speed if s.replay else 1.0 for s in sources}
    if len(speeds) > 1:
        shown = ", ".join(f"{speed:g}" for speed in sorted(speeds))
        raise SettingsError(
            f"{settings.file} [sources]: replay.speed = {shown}: all sources share one clock; "
            "give every replay the same speed, and live sources only beside speed = 1"
        )
