"""One turn of a server: start it, check its answers, load it with wrk, weigh it, stop it."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

THREADS = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true"}
SCRIPT = """
local file = assert(io.open("%s"))
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = "application/json"
function done(summary, latency)
  local e = summary.errors
  print("FOUND", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), e.status,
    e.connect + e.read + e.write + e.timeout)
end
"""
Measured = dict[str, float]


class BenchmarkError(Exception):
    """A server did not do what it has to before its speed means anything."""


@dataclass(frozen=True)
class Rival:
    """A server.

    Attributes
    ----------
    name
        In the table.
    command
        Starts it; ``{port}`` is filled in.
    expected
        By number of rows, the classes it has to answer.
    folder
        Where it is started; the bodies are in the folder above.
    path, body, member
        Where it is asked, the file that holds the body, and the member of the answer that holds the classes.
    """

    name: str
    command: Sequence[str]
    expected: dict[int, list[int]]
    folder: Path
    path: str = "/predict_species"
    body: str = "{rows}.json"
    member: str = "result"

    def body_file(self, rows: int) -> Path:
        """Return the file that holds the body with so many rows."""
        return self.folder.parent / self.body.format(rows=rows)


def measure(rival: Rival, sizes: Sequence[int], seconds: int) -> Measured:
    """Give a server its turn."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["taskset", "--cpu-list", "0", *(part.format(port=port) for part in rival.command)]
    path = f"{Path(rival.command[0]).parent}:{os.environ['PATH']}"  # as in an activated environment; MLflow needs it
    environ = {**os.environ, **THREADS, **QUIET, "PATH": path}
    with open(rival.folder / "log", "w") as log:
        started = time.perf_counter()
        server = subprocess.Popen(
            command, cwd=rival.folder, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_for_answer(rival, port, server)
            measured = {"start": time.perf_counter() - started}
            for rows in sizes:
                check_answer(rival, port, rows)
                load(rival, port, rows, 2)  # unmeasured: caches and connections get warm
                before = processor_time(server.pid)
                measured |= load(rival, port, rows, seconds)
                used = processor_time(server.pid) - before
                measured[f"processor {rows}"] = used / (measured[f"requests {rows}"] * seconds)
            return measured | {"memory": proportional_set_size(server.pid)}
        finally:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=30)


def ask(rival: Rival, port: int, rows: int) -> tuple[int, bytes]:
    """Send one request; return the status and the body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body, path = rival.body_file(rows).read_bytes(), rival.path.format(rows=rows)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def wait_for_answer(rival: Rival, port: int, server: subprocess.Popen[bytes]) -> None:
    """Ask for one row until the answer is 200."""
    last = time.monotonic() + 120
    while time.monotonic() < last and server.poll() is None:
        try:
            if ask(rival, port, 1)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.005)
    lines = (rival.folder / "log").read_text().strip().splitlines()
    raise BenchmarkError(f"{rival.name} did not start: {lines[-1] if lines else 'no answer within two minutes'}")


def check_answer(rival: Rival, port: int, rows: int) -> None:
    """Compare the answer with what its model predicts."""
    status, body = ask(rival, port, rows)
    if status != 200 or json.loads(body)[rival.member] != rival.expected[rows]:
        raise BenchmarkError(
            f"{rival.name}, {rows} rows: {status} {body[:80]!r}…, expected the classes its model predicts"
        )


def load(rival: Rival, port: int, rows: int, seconds: int) -> Measured:
    """Let wrk ask as fast as it gets answers."""
    script = rival.folder / "body.lua"
    script.write_text(SCRIPT % rival.body_file(rows))
    url = f"http://127.0.0.1:{port}{rival.path.format(rows=rows)}"
    wrk = [
        "wrk",
        "--connections=8",
        "--threads=1",
        f"--duration={seconds}s",
        "--timeout=30s",
        f"--script={script}",
        url,
    ]
    done = subprocess.run(["taskset", "--cpu-list", "1", *wrk], capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode:
        raise BenchmarkError(f"wrk: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    found = done.stdout.rsplit("FOUND", 1)[1].split()
    requests, microseconds, p50, p99, refused, broken = map(float, found)
    if refused or broken or not requests:
        raise BenchmarkError(
            f"{rival.name}, {rows} rows: {requests:.0f} answers, {refused:.0f} of them not 2xx, {broken:.0f} socket "
            "errors; expected answers and none of the others"
        )
    return {f"requests {rows}": requests / microseconds * 1e6, f"p50 {rows}": p50 / 1e3, f"p99 {rows}": p99 / 1e3}


def proportional_set_size(root: int) -> float:
    """Return the megabytes of a process and its descendants, shared pages divided among their owners."""
    kilobytes = 0
    for process in tree(root):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        kilobytes += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])
    return kilobytes / 1024


def processor_time(root: int) -> float:
    """Return the seconds that a process and its descendants have had of the processor."""
    ticks = 0
    for process in tree(root):
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def tree(root: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield root
    for children in Path(f"/proc/{root}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from tree(int(child))
