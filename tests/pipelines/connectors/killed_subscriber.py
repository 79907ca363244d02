"""A product that is killed when it has stored messages and is about to acknowledge them.

Run by ``test_mqtt`` as a process of its own, with the folder of an installation.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from pipelines.connectors.mqtt.connection import Connection, Message
from pipelines.installation import open_installation
from pipelines.roles.live import Live
from pipelines.settings import load


def main(folder: Path) -> None:
    """Run until the first acknowledgement."""

    def die(_: Connection, messages: Sequence[Message]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    Connection.acknowledge = die  # type: ignore[method-assign]
    settings = load({"GRID135_DATA": str(folder / "data")}, str(folder / "street.toml"))
    Live(open_installation(settings, replayed=False)).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
