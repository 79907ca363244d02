"""The memory of a process that runs for months: how its garbage is collected and given back."""

import ctypes
import gc
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache

_ARENA_MAX = -8
"""``M_ARENA_MAX`` of glibc's malloc.h."""


def collect_less_often() -> None:
    """Let the garbage collector rest while history is loaded.

    That makes millions of short-lived tuples and no cycles; a tenth more records a second.
    """
    gc.set_threshold(100_000, 50, 100)


def collect_for_months() -> None:
    """Let the garbage collector keep a process small that never ends.

    A request leaves a few hundred objects that refer to each other. By the hundred thousand they
    cost 15 MB, and the memory between them is never given back. What the start has made stays,
    and is not looked through again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


def share_one_heap() -> None:
    """Have all threads take memory from one heap.

    glibc gives each a heap of its own, and what one thread lets go of no other can use: over
    thousands of drawings, each in whichever thread was free, they fill with gaps. The interpreter
    runs one thread at a time, so nobody has to wait. To be called before any thread begins.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Return what is free to the system.

    The C library keeps what was let go of for later, after a burst more than is ever needed again.
    """
    _trim()(0)


@lru_cache(maxsize=1)
def _trim() -> Callable[[int], int]:
    """``malloc_trim`` of glibc; elsewhere nothing can be done, and nothing is."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return lambda _: 0
    return trim
