"""A PostgreSQL server of the benchmark's own, that can be killed without hurting anybody else's."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL

from benchmarks.protocols.product import free_port

_PROGRAMS = Path("/usr/lib/postgresql")
_SETTINGS = (
    "unix_socket_directories = ''",
    "max_connections = 60",
    "shared_buffers = 128MB",
)
_PATIENCE_S = "60"


class Cluster:
    """One database server on a free port, in a folder of its own; all of this machine are let in.

    Whoever comes from the addresses of ``network`` is let in, too. The folder lies straight in the
    one for temporary files: the user that the server runs as must get into every folder above it,
    and test sessions close theirs to everybody else, also while one beside them is running.
    """

    def __init__(self, *, network: str | None = None) -> None:
        """Make it; raises RuntimeError where PostgreSQL is not installed."""
        found = sorted(_PROGRAMS.glob("*/bin"), key=lambda folder: int(folder.parent.name))
        if not found:
            raise RuntimeError(f"{_PROGRAMS}: PostgreSQL is not installed; run make services")
        self._programs = found[-1]
        self._temporary = TemporaryDirectory(prefix="grid135-database-")
        self._folder = folder = Path(self._temporary.name).resolve()
        self.port = free_port()
        # its programs refuse to run as root
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            subprocess.run(["chown", "postgres", str(folder)], check=True)
        form = ("--auth=trust", "--username=grid135", "--encoding=UTF8", "--locale=C")
        self._run("initdb", "--no-sync", *form)
        ears = "127.0.0.1" if network is None else "*"
        own = (f"listen_addresses = '{ears}'", f"port = {self.port}")
        settings = "\n".join((*_SETTINGS, *own))
        if network is not None:
            with (folder / "pg_hba.conf").open("a", encoding="utf-8") as file:
                file.write(f"host all all {network} trust\n")
        with (folder / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"\n{settings}\n")

    @property
    def url(self) -> URL:
        """Its one database."""
        return URL.create(
            "postgresql+psycopg",
            username="grid135",
            host="127.0.0.1",
            port=self.port,
            database="postgres",
        )

    def start(self) -> None:
        """Start it, and wait until it has mended what a kill left behind."""
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "--wait", f"--timeout={_PATIENCE_S}", f"--log={log}")

    def kill(self) -> None:
        """``kill -9`` of the server and of all that serve its connections; wait until all are gone.

        One that was left would keep the memory they share, and a new server from starting.
        """
        ends = time.monotonic() + float(_PATIENCE_S)
        while processes := self._processes():
            for process in processes:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if time.monotonic() > ends:
                raise RuntimeError(f"processes of the server do not end: {processes}")
            time.sleep(0.01)
        # the first process may still be listed until its parent has heard of its end
        (self._folder / "postmaster.pid").unlink(missing_ok=True)

    def _processes(self) -> list[int]:
        """Every process of this server: those that work in its folder."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (process / "cwd").readlink() == self._folder:
                    found.append(int(process.name))
        return found

    def close(self) -> None:
        """Have done with it: nothing of it is left."""
        self.kill()
        self._temporary.cleanup()

    def stop(self) -> None:
        """Stop it in order, throwing everybody out."""
        self._run("pg_ctl", "stop", "--wait", "--mode=fast", f"--timeout={_PATIENCE_S}")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), f"--pgdata={self._folder}", *arguments]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout[-500:]}{done.stderr[-500:]}")
