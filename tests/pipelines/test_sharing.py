"""Workers share the sources out fairly, keep what they have, and nobody has what another has."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pipelines.leases.sharing import Turn, turn_of

CLAIMS = [f"source/{name}" for name in "abcdefghijk"]


class Workers:
    """Workers on one store: each decides by itself from what it sees there."""

    def __init__(self, claims: list[str]) -> None:
        self.claims = claims
        self.held: dict[str, str] = {}
        self.alive: set[str] = set()
        self.moves = 0

    def turn(self, worker: str) -> None:
        turn = turn_of(worker, self.claims, self.held, self.alive)
        for claim in turn.take:
            assert claim not in self.held
            self.held[claim] = worker
        for claim in turn.give:
            assert self.held.pop(claim) == worker
        self.moves += len(turn.take) + len(turn.give)

    def settle(self, pick: Callable[[list[str]], list[str]] = sorted) -> None:
        for _ in range(4):
            for worker in pick(sorted(self.alive)):
                self.turn(worker)

    def loads(self) -> list[int]:
        return sorted(list(self.held.values()).count(worker) for worker in self.alive)


def test_one_worker_takes_everything() -> None:
    assert turn_of("a", CLAIMS, {}, {"a"}) == Turn(take=tuple(CLAIMS))


def test_a_worker_that_comes_second_is_given_half() -> None:
    workers = Workers(CLAIMS[:9])
    workers.alive = {"a"}
    workers.settle()

    workers.alive = {"a", "b"}
    workers.settle()

    assert workers.loads() == [4, 5]
    assert workers.moves == 9 + 2 * 4


def test_nothing_moves_once_it_is_shared_out() -> None:
    workers = Workers(CLAIMS)
    workers.alive = {"a", "b", "c"}
    workers.settle()
    before = (dict(workers.held), workers.moves)

    workers.settle()

    assert (workers.held, workers.moves) == before


@given(data=st.data(), n=st.integers(0, len(CLAIMS)))
def test_whoever_comes_and_goes_and_in_whatever_order_all_is_taken_and_shared_fairly(
    data: st.DataObject, n: int
) -> None:
    workers = Workers(CLAIMS[:n])
    for _ in range(data.draw(st.integers(1, 4))):
        workers.alive = data.draw(st.sets(st.sampled_from("abcde"), min_size=1))
        workers.held = {c: w for c, w in workers.held.items() if w in workers.alive}
        workers.settle(lambda names: data.draw(st.permutations(names)))

        assert set(workers.held) == set(CLAIMS[:n])
        assert max(workers.loads()) - min(workers.loads()) <= 1


@given(data=st.data())
def test_a_worker_that_dies_costs_the_others_nothing_that_they_have(data: st.DataObject) -> None:
    workers = Workers(CLAIMS)
    workers.alive = {"a", "b", "c", "d"}
    workers.settle()
    dead = data.draw(st.sampled_from(sorted(workers.alive)))
    before = {c: w for c, w in workers.held.items() if w != dead}

    workers.alive -= {dead}
    workers.held = dict(before)
    workers.settle(lambda names: data.draw(st.permutations(names)))

    assert before.items() <= workers.held.items()
    assert set(workers.held) == set(CLAIMS)
