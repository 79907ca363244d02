"""The example configuration for platforms that push, with the messages that were captured."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.connectors.record import Origin, Record
from pipelines.decoders.decoder import Meaning
from pipelines.errors import BadRecordError
from pipelines.installation import prepare
from pipelines.settings import load
from tests.pipelines.decoders.test_iot_push import SAMPLES

EXAMPLE = Path(__file__).parents[2] / "config" / "iot-push-example.toml"

SAID = {
    "C02": ("smoke_ctwing", "860000000000000", {"muted"}),
    "C04": ("smoke_other", "d01308047f864601a821e02dc328eab4", set()),
    "C05": ("smoke_other", "d01308047f864601a821e02dc328eab4", {"low_battery"}),
    "C06": ("fire_unit", "1501708501/222", set()),
    "C07": ("fire_unit", "1501708501/01000917010374", {"offline"}),
    "C08": ("fire_unit", "1501708501/0100091701037401000001010100390126", {"alarm"}),
    "C09": ("fire_unit", "1501708501/0181091701068001000001010100010133", {"fault"}),
    "C10": ("fire_unit", "1501708501/0181091701068001000001010100030185", set()),
    "H01": ("smoke_iotda", "863434047705329", set()),
}


def meaning(name: str, source: str) -> Meaning:
    sources = {s.id: s for s in prepare(load({}, str(EXAMPLE)))[1]}
    record = Record(json.dumps(SAMPLES[name]).encode(), b"", None, Origin("push", 1), 1)
    sent = SAMPLES[name].get("timestamp", 1621306247000)
    now = datetime.fromtimestamp(sent / 1000, UTC)
    meant = sources[source].decoder.decode(record, source=source, received_at=now)
    assert isinstance(meant, Meaning)
    return meant


@pytest.mark.parametrize("name", SAID)
def test_the_vendors_tables_understand_the_captured_messages(name: str) -> None:
    source, device, begun = SAID[name]

    meant = meaning(name, source)

    assert [(s.device, s.begun) for s in meant.signals] == [(device, begun)]
    assert len(meant.statements) == ("alarm" in begun)
    assert not meant.problems


@pytest.mark.parametrize("name", ["C01", "C03"])
def test_what_the_table_does_not_know_is_not_guessed(name: str) -> None:
    with pytest.raises(BadRecordError):
        meaning(name, "smoke_ctwing")
