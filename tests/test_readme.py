"""The README's commands are real: targets exist, command lines parse, the curl line gets the answer it shows."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from iris_lab.cli import _parser
from iris_lab.serving import launch
from iris_lab.workflow.parameters import declared
from iris_lab.workflow.steps import STEPS

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", README, flags=re.M | re.S)).splitlines()
TARGETS = set(re.findall(r"^([a-z]+):.*## ", (PROJECT / "Makefile").read_text(encoding="utf-8"), flags=re.M))


def test_it_stays_short():
    assert len(README.splitlines()) < 150


def test_every_make_target_it_names_exists():
    named = {line.split()[1] for line in SHELL if line.startswith("make ")} | set(re.findall(r"`make (\w+)`", README))
    assert {"report", "test"} <= named <= TARGETS


def test_make_alone_lists_the_targets():
    listed = subprocess.run(["make", "-s"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in listed.splitlines()} == TARGETS
    assert {"report", "test", "lab", "serve", "lock", "bench", "clean"} <= TARGETS


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("iris-lab ")])
def test_every_command_it_shows_is_understood(line):
    given = _parser().parse_args(shlex.split(line, comments=True)[1:])
    names = {assignment.split("=")[0] for assignment in getattr(given, "parameter", [])}
    assert names <= declared(STEPS).keys()


def test_the_curl_line_gets_the_answer_it_shows():
    (line,) = [line for line in SHELL if line.startswith("curl ")]
    (answer,) = re.findall(r"^```json\n(.*?)\n```", README, flags=re.M | re.S)
    with launch(PROJECT / "reports" / "iris", port=0) as server:
        command = line.replace("http://127.0.0.1:5000", server.url)
        said = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == json.loads(answer)


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_file_it_links_to_is_there(target):
    assert (PROJECT / target).exists()
