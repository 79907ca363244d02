"""What a process does again and again."""

import threading
from collections.abc import Callable

import pytest

from pipelines.host.rounds import Round
from pipelines.leases.lease import LeaseLostError

PATIENCE_S = 20.0


def doing(*results: Exception | None) -> tuple[Callable[[], None], threading.Event]:
    """Work that ends as given, turn by turn, and what is set when the last turn has come."""
    left, over = list(results), threading.Event()

    def work() -> None:
        result = left.pop(0)
        if not left:
            over.set()
        if result is not None:
            raise result

    return work, over


def test_the_work_is_done_again_also_when_it_failed(caplog: pytest.LogCaptureFixture) -> None:
    work, over = doing(None, ValueError("no such thing"), None, LeaseLostError("over"))
    rounds = Round("sweeper", work, every_s=0.001)

    rounds.start()

    assert over.wait(PATIENCE_S)
    rounds.stop()
    assert caplog.text.count("sweeper: failed; tried again in 0.001 s") == 1
    assert "no such thing" in caplog.text


def test_a_round_ends_when_another_process_makes_it_now() -> None:
    work, over = doing(LeaseLostError("another holds it"))
    rounds = Round("sweeper", work, every_s=0.001)

    rounds.start()

    assert over.wait(PATIENCE_S)
    rounds._thread.join(PATIENCE_S)
    assert not rounds._thread.is_alive()


def test_work_under_way_is_finished_before_a_round_ends() -> None:
    begun, finished = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        while not rounds.is_stopping:
            pass
        finished.set()

    rounds = Round("sweeper", work, every_s=3600, first_s=0)
    rounds.start()
    assert begun.wait(PATIENCE_S)

    rounds.stop()

    assert finished.is_set()
