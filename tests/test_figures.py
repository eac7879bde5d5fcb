import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import combinations
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from iris_lab import figures
from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.evaluation import confusion_table
from iris_lab.figures.style import COLOURS, MARKERS, house_style, label, labels
from iris_lab.modeling import Split

Drawn = Iterator[tuple[str, Figure]]


def nasty(classes: int, features: int) -> Dataset:
    """Return a table of long names, formulas and foreign characters, with a constant, a tiny and a huge feature."""
    rng, samples = np.random.default_rng(0), classes * 8
    target = np.arange(samples) % classes
    names = ["a very long name that goes on and on (millimetres per fortnight)", "$price$ (€)", "日本語 列", "constant",
             "one_word_with_underscores_everywhere_and_without_any_space", "tiny", "huge"]  # fmt: skip
    names += [f"a long beginning that many names have in common, number {number}" for number in range(8, 13)]
    values = rng.normal(size=(samples, len(names))) + target[:, None] / 4
    values[:, 3] = 1
    values[:, 5:7] *= [1e-7, 1e9]
    called = tuple(f"a class with a really long name, {code}" if code % 3 else f"c{code}" for code in range(classes))
    return Dataset(
        "own", pd.DataFrame(values, columns=names).iloc[:, :features], target, called, "the $kind$ of it", ""
    )


def draw_all(dataset: Dataset) -> Drawn:
    """Draw every figure of a report, the model's with made-up results: right and wrong in every class."""
    yield from ((name, drawn) for name, drawn in drawings(dataset) if not isinstance(drawn, str))


def drawings(dataset: Dataset) -> Iterator[tuple[str, Figure | str]]:
    """Return every figure, or the sentence in its place."""
    rng, count = np.random.default_rng(1), len(dataset.classes)
    split = Split(dataset, np.arange(len(dataset.target)), np.arange(len(dataset.target)))
    predicted = np.where(rng.random(len(dataset.target)) < 0.8, dataset.target, (dataset.target + 1) % count)
    weights = pd.DataFrame(rng.normal(size=(dataset.features.shape[1], count)), dataset.features.columns)
    yield "violins", figures.violins(dataset)
    yield "pairs", figures.pairs(dataset)
    yield "correlation", figures.correlation(dataset)
    yield "folds", figures.fold_scores(rng.random(5), np.full(5, 1 / count), model="logistic")
    yield "weights", figures.feature_importance(weights.set_axis(list(dataset.classes), axis=1))
    yield "importances", figures.feature_importance(weights[[0]].set_axis(["accuracy lost when shuffled"], axis=1))
    yield "confusion", figures.confusion(confusion_table(dataset.target, predicted, dataset.classes))
    yield "confidence", figures.confidence(split, rng.dirichlet(np.ones(count), len(predicted)), predicted)
    large = Split(dataset, split.train, np.resize(split.test, max(200, len(predicted))))
    probabilities = rng.dirichlet(np.ones(count), len(large.test))
    yield "curves", figures.threshold_curves(large, probabilities)
    yield "reliability", figures.reliability(large, probabilities)


TABLES: dict[str, Callable[[], Dataset]] = {
    "iris": lambda: load_dataset("iris"),
    "wine": lambda: load_dataset("wine"),
    "breast cancer": lambda: load_dataset("breast_cancer"),
    "2 classes, 1 feature": lambda: nasty(2, 1),
    "3 classes, 2 features": lambda: nasty(3, 2),
    "7 classes, 1 feature": lambda: nasty(7, 1),
    "7 classes, 12 features": lambda: nasty(7, 12),
    "12 classes, 3 features": lambda: nasty(12, 3),
    "20 classes, 3 features": lambda: nasty(20, 3),
    "20 classes, 7 features": lambda: nasty(20, 7),
    "30 classes, 1 feature": lambda: nasty(30, 1),
    "30 classes, 5 features": lambda: nasty(30, 5),
    "40 classes, 2 features": lambda: nasty(40, 2),
    "100 classes, 12 features": lambda: nasty(100, 12),
}


