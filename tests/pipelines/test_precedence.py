"""What may be an emergency is stored before what is not."""

import threading

from pipelines.door.precedence import Precedence
from tests.processes import until


def test_anything_else_steps_aside_while_something_urgent_is_stored() -> None:
    precedence = Precedence(patience_s=60)
    order: list[str] = []

    def other() -> None:
        with precedence.turn(urgent=False):
            order.append("other")

    with precedence.turn(urgent=True):
        thread = threading.Thread(target=other)
        thread.start()
        order.append("urgent")
    thread.join(10)

    assert order == ["urgent", "other"]


def test_what_is_urgent_waits_for_nobody() -> None:
    precedence = Precedence()
    with precedence.turn(urgent=False), precedence.turn(urgent=True):
        pass


def test_an_endless_flood_of_what_is_urgent_does_not_end_the_others() -> None:
    precedence = Precedence(patience_s=0.01)
    went = threading.Event()

    def other() -> None:
        with precedence.turn(urgent=False):
            went.set()

    with precedence.turn(urgent=True):
        threading.Thread(target=other).start()
        assert until(went.is_set, within_s=10)
