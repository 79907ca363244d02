"""How fast peers that push get their records stored: ``python -m benchmarks.sources --protocol P``.

Method: the product runs as a process of its own, with its screens' server and an empty store on
disk. Peers connect over loopback from this process. First each of them sends as fast as it is
answered: ``per_s`` is the records that were acknowledged a second, after their commit. Then they
send at a steady rate: ``p50_ms`` and ``p95_ms`` are from sending to that acknowledgement.
``rss_mb`` is the most memory the product had; ``rss_growth_mb`` how much it grew in the second half
of the first part. At the end the store must hold all that was acknowledged.
"""

import argparse
import asyncio
import json
from collections.abc import Callable, Coroutine
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.protocols.workload import Workload

PROTOCOLS = ("gb26875", "mqtt", "webhook")
"""Each is a module of ``benchmarks.protocols`` with ``measure(folder, workload)``."""

Measure = Callable[[Path, Workload], Coroutine[Any, Any, dict[str, Any]]]


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--peers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each of the two parts")
    parser.add_argument("--rate", type=float, default=100.0, help="records a second, second part")
    parser.add_argument("--alarms", type=float, default=0.02, help="share of records that are one")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON line")
    options = parser.parse_args()
    if not options.json:
        print(__doc__)
    workload = Workload(
        peers=options.peers, seconds=options.seconds, rate=options.rate, alarms=options.alarms
    )
    measure: Measure = import_module(f"benchmarks.protocols.{options.protocol}").measure
    with TemporaryDirectory() as name:
        measured = asyncio.run(measure(Path(name), workload))
    about = {"benchmark": "sources", "protocol": options.protocol, "peers": options.peers}
    print(json.dumps(about | measured))


if __name__ == "__main__":
    main()