def shown_texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """Draw a figure as it is written, and return its texts and where they are, in pixels."""
    figures.render(figure, "png")
    with house_style():
        FigureCanvasAgg(figure).draw()
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible() and text.get_text()]
    unused = {text for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for text in _outside(axis)}
    return [(text.get_text(), text.get_window_extent()) for text in texts if text not in unused]


def _outside(axis: Axis) -> Iterator[Text]:
    """Return the tick labels that are not drawn: their place is not in view, or they are left over."""
    low, high = sorted(axis.get_view_interval())
    current = {
        tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high and tick.label1.get_visible()
    }
    yield from (text for text in axis.findobj(Text) if text not in {*current, axis.label, axis.get_offset_text()})


QUICK = {"iris", "2 classes, 1 feature", "7 classes, 1 feature", "12 classes, 3 features"}


@pytest.mark.parametrize(
    "make",
    [pytest.param(make, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, make in TABLES.items()],
)
def test_no_text_overlaps_another_or_leaves_the_figure(make: Callable[[], Dataset]) -> None:
    for name, figure in draw_all(make()):
        texts, (width, height) = shown_texts(figure), figure.bbox.size
        assert len(texts) >= 5, name
        for text, box in texts:
            assert -1 <= box.x0 <= box.x1 <= width + 1, (name, text, box, width)
            assert -1 <= box.y0 <= box.y1 <= height + 1, (name, text, box, height)
        for (one, box), (other, place) in combinations(texts, 2):
            common = Bbox.intersection(box, place)
            assert common is None or min(common.width, common.height) < 2, (name, one, other)
        for axes in figure.axes:
            assert axes.get_window_extent().height >= 0.5 * figure.dpi, f"{name}: a panel is squashed"
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]
        assert min(sizes) >= 6, f"{name}: a text is too small to read"


def test_classes_that_share_their_places_are_all_seen():
    grid = pd.DataFrame({"x": [1.0, 2, 1, 2] * 6, "y": [1.0, 1, 2, 2] * 6})
    dataset = Dataset("grid", grid, np.repeat([0, 1, 2], 8), ("a", "b", "c"), "kind", "made up", {})
    figure = figures.pairs(dataset)
    FigureCanvasAgg(figure).draw()
    lines = [line for line in figure.axes[1].lines if line.get_linestyle() == "None"]
    places = [line.get_transform().transform(line.get_xydata())[0] for line in lines]
    apart = [float(np.hypot(*(one - other))) for one, other in combinations(places, 2)]
    assert len(places) == 3
    assert min(apart) >= lines[0].get_markersize() * figure.dpi / 72
    assert "beside the places" in figure.get_suptitle()


def panel(figure: Figure, x: str, y: str) -> Axes:
    """Return the panel of a pair plot of two features."""
    left = {axes.get_subplotspec().rowspan.start: axes for axes in figure.axes if axes.get_ylabel() == y}
    below = {axes.get_subplotspec().colspan.start: axes for axes in figure.axes if axes.get_xlabel() == x}
    (row,), (column,) = left, below
    return next(
        axes for axes in figure.axes
        if (axes.get_subplotspec().rowspan.start, axes.get_subplotspec().colspan.start) == (row, column)
    )  # fmt: skip


def test_equal_samples_are_counted_by_the_size_of_their_marker() -> None:
    values = pd.DataFrame({"x": [1.0] * 9 + [2.0] * 4 + [3.0], "y": [1.0] * 9 + [2.0] * 4 + [3.0]})
    dataset = Dataset("grid", values, np.array([0] * 13 + [1]), ("a", "b"), "kind", "")
    figure = figures.pairs(dataset)
    lines = [line for line in panel(figure, "x", "y").lines if line.get_linestyle() == "None"]
    drawn = {tuple(line.get_xydata()[0]): line.get_markersize() for line in lines}
    assert drawn[1.0, 1.0] > drawn[2.0, 2.0] > drawn[3.0, 3.0]
    assert figure.get_suptitle().replace("\n", " ") == "Features in pairs, larger markers for more samples"
    few = Dataset("few", values.iloc[[0, 9, 13]], np.array([0, 0, 1]), ("a", "b"), "kind", "")
    assert figures.pairs(few).get_suptitle() == "Features in pairs"


