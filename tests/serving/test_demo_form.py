"""What the demo page is made from."""

from pathlib import Path
from typing import Any

import pytest
from conftest import NASTY
from flask.testing import FlaskClient

from iris_lab.modeling import load_model
from iris_lab.serving import create_app
from iris_lab.serving.site.demo import controls


def feature(low: float, high: float, decimals: int) -> dict[str, Any]:
    return {"name": "x", "unit": "", "min": low, "max": high, "median": (low + high) / 2, "decimals": decimals}


def page_of(run: Path) -> str:
    client: FlaskClient = create_app(load_model(run)).app.test_client()
    return client.get("/", headers={"Accept": "text/html,*/*;q=0.8"}).text


def test_a_slider_has_the_range_and_the_precision_of_the_training_data(iris_run: Path) -> None:
    first = controls(load_model(iris_run).info["features"])[0]
    assert (first["name"], first["unit"]) == ("sepal length (cm)", "cm")
    assert (first["low"], first["high"], first["start"]) == ("4.3", "7.9", "5.8")
    assert (first["step"], first["digits"]) == (0.1, 1)


@pytest.mark.parametrize(
    ("low", "high", "decimals"),
    [(0, 1e-9, 0), (1e-12, 3e-12, 0), (0.1234567891, 0.9876543219, 6), (-1e12, 1e12, 6), (1e29, 1e30, 1), (5, 6, 0)],
)
def test_any_range_gets_a_slider_that_can_be_moved(low: float, high: float, decimals: int) -> None:
    control = controls([feature(low, high, decimals)])[0]
    assert 1 <= (high - low) / control["step"] <= 1e6
    assert (float(control["low"]), float(control["high"])) == (low, high), "its ends are the very ends"


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (1.5076975397071557e-10, 3.951313977703779e-09, ("1.5077e-10", "2.05104e-9", "3.95131e-9")),
        (1003199537400.0461, 3992359934827.447, ("1.0032e12", "2.49778e12", "3.99235e12")),
        (-100.00099985580263, -100.00000015833606, ("-100.000999", "-100.0005", "-100.000001")),
        (0.00031347557437699683, 15162.072299970176, ("3.13476e-4", "7581.04", "15162")),
        (1000.0000000000002, 1000.0000000000023, ("1000.0000000000002", "1000.0000000000013", "1000.0000000000023")),
        (1 / 3, 1 / 3, ("0.3333333333333333",) * 3),
    ],
)
def test_a_number_too_long_to_read_is_rounded_within_the_training_range(
    low: float, high: float, wanted: tuple[str, str, str]
) -> None:
    control = controls([feature(low, high, 6)])[0]
    texts = control["low"], control["start"], control["high"]
    assert low <= float(texts[0]) <= float(texts[1]) <= float(texts[2]) <= high
    assert [float(text) for text in texts] == [float(text) for text in wanted]
    assert max(map(len, texts)) <= max(map(len, wanted)) + 3


def test_the_middle_of_two_samples_is_written_without_the_noise_of_its_last_bits() -> None:
    noisy = feature(1.0, 2.0, 2) | {"median": 1.6400000000000001}
    assert controls([noisy])[0]["start"] == "1.64"


def test_a_constant_feature_has_a_control() -> None:
    control = controls([feature(3.0, 3.0, 1)])[0]
    assert control["low"] == control["high"] == control["start"] == "3.0"


def test_names_from_the_data_are_text_on_the_page(nasty_run: Path) -> None:
    page = page_of(nasty_run)
    assert "<img" not in page
    assert "<script>document" not in page
    assert "<b>more</b>" not in page
    assert page.count("&lt;script&gt;document.title=&#39;taken&#39;") > 1
    assert len(NASTY) == page.count('<input id="number-')


def test_every_address_on_the_page_is_relative(iris_run: Path) -> None:
    page = page_of(iris_run)
    found = [part.split('"')[0] for attribute in ("href", "src") for part in page.split(f' {attribute}="')[1:]]
    assert {"docs", "model", "openapi.json", "metrics", "static/demo.js", "static/demo.css"} <= set(found)
    assert [address for address in found if address.startswith(("/", "http"))] == []


def test_the_page_names_the_model_its_data_by_digest_and_how_good_it_was(iris_run: Path) -> None:
    model = load_model(iris_run)
    metrics = {"evaluate.accuracy": 0.95, "evaluate.accuracy_low": 0.9, "evaluate.accuracy_high": 0.975}
    page = create_app(model, metrics=metrics).app.test_client().get("/", headers={"Accept": "text/html"}).text
    assert "logistic, trained on iris" in page
    assert "95.0\N{NO-BREAK SPACE}%</strong> (95\N{NO-BREAK SPACE}% interval 90.0" in page
    for digest in (model.info["dataset"]["sha256"], model.info["sha256"]):
        assert f'<code title="{digest}">{digest[:12]}…</code>' in page
    assert "Held-out" not in page_of(iris_run), "no metrics, no claim"


def test_scripts_are_served_as_scripts(iris_run: Path) -> None:
    answer = create_app(load_model(iris_run)).app.test_client().get("/static/demo.js")
    assert answer.mimetype == "text/javascript"
