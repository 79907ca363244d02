"""Between devices and their signals and the rows of the store."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from pipelines.connectors.record import Record
from pipelines.model.device import Condition, DeviceState, Measured, Signal, Since
from pipelines.store.rows import from_ms, to_ms


def device_row(state: DeviceState) -> tuple[Any, ...]:
    """The state of a device as a row of ``device``, its columns in order."""
    rhythm = None if state.rhythm is None else int(state.rhythm.total_seconds() * 1000)
    return (
        state.source,
        state.device,
        to_ms(state.first_seen),
        to_ms(state.last_seen),
        rhythm,
        _json({c: [to_ms(s.at), s.holds] for c, s in sorted(state.conditions.items())}),
        _json({name: [to_ms(m.at), m.value] for name, m in sorted(state.values.items())}),
    )


def device_from(row: Any) -> DeviceState:
    """The state that a row of ``device`` stands for."""
    return DeviceState(
        source=row.source,
        device=row.device,
        first_seen=from_ms(row.first_seen_ms),
        last_seen=from_ms(row.last_seen_ms),
        conditions={
            Condition(name): Since(from_ms(ms), holds)
            for name, (ms, holds) in json.loads(row.conditions).items()
        },
        values={
            name: Measured(from_ms(ms), value)
            for name, (ms, value) in json.loads(row.measured).items()
        },
        rhythm=None if row.rhythm_ms is None else timedelta(milliseconds=row.rhythm_ms),
    )


def signal_row(signal: Signal, record: Record, context_id: bytes) -> tuple[Any, ...]:
    """A signal as a row of ``signal``, its columns in order."""
    return (
        signal.source,
        signal.device,
        signal.content,
        to_ms(signal.at),
        to_ms(signal.recorded_at),
        ",".join(sorted(signal.begun)),
        ",".join(sorted(signal.ended)),
        _json(dict(sorted(signal.values.items()))),
        record.raw,
        context_id,
    )


# json.dumps makes a new encoder at every call that is not all defaults
_json: Callable[[Mapping[str, Any]], str] = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":")
).encode
