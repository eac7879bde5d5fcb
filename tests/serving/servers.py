"""Endpoints started from the shell, as a user starts them."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass
class Served:
    """An endpoint: its address, its process, and the file its output goes to."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines()


@contextmanager
def served(run: Path, *options: str) -> Iterator[Served]:
    """Serve a run on a free port until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "iris_lab", "serve", str(run), "--port", str(port), *options]
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
            endpoint = Served(f"http://127.0.0.1:{port}", process, log)
            try:
                _wait(endpoint, port)
                yield endpoint
            finally:
                process.terminate()
                process.wait(timeout=60)


def _wait(endpoint: Served, port: int) -> None:
    for _ in range(600):
        assert endpoint.process.poll() is None, endpoint.lines()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"no answer within a minute: {endpoint.lines()}")
