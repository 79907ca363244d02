"""What may be revealed of an incident, one value at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.desk.casefile import read_case, read_hidden
from pipelines.desk.reveal import hidden_of, revealed
from pipelines.installation import Installation
from pipelines.model.incident import incident_id
from pipelines.model.place import Place
from pipelines.privacy.clearance import Clearance, Role
from tests.builders import NINE, an_incident
from tests.pipelines.installations import a_call, an_installation, taken_in

TITLE = "报警人：王小明，电话13812345678或13987654321，再打13812345678"


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    taken_in(installation, a_call("A-1", title=TITLE))
    yield installation
    installation.store.close()


def hidden(street: Installation, role: Role) -> list[tuple[str, int, str]]:
    with street.store.reading() as reader:
        file = read_case(
            reader, street, incident_id("calls", "A-1"), now=NINE, clearance=Clearance(role=role)
        )
    assert file.case is not None
    return [(one.what, one.number, one.mask) for one in file.case.hidden]


def value(street: Installation, what: str, number: int, key: str = "A-1") -> str | None:
    with street.store.reading() as reader:
        return read_hidden(reader, street, incident_id("calls", key), what, number)


def test_each_value_is_named_once_by_what_it_is_and_its_number(street: Installation) -> None:
    assert hidden(street, Role.SUPERVISOR) == [
        ("phone", 1, "138****5678"),
        ("phone", 2, "139****4321"),
        ("name", 1, "王**"),
    ]


@pytest.mark.parametrize("role", [Role.WALL, Role.VIEWER])
def test_who_may_not_ask_is_not_told_what_there_is(street: Installation, role: Role) -> None:
    assert hidden(street, role) == []


def test_the_one_asked_for_is_given(street: Installation) -> None:
    assert value(street, "phone", 2) == "13987654321"
    assert value(street, "name", 1) == "王小明"


def test_what_is_not_there_is_not_given(street: Installation) -> None:
    assert value(street, "phone", 3) is None
    assert value(street, "phone", 0) is None
    assert value(street, "raw", 1) is None
    assert value(street, "phone", 1, key="A-2") is None


def test_the_exact_place_of_a_sensitive_kind_is_one_value_more(tmp_path: Path) -> None:
    place = Place(address="江锦路148号3幢2单元1501室")
    incident = an_incident(kind="fire", place=place, title="电话13812345678")

    with an_installation(tmp_path).store.reading() as reader:
        found = hidden_of(reader, incident, (), is_sensitive=True)
        exact = revealed(reader, incident, (), "address", 1, is_sensitive=True)

    assert [(one.what, one.mask) for one in found] == [
        ("address", "江锦路***"),
        ("phone", "138****5678"),
    ]
    assert exact == "江锦路148号3幢2单元1501室"
