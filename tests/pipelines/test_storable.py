"""A text that no database keeps sets its record aside, and stops no other."""

import json
from pathlib import Path

import pytest

from pipelines.connectors.record import Origin, Record
from pipelines.door import quarantine
from pipelines.door.storable import shown
from pipelines.store import schema
from tests.builders import MUCH_LATER
from tests.pipelines.installations import a_batch, a_call, a_record, an_installation
from tests.stores import on_every_database


def a_poisoned_record(row: dict[str, str]) -> Record:
    """As a connector hands it over that reads JSON, which can spell what UTF-8 cannot."""
    return Record(json.dumps(row).encode(), b"", row, Origin("calls.json", 2), 2)


@on_every_database
@pytest.mark.parametrize("field", ["title", "id", "unit", "record", "kind", "reported"])
@pytest.mark.parametrize("wrong", ["\x00", "\ud83d"])
def test_one_such_record_is_set_aside_and_the_others_are_stored(
    tmp_path: Path, field: str, wrong: str
) -> None:
    street = an_installation(tmp_path)
    poisoned = a_poisoned_record({**a_call("A-2"), field: f"a{wrong}b"})
    batch = a_batch(a_record(a_call("A-1")), poisoned, a_record(a_call("A-3"), ordinal=3))

    counts = street.door.accept(street.sources[0], batch, now=MUCH_LATER)

    with street.store.reading() as reader:
        (aside,) = quarantine.items(reader, limit=9)
        assert reader.count(schema.incident) == 2
    assert (counts.stored, counts.quarantined) == (2, 1)
    assert f"a\\u{ord(wrong):04x}b" in aside.value
    quarantine.replay(street.store, street.door, street.sources[0])
    street.store.close()


def test_it_is_shown_spelt_out() -> None:
    assert shown("a\x00\udc00网") == "a\\u0000\\udc00网"
