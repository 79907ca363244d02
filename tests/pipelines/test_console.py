"""What people say comes in through the one door, and touches no clock and no figure."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.desk.casefile import CaseFile, read_case
from pipelines.desk.console import LONGEST, Console
from pipelines.desk.handover import Handover, check, read_handover
from pipelines.errors import QueryError, SettingsError
from pipelines.installation import Installation, open_installation
from pipelines.model.incident import incident_id
from pipelines.model.remark import Act
from pipelines.privacy.clearance import Clearance, Role
from pipelines.settings import load
from pipelines.upkeep.rebuilding import rebuild
from tests.builders import NINE, at
from tests.pipelines.installations import (
    a_call,
    a_config,
    a_file,
    an_installation,
    content,
    taken_in,
    the_grids,
)

NOW = at(7200)
CALLS = (
    a_call("A-1", accepted=30, dispatched=90, arrived=312, resolved=900),
    a_call("A-2", accepted=30),
    a_call("A-3", reported=-90_000, accepted=-89_000),
)
A1, A2 = incident_id("calls", "A-1"), incident_id("calls", "A-2")
COUNTED = ("report", "incident", "rollup", "sheet", "slot", "quarantine", "fact")
SUPERVISOR = Clearance(role=Role.SUPERVISOR)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    taken_in(installation, *CALLS, now=NOW)
    yield installation
    installation.store.close()


def say(
    street: Installation, act: str, seconds: float = 7300, person: str = "li", **said: str
) -> None:
    Console(street).take(act, said, person=person, now=at(seconds))


def case_of(street: Installation, incident: str = A1) -> CaseFile:
    with street.store.reading() as reader:
        return read_case(reader, street, incident, now=NOW, clearance=SUPERVISOR)


def handed(street: Installation, seconds: float = 7400, **filters: str) -> Handover:
    with street.store.reading() as reader:
        return read_handover(reader, street, filters, now=at(seconds), clearance=SUPERVISOR)


def test_no_remark_touches_a_clock_or_a_figure(street: Installation) -> None:
    before = content(street.store, *COUNTED)

    for act in (Act.NOTED, Act.PINNED, Act.UNPINNED):
        say(street, act, incident=A1, text="arrived at 08:00; cancelled")
    say(street, Act.HANDED_OVER, shift=NINE.isoformat(), text="")
    rebuild(street.store, street.desk)

    assert content(street.store, *COUNTED) == before


def test_a_note_is_on_the_page_of_its_incident_masked(street: Installation) -> None:
    say(street, "noted", incident=A1, text="回电13812345678，已到场\x07")

    case = case_of(street).case
    assert case is not None
    (note,) = case.remarks
    assert (note.person, note.at, note.text) == ("li", at(7300), "回电138****5678，已到场")
    assert "13812345678" in str(content(street.store, "remark"))


def test_the_same_click_sent_twice_is_one(street: Installation) -> None:
    say(street, "noted", incident=A1, text="one")
    say(street, "noted", incident=A1, text="one")
    say(street, "noted", seconds=7301, incident=A1, text="one")

    case = case_of(street).case
    assert case is not None
    assert len(case.remarks) == 2


def test_the_last_word_says_whether_an_incident_is_pinned(street: Installation) -> None:
    say(street, "pinned", incident=A1)
    say(street, "pinned", seconds=7301, incident=A2)
    say(street, "unpinned", seconds=7302, incident=A1)

    assert [row.id for row in handed(street).pinned] == [A2]
    first, second = case_of(street).case, case_of(street, A2).case
    assert first is not None
    assert second is not None
    assert (first.is_pinned, second.is_pinned) == (False, True)


@pytest.mark.parametrize(
    ("act", "said", "why"),
    [
        ("noted", {"incident": A1, "text": "  "}, "text = '': must not be empty"),
        ("noted", {"incident": A1, "text": "x" * (LONGEST + 1)}, "at most 2000 characters"),
        ("noted", {"incident": "nobody", "text": "x"}, "there is no such incident"),
        ("noted", {"text": "x"}, "must be an incident or a shift"),
        ("resolved", {"incident": A1}, "must be one of: noted"),
        ("handed_over", {"incident": A1}, "cannot be said of incidents"),
        ("pinned", {"shift": NINE.isoformat()}, "cannot be said of a shift"),
        ("noted", {"shift": "tonight", "text": "x"}, "must be a time by ISO 8601"),
        ("noted", {"shift": "2026-03-02T08:00", "text": "x"}, "must have a zone"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_rule_and_nothing_is_kept(
    street: Installation, act: str, said: dict[str, str], why: str
) -> None:
    with pytest.raises(QueryError, match=why):
        say(street, act, **said)

    assert content(street.store, "remark", "quarantine") == {"remark": [], "quarantine": []}


def test_no_source_may_take_the_consoles_name(tmp_path: Path) -> None:
    more = '[sources.console]\nname = "x"\nconnector = { type = "file_drop", path = "x.csv" }\n'
    more += '[sources.console.decoder]\ntype = "table"\nincident = "id"\nkind = "fire"\n'

    with pytest.raises(SettingsError, match="choose another"):
        an_installation(tmp_path, more=more)


def test_a_shift_is_handed_over_and_taken_over(street: Installation) -> None:
    begins = handed(street).begins.isoformat()
    assert handed(street).given is None

    say(street, "handed_over", seconds=7500, shift=begins, text="watch A-2")
    waiting = handed(street, 7600)
    say(street, "taken_over", seconds=7700, person="wang", shift=begins)
    done = handed(street, 7800)

    assert waiting.given is not None
    assert (waiting.given.person, waiting.given.text, waiting.taken) == ("li", "watch A-2", None)
    assert done.taken is not None
    assert done.taken.person == "wang"


def test_handing_over_again_asks_for_another_acknowledgement(street: Installation) -> None:
    begins = handed(street).begins.isoformat()
    say(street, "handed_over", seconds=7500, shift=begins)
    say(street, "taken_over", seconds=7600, shift=begins)

    say(street, "handed_over", seconds=7700, shift=begins, text="one more")

    assert handed(street, 7800).taken is None


def test_the_hand_over_lists_what_is_open_what_missed_and_what_was_noted(
    street: Installation,
) -> None:
    say(street, "noted", incident=A1, text="on an incident")
    say(street, "noted", seconds=7301, shift=handed(street).begins.isoformat(), text="on the shift")

    page = handed(street)

    assert {row.key for row in page.open} == {"A-2", "A-3"}
    assert page.open_total == 2
    assert {(row.id, str(row.milestone)) for row in page.missed} == {
        (A1, "arrived"),
        (A2, "dispatched"),
        (A2, "arrived"),
    }
    assert [note.text for note in page.notes] == ["on an incident", "on the shift"]


def test_an_earlier_shift_is_shown_as_it_stood_when_it_ended(street: Installation) -> None:
    current = handed(street)
    yesterday = handed(street, shift=current.earlier[0].isoformat())

    assert not yesterday.is_current
    assert yesterday.as_of == yesterday.ends == current.begins
    assert [row.key for row in yesterday.open] == ["A-3"]
    assert yesterday.notes == ()


def test_notes_on_sensitive_incidents_are_for_supervisors(tmp_path: Path) -> None:
    fire = '[kinds.fire]\nname = "Fire"'
    text = a_config(tmp_path).read_text("utf-8")
    assert fire in text
    file = a_file(tmp_path / "street.toml", text.replace(fire, f"{fire}\nsensitive = true"))
    the_grids(tmp_path)
    settings = load({"GRID135_DATA": str(tmp_path / "data")}, str(file))
    street = open_installation(settings, replayed=False)
    taken_in(street, *CALLS, now=NOW)
    say(street, "noted", incident=A1, text="at the Wangs'")

    with street.store.reading() as reader:
        seen = read_case(reader, street, A1, now=NOW, clearance=Clearance(role=Role.VIEWER)).case
    assert seen is not None
    assert (seen.remarks, seen.hides_remarks) == ((), True)
    assert handed(street).notes[0].text
    with street.store.reading() as reader:
        page = read_handover(
            reader, street, {}, now=at(7400), clearance=Clearance(role=Role.VIEWER)
        )
    assert page.notes[0].text == ""
    street.store.close()


def test_notes_follow_an_incident_that_turns_out_to_be_part_of_an_earlier_one(
    street: Installation,
) -> None:
    say(street, "noted", incident=A2, text="follows")

    with street.store.writing() as writer:
        writer.rekey(A2, A1, "A-1")

    case = case_of(street).case
    assert case is not None
    assert [line.text for line in case.remarks] == ["follows"]


def test_a_wrong_shift_is_refused() -> None:
    for wrong in ("tonight", "2026-03-02T08:00", "0001-01-01T00:00Z"):
        with pytest.raises(QueryError, match="shift="):
            check({"shift": wrong})