def test_densities_end_where_the_data_end() -> None:
    iris = load_dataset("iris")
    axes = figures.pairs(iris).axes
    for diagonal, name in zip([axes[0], axes[2], axes[5], axes[9]], iris.features.columns, strict=True):
        ends = [path.vertices[:, 0] for drawn in diagonal.collections for path in drawn.get_paths()]
        assert len(ends) == 3
        assert min(map(min, ends)) == pytest.approx(iris.features[name].min())
        assert max(map(max, ends)) == pytest.approx(iris.features[name].max())


@pytest.mark.slow
def test_no_figure_is_a_wall() -> None:
    random = np.random.default_rng(0)
    for classes in (2, 10, 30):
        values = pd.DataFrame(random.normal(size=(classes * 5, 300))).rename(columns="feature {}".format)
        codes = np.arange(classes * 5) % classes
        names = tuple(f"class {code}" for code in range(classes))
        for name, figure in draw_all(Dataset("wide", values, codes, names, "kind", "")):
            assert figure.bbox.height < 1800, name


def test_of_a_hundred_classes_the_most_confused_are_drawn_or_the_reason_is_given() -> None:
    drawn = dict(drawings(nasty(100, 2)))
    for name in ("violins", "pairs", "curves"):
        assert re.match(r"\*No (figure|curves): 100 classes", str(drawn[name]))
    table = pd.DataFrame(np.diag([5] * 50)).rename(index=str, columns=str)
    table.iloc[[7, 48], [9, 3]] = 2
    axes = figures.confusion(table, most=4).axes[0]
    assert axes.get_title() == "Confusion of the classes: the 4 of 50 with the most errors"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["3", "7", "9", "48"]
    assert [text.get_text() for text in axes.texts][:8] == ["5", "0", "0", "0", "2", "5", "2", "0"]


def test_the_rarest_class_is_drawn_last_in_points_and_densities() -> None:
    rng = np.random.default_rng(0)
    target = np.array([0] * 10 + [1] * 60 + [2] * 30)
    dataset = Dataset(
        "t", pd.DataFrame(rng.normal(size=(100, 2))).rename(columns=str), target, ("r", "m", "s"), "k", ""
    )
    for axes in figures.pairs(dataset).axes:
        drawn = [line.get_color() for line in axes.lines] or [
            matplotlib.colors.to_hex(each.get_facecolor()[0]).upper() for each in axes.collections
        ]
        assert drawn == [COLOURS[1], COLOURS[2], COLOURS[0]]


HASHES = """
import hashlib, sys
from test_figures import draw_all, nasty
from iris_lab.figures import render
for name, figure in draw_all(nasty(2, 2)):
    for kind in ("png", "svg"):
        print(name, kind, hashlib.sha256(render(figure, kind)).hexdigest())
assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
"""


def hashes(folder: Path, **environment: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    path = os.pathsep.join(map(str, Path(__file__).parents[:2]))
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", HASHES], cwd=folder, capture_output=True, text=True, check=True,
        env=inherited | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | environment,
    )  # fmt: skip
    return ended.stdout.splitlines()


HOSTILE = """
axes.facecolor: red
axes.grid: True
figure.dpi: 33
figure.figsize: 1, 1
figure.autolayout: True
font.family: serif
font.size: 30
lines.linewidth: 9
savefig.bbox: tight
savefig.dpi: 17
savefig.transparent: True
svg.fonttype: none
svg.hashsalt: theirs
text.usetex: True
axes.unicode_minus: False
axes.formatter.use_mathtext: True
"""


@pytest.mark.slow
def test_the_bytes_depend_on_nothing_around_them(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "hostile").mkdir()
    (tmp_path / "hostile" / "matplotlibrc").write_text(HOSTILE)
    inline = "module://matplotlib_inline.backend_inline"
    plain = hashes(tmp_path / "plain", PYTHONHASHSEED="1", MPLBACKEND="agg")
    assert len(plain) == 20
    assert (
        hashes(tmp_path / "hostile", PYTHONHASHSEED="2", MPLBACKEND="tkagg", DISPLAY="", TZ="Asia/Tokyo", LC_ALL="C")
        == plain
    )

    assert hashes(tmp_path / "hostile", MPLBACKEND=inline, SOURCE_DATE_EPOCH="1") == plain


