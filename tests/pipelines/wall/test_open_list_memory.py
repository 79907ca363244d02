"""What is remembered of the open incidents is what reading them anew would say."""

from datetime import timedelta
from pathlib import Path

from pipelines.wall.open_list import Remembered, open_incidents, open_lines
from tests.builders import at
from tests.pipelines.installations import a_call, an_installation, taken_in

WITH_HANDLING = """
[targets.kinds.noise]
resolved = "30m"
"""


def test_an_open_incident_looks_and_ranks_as_if_it_were_read_anew_at_every_moment(
    tmp_path: Path,
) -> None:
    street = an_installation(tmp_path, more=WITH_HANDLING)
    taken_in(
        street,
        a_call("A-1", accepted=40),
        a_call("A-2", reported=100, accepted=130, dispatched=200, arrived=390),
        a_call("A-3", kind="noise", reported=60),
        a_call("A-4", kind="smoke", reported=7, drill="yes"),
        a_call("A-5", reported=300, accepted=900),
    )
    remembered, seen = Remembered(), set()
    moments = [at(0) + timedelta(seconds=n * 11) for n in range(230)]
    for edge in (42, 60, 126, 180, 210, 300, 60 + 1260, 60 + 1800, 300 + 1800):
        moments += [at(edge) + timedelta(milliseconds=ms) for ms in (-1, 0, 1)]

    with street.store.reading() as reader:
        for now in sorted(moments):
            shown = open_incidents(reader, street, remembered, open_lines(reader, street, now), now)
            anew = open_incidents(
                reader, street, Remembered(), open_lines(reader, street, now), now
            )
            assert shown == anew, now
            seen.add(tuple(item.view.id for item in shown))

    assert len(seen) > 3, "the order changes with time alone"
    street.store.close()


def test_what_is_said_of_an_open_incident_is_seen_at_once(tmp_path: Path) -> None:
    street = an_installation(tmp_path)
    remembered = Remembered()
    taken_in(street, a_call("A-1"), now=at(10))
    with street.store.reading() as reader:
        before = open_incidents(
            reader, street, remembered, open_lines(reader, street, at(10)), at(10)
        )
    taken_in(street, a_call("A-1", accepted=11), now=at(12))
    with street.store.reading() as reader:
        after = open_incidents(
            reader, street, remembered, open_lines(reader, street, at(12)), at(12)
        )

    assert (before[0].view.next_clock, after[0].view.next_clock) == (0, 1)
    street.store.close()
