"""Training rows of bundled data are served; those of an own table only if its owner said so."""

from pathlib import Path

import pytest
from demo_page import Visit, expect_answer, expect_prediction_of
from playwright.sync_api import expect
from services import serving

from iris_lab.modeling import load_model
from iris_lab.serving import create_app, launch
from iris_lab.serving.http.middleware import Rules

LOCAL = {"Host": "127.0.0.1", "Accept": "text/html"}


def test_rows_of_bundled_data_are_served(iris_run: Path) -> None:
    model = load_model(iris_run)
    answer = create_app(model).app.test_client().get("/model/samples", headers=LOCAL)
    assert (answer.status_code, answer.json) == (200, model.info["samples"])


def test_rows_of_an_own_table_are_served_only_where_its_owner_said_so(boolean_run: Path) -> None:
    model = load_model(boolean_run)
    answer = create_app(model).app.test_client().get("/model/samples", headers=LOCAL)
    assert (answer.status_code, answer.json["type"]) == (404, "/docs#not-shared")
    assert answer.json["detail"] == (
        "the owner did not share training rows: start with iris-lab serve --share-samples or launch(share_samples=True)"
    )
    sharing = create_app(model, rules=Rules(share_samples=True)).app.test_client()
    answer = sharing.get("/model/samples", headers=LOCAL)
    assert (answer.status_code, answer.json) == (200, model.info["samples"])


def test_a_table_that_is_called_like_bundled_data_is_not_taken_for_it(iris_run: Path) -> None:
    model = load_model(iris_run)
    assert (model.is_bundled, model.is_iris) == (True, True)
    model.info["dataset"]["source"] = "iris.csv"
    assert (model.is_bundled, model.is_iris) == (False, False)


def test_no_other_route_serves_the_rows(boolean_run: Path) -> None:
    model = load_model(boolean_run)
    client = create_app(model).app.test_client()
    widths = {str(row[0]) for row in model.info["samples"]["rows"]}
    ends = {str(feature[end]) for feature in model.info["features"] for end in ("min", "max", "median")}
    for path in ("/model", "/openapi.json", "/"):
        found = {width for width in widths - ends if width in client.get(path, headers=LOCAL).text}
        assert len(found) < len(widths) / 4, path  # some short numbers are part of digests and colours


def test_the_command_has_an_option_for_it(boolean_run: Path) -> None:
    with serving(boolean_run) as service:
        assert service.get("/model/samples")[0] == 404
    with serving(boolean_run, "--share-samples") as service:
        assert service.get("/model/samples")[0] == 200


@pytest.mark.slow
def test_without_them_the_page_works_and_draws_the_sample_alone(nasty_run: Path, visit: Visit) -> None:
    with launch(nasty_run) as server:
        page = visit(f"{server.url}/")
        expect_answer(page)
        expect(page.locator("#plot-says")).to_contain_text("Training samples are not shared here.")
        assert page.locator("#plot > g > use").count() == 0
        expect(page.locator("#plot circle.here")).to_be_visible()
        expect(page.locator(".examples")).to_be_hidden()
        page.fill("#number-0", "3")
        expect_prediction_of(load_model(nasty_run), page)
