#!/usr/bin/env python3
"""Runs the report under everything that could change its bytes, one thing after another, and says what did.

    python tests/proofs/reproducibility.py                       every variation, on iris with the default model
    python tests/proofs/reproducibility.py everything -p model=forest
    python tests/proofs/reproducibility.py --list

One line a variation; exit code 1 if any gave other bytes. Whole run directories are compared;
with papermill's own command line, whatever the notebooks write. `reprotest.sh` adds clock, host name, user,
path and file order. Roughly 15 seconds a variation.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from iris_lab.workflow.crate import artifacts_of, digest_of
from iris_lab.workflow.layout import CRATE_FILE

PROJECT = Path(__file__).resolve().parents[2]
PLAIN = """import sys
from iris_lab.cli import main
from iris_lab.workflow import warm
warm.CAN_FORK = False
sys.exit(main())"""
NOISE = "print('noise'); import sys; sys.stderr.write('noise')\n"
SETTINGS = {
    ".config/matplotlib/matplotlibrc": "figure.dpi: 30\nfont.size: 30\nsavefig.facecolor: red\nfont.family: serif\n",
    ".ipython/profile_default/startup/00-noise.py": f"{NOISE}import pandas; pandas.options.display.precision = 1\n",
    ".ipython/profile_default/ipython_config.py": "c = get_config()\nc.InlineBackend.figure_formats = {'svg'}\n",
    ".ipython/profile_default/ipython_kernel_config.py": "c = get_config()\nc.InlineBackend.rc = {'font.size': 30}\n",
    ".local/share/jupyter/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "mine", "language": "R"}',
    ".jupyter/jupyter_nbconvert_config.py": "c = get_config()\nc.TemplateExporter.exclude_input = True\n",
    ".jupyter/custom/custom.css": "body { color: red }",
    ".gitconfig": "[log]\n\tdate = relative\n\tshowSignature = true\n[color]\n\tui = always\n",
    "startup.py": NOISE,
    "matplotlibrc": "figure.dpi: 30\nfont.size: 30\n",
}


@dataclass(frozen=True)
class Variation:
    """One way of running a report; `{home}` in a value is a folder full of somebody's settings."""

    name: str
    environment: dict[str, str | None] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    how: str = "report"