def test_drawing_leaves_no_trace_in_the_caller_s_matplotlib() -> None:
    with matplotlib.rc_context({"font.size": 17.0, "axes.grid": True}):
        before = dict(matplotlib.rcParams)
        for _, figure in draw_all(nasty(2, 2)):
            figures.render(figure, "svg")
        assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == []


def test_a_published_figure_is_shown_as_the_very_file(tmp_path: Path) -> None:
    shown = figures.publish(figures.violins(nasty(2, 2)), tmp_path / "new" / "v1.5", alt="two violins")
    png = (tmp_path / "new" / "v1.5.png").read_bytes()
    assert shown.data == png
    assert shown.alt == "two violins"
    assert Image.open(BytesIO(png)).width == pytest.approx(1.25 * shown.width)
    assert (tmp_path / "new" / "v1.5.svg").read_text().startswith("<?xml")


def test_the_files_carry_no_date_and_no_program(tmp_path: Path) -> None:
    figures.publish(figures.pairs(nasty(2, 2)), tmp_path / "pairs", alt="")
    with Image.open(tmp_path / "pairs.png") as png:
        assert png.info.keys() == {"dpi"}
    assert "<dc:date>" not in (tmp_path / "pairs.svg").read_text()


def test_publishing_the_same_figure_again_writes_the_same_bytes(tmp_path: Path) -> None:
    figure = figures.correlation(nasty(2, 3))
    for name in ("one", "two"):
        figures.publish(figure, tmp_path / name, alt="")
    for suffix in (".png", ".svg"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_the_pictures_of_iris_are_small() -> None:
    sizes = [
        len(figures.render(figure, kind)) for _, figure in draw_all(load_dataset("iris")) for kind in ("png", "svg")
    ]
    assert max(sizes) < 300_000
    assert sum(sizes) < 1_400_000


def test_the_points_of_a_large_table_are_one_picture() -> None:
    rng = np.random.default_rng(0)
    large = Dataset("large", pd.DataFrame(rng.normal(size=(20_000, 2))).rename(columns=str),
                    rng.integers(0, 2, 20_000), ("x", "y"), "kind", "")  # fmt: skip
    svg = figures.render(figures.pairs(large), "svg")
    assert b"<image" in svg
    assert len(svg) < 300_000


def test_iris_starts_with_the_lengths_as_the_tutorials_do() -> None:
    names = [axes.get_ylabel() for axes in figures.violins(load_dataset("iris")).axes]
    assert names == ["sepal length (cm)", "petal length (cm)", "sepal width (cm)", "petal width (cm)"]


def test_every_violin_names_the_classes_and_every_feature_is_drawn() -> None:
    wine = load_dataset("wine")
    figure = figures.violins(wine)
    assert {axes.get_ylabel().replace("\n", "") for axes in figure.axes} == set(wine.features.columns)
    for axes in figure.axes[-3:]:
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["class_0", "class_1", "class_2"]


def test_a_pair_plot_of_many_features_says_which_it_shows() -> None:
    figure = figures.pairs(load_dataset("breast_cancer"))
    assert figure.get_suptitle().endswith("the 5 of 30 that separate the classes best (F statistic)")
    assert figures.pairs(load_dataset("iris")).get_suptitle() == "Features in pairs"


def test_the_legend_names_the_classes_in_colour_and_marker() -> None:
    legend = figures.pairs(load_dataset("iris")).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["setosa", "versicolor", "virginica"]
    assert [line.get_marker() for line in legend.get_lines()] == list(MARKERS[:3])
    assert [line.get_color() for line in legend.get_lines()] == list(COLOURS[:3])


def test_a_class_of_one_sample_and_a_class_of_equal_ones_are_drawn() -> None:
    features = pd.DataFrame({"a": [1.0, 2, 3, 4, 5, 5, 5], "b": [3.0, 1, 2, 9, 1, 1, 1]})
    dataset = Dataset("t", features, np.array([0, 0, 0, 1, 2, 2, 2]), ("x", "one", "equal"), "kind", "")
    for figure in (figures.violins(dataset), figures.pairs(dataset), figures.correlation(dataset)):
        assert figures.render(figure, "png")


def test_the_counts_of_a_confusion_stand_in_its_fields() -> None:
    table = confusion_table([0, 0, 1], [0, 1, 1], ["a", "b"])
    axes = figures.confusion(table).axes[0]
    assert [text.get_text() for text in axes.texts] == ["1", "1", "0", "1"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


def test_only_the_strongest_of_many_weights_are_drawn() -> None:
    table = pd.DataFrame({"accuracy lost when shuffled": np.arange(40.0)}, [f"f{row}" for row in range(40)])
    axes = figures.feature_importance(table, most=3).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["f37", "f38", "f39"]
    assert "the strongest 3 of 40" in axes.get_title()


@pytest.mark.parametrize(
    ("text", "width", "lines", "drawn"),
    [
        ("petal length (cm)", 20, 2, "petal length (cm)"),
        ("petal length (cm)", 10, 2, "petal\nlengt…(cm)"),
        ("petal length (cm)", 10, 1, "petal…(cm)"),
        ("a\n b", 10, 1, "a b"),
        ("日x", 10, 1, "U+65E5 x"),
        ("", 10, 1, "□"),
        (7, 10, 1, "7"),
    ],
)
def test_names_are_wrapped_shortened_and_drawn_in_characters_the_font_has(
    text: object, width: int, lines: int, drawn: str
) -> None:
    assert label(text, width, lines=lines) == drawn


def test_names_that_differ_get_labels_that_differ() -> None:
    long = "x" * 30
    assert labels([f"{long}, group 7", f"{long}, group 8"], 15) == ["xxxxxxx…group 7", "xxxxxxx…group 8"]
    assert labels([f"{long}a{long}", "other", f"{long}b{long}"], 15) == ["xxxxx…xxxxx [1]", "other", "xxxxx…xxxxx [3]"]


def test_many_classes_with_a_long_name_in_common_are_told_apart_in_every_figure() -> None:
    dataset = nasty(12, 3)
    for name, figure in draw_all(dataset):
        if name in ("violins", "pairs", "weights", "confusion", "confidence"):
            shown = [text for text, _ in shown_texts(figure)]
            assert all(any(text.startswith(("a class", "c")) and text.endswith(str(code)) for text in shown)
                       for code in range(12)), name  # fmt: skip


def test_the_font_is_the_one_that_comes_with_matplotlib() -> None:
    assert Path(findfont("DejaVu Sans")).is_relative_to(matplotlib.get_data_path())


# Colours as seen without the red, green or blue receptors: Machado et al., IEEE TVCG 15(6), 2009, severity 1.
SIGHT = {
    "full": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    "grey": [[0.2126, 0.7152, 0.0722]] * 3,
}


def lab(colour: str, sight: list[list[float]]) -> np.ndarray:
    """Return a colour as CIELAB, in which a distance of 2 can just be seen side by side."""
    signal = np.array(to_rgb(colour))
    light = np.clip(
        np.array(sight) @ np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4), 0, 1
    )
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ light
    f = np.cbrt(xyz / [0.9505, 1, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHT)
def test_three_classes_differ_in_colour_for_everyone_and_in_grey(sight: str) -> None:
    seen = [lab(colour, SIGHT[sight]) for colour in COLOURS[:3]]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > (15 if sight == "grey" else 40)


def test_no_two_of_forty_classes_share_colour_and_marker() -> None:
    assert len({(COLOURS[code % len(COLOURS)], MARKERS[code % len(MARKERS)]) for code in range(40)}) == 40


def test_equal_tables_give_equal_pictures_within_one_process() -> None:
    once, again = ([hashlib.sha256(figures.render(figure, "svg")).digest() for _, figure in draw_all(nasty(2, 2))]
                   for _ in range(2))  # fmt: skip
    assert once == again
