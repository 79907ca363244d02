"""What belongs to one incident: what was merged, the device's other alarms, who is near."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.connectors.record import Record
from pipelines.decoders.decoder import Meaning
from pipelines.desk.case_links import Tie
from pipelines.desk.casefile import Case, read_case
from pipelines.desk.local_map import MarkRole
from pipelines.installation import Installation, open_installation
from pipelines.model.device import Alarm, Condition, Signal
from pipelines.model.incident import incident_id
from pipelines.settings import load
from tests.builders import MUCH_LATER, a_statement, at
from tests.pipelines.installations import (
    ELSEWHERE,
    IN_G1,
    IN_G2,
    a_batch,
    a_call,
    a_config,
    a_file,
    a_record,
    an_installation,
    as_csv,
    drop,
    taken_in,
    the_grids,
)

UNITS = """
[units]
file = "units.csv"
"""


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    rows = ["code,type,name,lat,lon,strength"]
    rows += [f"E05,patrol,Engine 5,{IN_G1[0]},{IN_G1[1]},6", "E07,patrol,Engine 7,30.0,120.0,4"]
    a_file(tmp_path / "units.csv", "\n".join(rows))
    installation = an_installation(tmp_path, more=UNITS)
    yield installation
    installation.store.close()


def case_of(street: Installation, key: str) -> Case:
    with street.store.reading() as reader:
        case = read_case(reader, street, incident_id("calls", key), now=MUCH_LATER).case
    assert case is not None
    return case


def test_a_merged_call_and_the_one_it_was_merged_into_name_each_other(tmp_path: Path) -> None:
    # which column names the other call is the platform's own affair; here it is the title
    drill = 'exclude = { column = "drill", map = { yes = "drill" } }'
    text = a_config(tmp_path).read_text("utf-8")
    assert drill in text
    merged = 'exclude = { column = "title", filled = "merged_child" }'
    file = a_file(tmp_path / "street.toml", text.replace(drill, merged))
    the_grids(tmp_path)
    settings = load({"GRID135_DATA": str(tmp_path / "data")}, str(file))
    street = open_installation(settings, replayed=False)
    rows = (a_call("A-1", arrived=200), a_call("A-2", reported=60, title="A-1"))
    drop(tmp_path / "calls.csv", as_csv(rows))
    street.pull(street.sources[0], now=MUCH_LATER)

    child, parent = case_of(street, "A-2"), case_of(street, "A-1")

    assert [(link.tie, link.key) for link in child.links] == [(Tie.MERGED_INTO, "A-1")]
    assert [(link.tie, link.key) for link in parent.links] == [(Tie.MERGED_FROM, "A-2")]
    street.store.close()


class _Alarms:
    """A device that raises the alarm at the moments its records name, in seconds after nine."""

    def decode(self, record: Record, *, source: str, received_at: object) -> Meaning:
        seconds = float(record.raw)
        raised = a_statement(source=source, key="", reported=seconds, recorded=seconds)
        alarm = raised._replace(alarm=Alarm("smk-1", at(seconds)))
        signal = Signal(
            source=source,
            device="smk-1",
            at=at(seconds),
            recorded_at=at(seconds),
            content=record.raw,
            begun=frozenset({Condition.ALARM}),
        )
        return Meaning(statements=(alarm,), signals=(signal,))


def test_the_other_alarms_of_a_device_and_its_last_signals_are_listed(street: Installation) -> None:
    source = replace(street.sources[0], decoder=_Alarms())
    records = [
        a_record(a_call())._replace(raw=str(seconds).encode()) for seconds in (0, 7200, 86_400)
    ]
    street.door.accept(source, a_batch(*records), now=MUCH_LATER)
    last = (at(86_400)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    case = case_of(street, f"smk-1@{last}")

    assert [link.tie for link in case.links] == [Tie.SAME_DEVICE] * 2
    assert [link.t0 for link in case.links] == [at(7200), at(0)]
    assert case.device is not None
    assert [signal.at for signal in case.device.signals] == [at(86_400), at(7200), at(0)]


def test_who_was_sent_comes_before_who_is_near(street: Installation) -> None:
    taken_in(street, a_call("A-1", unit="E07", arrived=200))

    units = case_of(street, "A-1").units

    assert [(u.names["en"], u.was_sent) for u in units] == [("Engine 7", True), ("Engine 5", False)]
    assert units[1].distance_m == 0


def test_the_map_shows_grid_place_and_units(street: Installation) -> None:
    taken_in(street, a_call("A-1", place=IN_G2), a_call("A-2", place=None))

    here, nowhere = case_of(street, "A-1").where, case_of(street, "A-2").where

    assert {mark.role for mark in here.marks} == {MarkRole.INCIDENT, MarkRole.UNIT}
    assert [grid.code for grid in here.grids if grid.open] == ["G2"]
    assert here.map.extent is not None
    assert nowhere.map.extent is not None
    assert here.map.extent[0] < nowhere.map.extent[0]
    assert not nowhere.is_placed


def test_what_lies_outside_every_grid_is_still_on_its_map(street: Installation) -> None:
    taken_in(street, a_call("A-1", place=ELSEWHERE))

    where = case_of(street, "A-1").where

    assert where.is_placed
    assert where.map.lat > ELSEWHERE[0] - 0.5
