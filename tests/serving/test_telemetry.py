"""Metrics and log lines are the same whichever way a request takes."""

import re
from pathlib import Path

import pytest
from services import BODY, HEADERS

from iris_lab.modeling import load_model
from iris_lab.serving import create_app
from iris_lab.serving.http.middleware import Rules

REQUESTS = [
    ("POST", "/predict_species", BODY, HEADERS),
    ("POST", "/predict_species", b"{", HEADERS),
    ("POST", "/predict_species", b'{"data": []}', HEADERS),
    ("POST", "/predict_species", BODY, {"Content-Type": "text/plain"}),
    ("POST", "/predict_species", b" " * 2000, HEADERS),
    ("POST", "/predict_species", BODY, {**HEADERS, "Host": "evil.example"}),
    ("POST", "/nowhere\n", BODY, HEADERS),
    ("GET", "/predict_species", b"", {}),
    ("HEAD", "/", b"", {}),
    ("BREW", "/", b"", {}),
]


def told(run: Path, *, fast_path: bool) -> tuple[list[object], list[str], list[str]]:
    """Return answers, log lines and metrics, without what time and chance put into them."""
    lines: list[str] = []
    endpoint = create_app(load_model(run), rules=Rules(max_body=1000), log=lines.append, fast_path=fast_path)
    client = endpoint.app.test_client()
    answers: list[object] = []
    for number, (method, path, body, headers) in enumerate(REQUESTS):
        answer = client.open(path, method=method, data=body, headers={**headers, "X-Request-ID": f"id-{number}"})
        answers.append((answer.status, sorted(answer.headers), answer.data))
    metrics = client.get("/metrics").text.splitlines()
    shown = [line for line in metrics if "_seconds_sum" not in line and "le=" not in line and "_created" not in line]
    return answers, [re.sub(r"^\S+Z|[\d.]+ms", "", line) for line in lines], shown


def test_both_ways_answer_count_and_log_alike(iris_run: Path) -> None:
    assert told(iris_run, fast_path=True)[0] == told(iris_run, fast_path=False)[0]
    assert told(iris_run, fast_path=True)[2] == told(iris_run, fast_path=False)[2]
    short, long = told(iris_run, fast_path=True)[1], told(iris_run, fast_path=False)[1]
    assert short[:-1] == long[:-1]
    assert len(short) == len(REQUESTS) + 1 and all(line.count("\n") == 1 for line in short)


@pytest.mark.parametrize("fast_path", [True, False])
def test_the_log_line_says_what_was_asked_and_what_came_of_it(iris_run: Path, fast_path: bool) -> None:
    lines = told(iris_run, fast_path=fast_path)[1]
    assert lines[0] == " POST /predict_species 200 14B  id-0\n"
    assert lines[5].split()[2] == "421" and lines[5].endswith(" id-5\n")
    assert lines[9].startswith(" other / 405 ")