OTHER_USER = "another user"
CROWDED_HOME: dict[str, str | None] = {"HOME": "{home}", "XDG_CONFIG_HOME": None, "XDG_DATA_HOME": None}
EVERYTHING = CROWDED_HOME | {
    "PYTHONHASHSEED": "4711",
    "OPENBLAS_CORETYPE": "Haswell",
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "MPLBACKEND": "svg",
    "MATPLOTLIBRC": "{home}/matplotlibrc",
    "PYTHONSTARTUP": "{home}/startup.py",
    "PYTHONWARNINGS": "always",
    "COLUMNS": "40",
    "LINES": "5",
    "FORCE_COLOR": "1",
    "TERM": "xterm-256color",
    "TZ": "Pacific/Apia",
    "LC_ALL": "POSIX",
    "LANG": "tr_TR.UTF-8",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
}
VARIATIONS = [
    Variation("a second run"),
    Variation("hash seed", {"PYTHONHASHSEED": "4711"}),
    *(Variation(f"BLAS core {core}", {"OPENBLAS_CORETYPE": core}) for core in ("Prescott", "Haswell", "SkylakeX")),
    Variation("threads", {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "LOKY_MAX_CPU_COUNT": "2"}),
    Variation("one processor", prefix=("taskset", "-c", "0")),
    Variation("processor features", {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3"}),
    Variation("backend", {"MPLBACKEND": "svg"}),
    Variation("settings in home", CROWDED_HOME),
    Variation("settings in working folder", {"MATPLOTLIBRC": "{home}"}, ("env", "-C", "{home}")),
    Variation("startup file", {"PYTHONSTARTUP": "{home}/startup.py", "PYTHONWARNINGS": "always"}),
    Variation("narrow terminal", {"COLUMNS": "40", "LINES": "5", "TERM": "xterm-256color", "FORCE_COLOR": "1"}),
    Variation("locale and time zone", {"LC_ALL": "POSIX", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Apia"}),
    Variation("umask", prefix=("sh", "-c", 'umask 077; exec "$@"', "sh")),
    Variation("no home", {"HOME": None}),
    Variation("home that is not there", {"HOME": "/nonexistent"}),
    Variation(
        "another user", {"HOME": "/nonexistent"}, ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    ),
    Variation("address layout", prefix=("setarch", "-R")),
    Variation("killed and started again", how="killed"),
    Variation("ordinary kernels", how="plain"),
    Variation("papermill", how="papermill"),
    Variation("everything", EVERYTHING, ("sh", "-c", 'umask 077; exec "$@"', "sh", "taskset", "-c", "0")),
    Variation("everything, ordinary kernels", EVERYTHING, how="plain"),
    Variation("everything, papermill", EVERYTHING, how="papermill"),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the variations that were named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="VARIATION", help="which (default: all)")
    parser.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="of the report")
    parser.add_argument("--list", action="store_true", help="list the variations")
    given = parser.parse_args(arguments)
    if given.list:
        print("\n".join(variation.name for variation in VARIATIONS))
        return 0
    if unknown := set(given.names) - {variation.name for variation in VARIATIONS}:
        parser.error(f"unknown variation {', '.join(sorted(unknown))}: --list names them")
    chosen = [variation for variation in VARIATIONS if not given.names or variation.name in given.names]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)  # another user writes here too
        return _vary(chosen, Path(folder), given.parameter)


def _vary(variations: Sequence[Variation], scratch: Path, parameters: Sequence[str]) -> int:
    home = _make_home(scratch / "home")
    _execute(Variation("the reference"), scratch / "reference", home, parameters)
    reference, failures = _digests(scratch / "reference"), 0
    for variation in variations:
        if reason := _impossible(variation):
            print(f"{variation.name:32} skipped: {reason}", flush=True)
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            os.chmod(folder, 0o777)
            _execute(variation, Path(folder) / "report", home, parameters)
            found = _digests(Path(folder) / "report")
        if variation.how == "papermill":  # it writes neither page nor record
            expected = {name: digest for name, digest in reference.items() if name not in (CRATE_FILE, "index.html")}
        else:
            expected = reference
        others = sorted(name for name in found.keys() | expected if found.get(name) != expected.get(name))
        failures += bool(others)
        verdict = f"{len(found)} files identical" if not others else f"DIFFERENT: {', '.join(others)}"
        print(f"{variation.name:32} {verdict}, {time.monotonic() - started:.0f} s", flush=True)
    return int(bool(failures))


def _impossible(variation: Variation) -> str:
    """Return why a variation cannot be had here, or nothing."""
    if variation.prefix and not shutil.which(variation.prefix[0]):
        return f"{variation.prefix[0]} is not installed"
    if variation.name == OTHER_USER:
        command = [*variation.prefix, "sh", "-c", '"$0" -c "import iris_lab"', sys.executable]
        if subprocess.run(command, cwd="/", capture_output=True, check=False).returncode:
            return "needs root, and an interpreter that everybody may execute"
    return ""


def _make_home(home: Path) -> Path:
    for name, text in SETTINGS.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


def _digests(run: Path) -> dict[str, str]:
    crate = {CRATE_FILE: digest_of(run / CRATE_FILE)} if (run / CRATE_FILE).is_file() else {}
    return artifacts_of(run) | crate


def _execute(variation: Variation, run: Path, home: Path, parameters: Sequence[str]) -> None:
    changes = {name: value and value.format(home=home) for name, value in variation.environment.items()}
    environment = {name: value for name, value in {**os.environ, **changes}.items() if value is not None}
    prefix = [part.format(home=home) for part in variation.prefix]
    commands = _papermill(run, parameters) if variation.how == "papermill" else [_report(variation, run, parameters)]
    if variation.how == "killed":
        _kill(commands[0], after=6)
    for command in commands:
        done = subprocess.run([*prefix, *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{variation.name}: {' '.join(command)} failed:\n{done.stderr}")


def _report(variation: Variation, run: Path, parameters: Sequence[str]) -> list[str]:
    entry = ["-c", PLAIN] if variation.how == "plain" else ["-m", "iris_lab"]
    flags = [flag for parameter in parameters for flag in ("-p", parameter)]
    return [sys.executable, *entry, "report", "-o", str(run), *flags]


def _papermill(run: Path, parameters: Sequence[str]) -> list[list[str]]:
    run.mkdir()
    return [_one_step(notebook, run, parameters) for notebook in sorted((PROJECT / "notebooks").glob("*.ipynb"))]


def _one_step(notebook: Path, run: Path, parameters: Sequence[str]) -> list[str]:
    declared = notebook.read_text(encoding="utf-8")
    pairs = [parameter.partition("=") for parameter in parameters]
    flags = [flag for name, _, value in pairs if f'"{name}: ' in declared for flag in ("-p", name, value)]
    papermill = [sys.executable, "-m", "papermill", "--engine", "iris-lab", "--no-progress-bar"]
    place = ["--cwd", str(run), "-p", "run_dir", "."]
    return [*papermill, str(notebook), str(run / notebook.name), *flags, *place]


def _kill(command: Sequence[str], after: float) -> None:
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    running.send_signal(signal.SIGKILL)
    running.wait()


if __name__ == "__main__":
    sys.exit(main())
