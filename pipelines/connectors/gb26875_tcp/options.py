"""Where devices connect to, and how much patience and room each gets: the block."""

from datetime import timedelta

from pydantic import Field

from pipelines.decoders.gb26875.moments import SHANGHAI, Clock
from pipelines.reading.options import Duration, Options, Zone


class Gb26875TcpOptions(Options):
    """A TCP server for user transmission devices (GB/T 26875.3)."""

    host: str = Field(
        default="127.0.0.1",
        description="Address of this machine to listen at; `0.0.0.0` is every one it has.",
    )
    port: int = Field(ge=0, le=65_535, description="The port that the devices are set to.")
    max_connections: int = Field(
        default=1000,
        ge=1,
        le=20_000,
        description="How many may be connected. One more takes the place of one that has never "
        "sent a frame, or is turned away.",
    )
    idle: Duration = Field(
        default=timedelta(minutes=5),
        description="A connection without a good frame for so long is closed; devices send a "
        "heartbeat every 20 to 30 s.",
    )
    settle: Duration = Field(
        default=timedelta(seconds=5),
        description="A frame that stops in the middle for so long is taken for noise.",
    )
    write_timeout: Duration = Field(
        default=timedelta(seconds=10),
        description="A peer that does not take its answers for so long is cut off.",
    )
    clock: Clock = Field(
        default=Clock.AUTO,
        description="How times are written in answers: `bcd`, or else plain binary numbers.",
    )
    time_zone: Zone = Field(default=SHANGHAI, description="The zone the devices' clocks show.")
    set_clock: bool = Field(
        default=False,
        description="Set the clock of a device that differs from ours, at most once an hour.",
    )
    clock_off_by: Duration = Field(
        default=timedelta(minutes=1), description="By how much it must differ for that."
    )
