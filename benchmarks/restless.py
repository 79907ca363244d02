"""``app.py run`` with a hub that does not rest: ``python -m benchmarks.restless run …``.

Between two drawings the hub rests twice as long as one took, so that a flood of changes costs a
bounded share of the processor. What grows with the number of updates is the same without, and is
seen in a third of the time.
"""

import sys
from typing import Any

import app
from dashboard.hub import Hub, Pace

PACE = Pace(poll_s=0.005, rest_share=0.0)


def main() -> int:
    """Run the product."""
    made = Hub.__init__

    def restless(self: Hub, *backend: Any, **how: Any) -> None:
        made(self, *backend, **how | {"pace": PACE})

    Hub.__init__ = restless  # type: ignore[method-assign]
    return app.main()


if __name__ == "__main__":
    sys.exit(main())
