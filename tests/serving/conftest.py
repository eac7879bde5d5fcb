import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from demo_page import expect_answer
from playwright.sync_api import Browser, Page, sync_playwright

from iris_lab.artifacts import record_metrics
from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.modeling import Model, Split, make_estimator, make_split, save_model
from iris_lab.scores import scores
from iris_lab.serving import Server, launch

if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # by nohup; a server that we start would inherit that
    signal.signal(signal.SIGHUP, lambda *_: None)

# What a table can be called, all of it: feature names, then a stem of class names.
NASTY = [
    "<script>document.title='taken'</script>",
    "<img src=x onerror=document.title='taken'>",
    'it\'s "quoted" \\ & `backticks` $(id) 🌸',
    "a name that goes on and on, far beyond what anybody would want to read or write (µm)",
    "always the same",
]


def save_run(folder: Path, dataset: Dataset, model: str = "logistic") -> tuple[Model, Split]:
    """Do what the notebooks do, and leave a run that can be served."""
    split = make_split(dataset)
    estimator = make_estimator(model, 0, dataset.schema).fit(split.train_features, split.train_target)
    saved = save_model(folder, estimator, split, model)
    predicted, probabilities = estimator.predict(split.test_features), estimator.predict_proba(split.test_features)
    record_metrics(folder, "evaluate", scores(split, predicted, probabilities))
    return saved, split


def save_table(path: Path, names: list[str], classes: list[str]) -> Dataset:
    """Write a table of clouds, one a class; the last feature is constant. Return it as loaded."""
    random = np.random.default_rng(0)
    rows = np.concatenate([random.normal(0, 6, len(names)) + random.normal(size=(20, len(names))) for _ in classes])
    table = pd.DataFrame(rows.round(2), columns=names).assign(**{names[-1]: 3.0})
    table.assign(**{'the "kind" & <b>more</b>': np.repeat(classes, 20)}).to_csv(path, index=False)
    return load_dataset(path)


@pytest.fixture(scope="session")
def iris_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("iris")
    save_run(folder, load_dataset("iris"))
    return folder


@pytest.fixture(scope="session")
def nasty_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five features and twenty classes, with names that take a page or a shell apart if they can."""
    folder = tmp_path_factory.mktemp("nasty")
    classes = [f"{NASTY[code % len(NASTY)]} {code}" for code in range(20)]
    save_run(folder, save_table(folder / "nasty.csv", NASTY, classes))
    return folder


@pytest.fixture(scope="session")
def boolean_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A number, a feature that is true or false, and two classes."""
    folder = tmp_path_factory.mktemp("boolean")
    random = np.random.default_rng(0)
    kind = np.repeat(["yes", "no"], 40)
    smokes = np.where(random.random(80) < np.where(kind == "yes", 0.8, 0.3), "true", "false")
    width = random.normal(size=80).round(2)
    pd.DataFrame({"width (cm)": width, "smokes": smokes, "kind": kind}).to_csv(folder / "table.csv", index=False)
    save_run(folder, load_dataset(folder / "table.csv"))
    return folder


@pytest.fixture
def iris_server(iris_run: Path) -> Iterator[Server]:
    with launch(iris_run) as server:
        yield server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Callable[..., Browser]]:
    """Start a Chromium of one's own, with more flags."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    started: list[Browser] = []
    with sync_playwright() as playwright:

        def start(*more: str) -> Browser:
            started.append(playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*flags, *more]))
            return started[-1]

        yield start
        for one in started:
            one.close()


@pytest.fixture(scope="module")
def browser(chromium: Callable[..., Browser]) -> Browser:
    return chromium("--host-resolver-rules=MAP other.example 127.0.0.1")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address in a page of its own; in the end, nothing may have been wrong with any of them."""
    found: list[str] = []
    contexts = []

    def open_page(url: str, *, outages: bool = False, **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]  # Playwright's own names
        contexts.append(context)
        page = context.new_page()
        origin = "/".join(url.split("/")[:3])
        page.on("pageerror", lambda error: found.append(f"error: {error}"))
        page.on("dialog", lambda dialog: found.append(f"dialog: {dialog.message}"))
        page.on("request", lambda asked: asked.url.startswith((origin, "data:")) or found.append(f"left: {asked.url}"))
        if not outages:  # a browser reports on its console each request that got no answer
            page.on("console", lambda said: said.type in ("error", "warning") and found.append(said.text))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert found == []


@pytest.fixture
def page(iris_server: Server, visit: Callable[..., Page]) -> Page:
    """The demo page of the iris model, with its first answer."""
    opened = visit(f"{iris_server.url}/")
    expect_answer(opened)
    return opened
