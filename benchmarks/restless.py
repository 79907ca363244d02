"""``app.py run`` with a hub that does not rest: ``python -m benchmarks.restless run …``.

Between two drawings the hub rests twice as long as one took, so that a flood of changes costs a
bounded share of the processor. What grows with the number of updates is the same without, and is
seen in a third of the time. At SIGUSR1 it collects its garbage, as a page does that is weighed:
by itself it does so once in millions of objects, and holds some megabytes more or fewer till then.
"""

import gc
import signal
import sys
from typing import Any

import app
from dashboard.hub import Hub, Pace
from pipelines.host.memory import give_back

PACE = Pace(poll_s=0.005, rest_share=0.0)


def tidy(*_: Any) -> None:
    """Collect what garbage there is, and return what is free to the system."""
    gc.collect()
    give_back()


def main() -> int:
    """Run the product."""
    made = Hub.__init__

    def restless(self: Hub, *backend: Any, **how: Any) -> None:
        made(self, *backend, **how | {"pace": PACE})

    Hub.__init__ = restless  # type: ignore[method-assign]
    signal.signal(signal.SIGUSR1, tidy)
    return app.main()


if __name__ == "__main__":
    sys.exit(main())
