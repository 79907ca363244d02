"""How workers share the sources out among themselves: who takes which, who gives which away.

Every worker decides for itself, from what it sees in the store, and all come to the same: each has
as many as any other, or one more. Whoever has its share keeps what it has.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What a worker is to do now: take these, which are free; give these away, which it holds."""

    take: tuple[str, ...] = ()
    give: tuple[str, ...] = ()


def turn_of(
    me: str, claims: Sequence[str], held: Mapping[str, str], workers: Collection[str]
) -> Turn:
    """The turn of one worker. ``held`` says who holds which claim, without those that are free.

    The workers that hold the most now may keep one more, where the claims do not come out even;
    among equals those whose names come first.
    """
    everyone = {me, *workers}
    counts = Counter(held[claim] for claim in claims if claim in held)
    order = sorted(everyone, key=lambda worker: (-counts[worker], worker))
    each, rest = divmod(len(claims), len(everyone))
    share = each + (order.index(me) < rest)
    mine = sorted(claim for claim in claims if held.get(claim) == me)
    if len(mine) > share:
        return Turn(give=tuple(mine[share:]))
    free = sorted(claim for claim in claims if claim not in held)
    return Turn(take=tuple(free[: share - len(mine)]))
