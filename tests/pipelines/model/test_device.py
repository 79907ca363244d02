"""What the signals of a device add up to."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.model.device import BATTERY, Condition, DeviceState, Signal, heard
from tests.builders import at


def a_signal(
    seconds: float = 0,
    *,
    recorded: float | None = None,
    begun: tuple[Condition, ...] = (),
    ended: tuple[Condition, ...] = (),
    **values: str,
) -> Signal:
    return Signal(
        source="sensors",
        device="S-1",
        at=at(seconds),
        recorded_at=at(seconds if recorded is None else recorded),
        content=f"{seconds} {begun} {ended} {values}".encode(),
        begun=frozenset(begun),
        ended=frozenset(ended),
        values=values,
    )


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    conditions = st.frozensets(st.sampled_from([Condition.ALARM, Condition.FAULT, Condition.TEST]))
    begun = draw(conditions)
    return a_signal(
        draw(st.integers(0, 20)),
        recorded=draw(st.integers(0, 30)),
        begun=tuple(begun),
        ended=tuple(draw(conditions) - begun),
        **draw(st.dictionaries(st.sampled_from([BATTERY, "temp"]), st.sampled_from(["1", "2"]))),
    )


def test_a_condition_holds_from_when_it_began_until_it_ended() -> None:
    burning = heard(None, [a_signal(0), a_signal(10, begun=(Condition.ALARM,))])

    over = heard(burning, [a_signal(70, ended=(Condition.ALARM,))])

    assert burning.holding == {Condition.ALARM}
    assert burning.conditions[Condition.ALARM].at == at(10)
    assert over.holding == frozenset()


def test_an_old_signal_that_comes_late_does_not_undo_a_newer_one() -> None:
    over = heard(None, [a_signal(70, ended=(Condition.ALARM,))])

    told_late = heard(over, [a_signal(10, recorded=90, begun=(Condition.ALARM,))])

    assert told_late.holding == frozenset()
    assert told_late.last_seen == at(90)


def test_a_test_does_not_hide_an_alarm() -> None:
    state = heard(None, [a_signal(0, begun=(Condition.TEST, Condition.ALARM))])

    assert state.holding == {Condition.TEST, Condition.ALARM}


def test_at_one_moment_that_a_condition_holds_is_believed() -> None:
    said = [a_signal(5, begun=(Condition.ALARM,)), a_signal(5, ended=(Condition.ALARM,))]

    assert heard(None, said).holding == heard(None, said[::-1]).holding == {Condition.ALARM}


@given(st.lists(signals(), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_order_repetition_and_batching_of_signals_change_nothing(
    said: list[Signal], random: Random
) -> None:
    shuffled = [*said, *random.sample(said, len(said) // 2)]
    random.shuffle(shuffled)

    together = heard(None, said)
    state: DeviceState | None = None
    for signal in shuffled:
        state = heard(state, [signal])

    assert state is not None
    assert (state.conditions, state.values) == (together.conditions, together.values)
    assert (state.first_seen, state.last_seen) == (together.first_seen, together.last_seen)


def test_a_device_is_silent_after_three_of_its_own_pauses() -> None:
    every_minute = heard(None, [a_signal(60 * n) for n in range(10)])

    assert every_minute.rhythm == timedelta(minutes=1)
    assert not every_minute.is_silent(at(540 + 180), at_least=timedelta(seconds=10))
    assert every_minute.is_silent(at(540 + 181), at_least=timedelta(seconds=10))
    assert not every_minute.is_silent(at(540 + 181), at_least=timedelta(hours=1))


def test_a_device_nobody_heard_has_no_state() -> None:
    with pytest.raises(ValueError, match="at least one"):
        heard(None, [])
