"""A limit on how often something may happen: a token bucket."""

from collections.abc import Callable


class Bucket:
    """Holds up to ``burst`` tokens and gains ``rate`` a second; whoever comes takes one."""

    def __init__(self, *, rate: float, burst: int, elapsed: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._elapsed = elapsed
        self._tokens = float(burst)
        self._at = elapsed()

    def take(self) -> float:
        """Take a token: 0 when there was one, else the seconds until there will be."""
        now = self._elapsed()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate
