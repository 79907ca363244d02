"""What may be configured about user transmission devices: their dialect, and what a fire is."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.decoders.gb26875.codes import SMOKE_DETECTORS
from pipelines.decoders.gb26875.moments import Clock
from pipelines.reading.options import Options

Reporter = Literal["component", "system", "device"]
SMOKE, SYSTEM, DEVICE, MANUAL = "smoke", "system", "device", "manual"
_WORDS = (SMOKE, SYSTEM, DEVICE, MANUAL)


class FireKinds(Options):
    """The kind of incident a fire opens, by what reports it."""

    map: dict[str, str] = Field(
        default={},
        description="`smoke` (a component type listed in `smoke_types`), any other component type "
        "of table 5 by its number, `system`, `device` (the transmission device itself), `manual` "
        "(its alarm button, or that of a system) → a kind.",
    )
    default: str = Field(description="The kind of any other fire.")

    @model_validator(mode="after")
    def _are_known(self) -> Self:
        for name in self.map:
            if name not in _WORDS and not (name.isdecimal() and int(name) <= 255):
                raise ValueError(
                    f"map: {name!r} reports no fires; use {', '.join(_WORDS)} or a component type, "
                    "0 to 255"
                )
        return self


class Gb26875Options(Options):
    """Frames of GB/T 26875.3: how the devices depart from the standard, and what a fire opens."""

    kind: FireKinds | str = Field(
        description="The kind of incident a fire opens; one for all, or by what reports it."
    )
    smoke_types: tuple[int, ...] = Field(
        default=tuple(sorted(SMOKE_DETECTORS)),
        description="Component types (table 5) that count as smoke detectors; a vendor's own are "
        "128 to 255.",
    )
    alarms_of: tuple[Reporter, ...] = Field(
        default=("component", "system", "device"),
        description="Whose fire status opens an incident. Where a panel repeats the fires of its "
        'components as its own, `["component"]` makes one incident of them; the others are then '
        "states only. An alarm button always opens one.",
    )
    clock: Clock = Field(
        default=Clock.AUTO,
        description="How devices write the numbers of a time: `binary` as in the standard, `bcd`, "
        "or `auto`: whichever of the two is near the time of receipt.",
    )
    address_bits: Literal[32, 48] = Field(
        default=48, description="How much of an address field names the device; the rest is not."
    )

    def kind_of(self, reporter: str) -> str:
        """The kind of a fire that ``reporter`` reports: a word, or a component type."""
        if isinstance(self.kind, str):
            return self.kind
        return self.kind.map.get(reporter, self.kind.default)

    def component_kind(self, comp_type: int) -> str:
        """The kind of a fire that a component of this type reports."""
        if isinstance(self.kind, str):
            return self.kind
        own = self.kind.map.get(str(comp_type))
        return own or self.kind_of(SMOKE if comp_type in self.smoke_types else "")
