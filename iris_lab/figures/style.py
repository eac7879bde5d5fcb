"""What all figures share: style, colours, names, and how they are written."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import Any, Literal

import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import Image, Markdown
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.style import context
from numpy.typing import NDArray

# Okabe and Ito's colours, two of them darkened, in an order whose first three differ for the colour-blind and in grey.
COLOURS = ("#0072B2", "#E69F00", "#7B1E3A", "#009E73", "#56B4E9", "#CC79A7", "#000000", "#D55E00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")  # 10, so that with 8 colours 40 classes differ
Dash = Literal["-", "--", ":"]
DASHES: Sequence[Dash] = ("-", "--", ":")
DPI, SCREEN_DPI = 120, 96
STYLE: Mapping[str, Any] = {
    "figure.dpi": DPI,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so every machine has it
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.titlesize": 10,
    "legend.frameon": False,
    "svg.hashsalt": "iris_lab",  # without it, ids are random
    "text.parse_math": False,  # a column may be called "price ($)"
}
SMALLEST = 6.0  # points; smaller letters cannot be read
MANY_SAMPLES = 1000  # with more, an SVG holds the points as one image, not as one element each
TICK, UPRIGHT = 22, 1.3  # characters of a class name under a panel, inches for upright names


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in our style, from matplotlib's own defaults: the reader's matplotlibrc has no effect."""
    with context(dict(STYLE), after_reset=True):
        yield


def publish(figure: Figure | str, stem: Path, *, alt: str) -> Image | Markdown:
    """Write a figure as PNG and SVG and return that very PNG for a notebook to show.

    Parameters
    ----------
    figure
        What to write. Equal figures give equal bytes. Or a sentence that says why there is none, to show instead.
    stem
        Path without a suffix; its folder is made if need be.
    alt
        What the figure shows, for readers who cannot see it.
    """
    if isinstance(figure, str):
        return Markdown(figure)  # type: ignore[no-untyped-call]  # IPython has no types here
    stem.parent.mkdir(parents=True, exist_ok=True)
    png = render(figure, "png")
    stem.with_name(f"{stem.name}.png").write_bytes(png)
    stem.with_name(f"{stem.name}.svg").write_bytes(render(figure, "svg"))
    width = round(figure.get_figwidth() * SCREEN_DPI)
    return Image(png, format="png", width=width, alt=alt)  # type: ignore[no-untyped-call]  # IPython has no types here


@house_style()
def render(figure: Figure, kind: str) -> bytes:
    """Return a figure as the bytes of a ``png`` or ``svg`` file, without a date or a program's name."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)  # savefig would draw once more to do it, and for each kind
        figure.set_layout_engine("none")
    written, canvas, dpi = BytesIO(), figure.canvas, figure.dpi
    drawn: Any = (FigureCanvasAgg if kind == "png" else FigureCanvasSVG)(figure)  # their methods have no types
    try:  # savefig would draw twice
        if kind == "png":
            drawn.print_png(written, metadata={"Software": None})
        else:
            drawn.print_svg(written, metadata={"Date": None})
    finally:
        figure.set_canvas(canvas)
        figure.dpi = dpi
    return written.getvalue()


def colour(code: int) -> str:
    """Return the colour of a class."""
    return COLOURS[code % len(COLOURS)]


def marker(code: int) -> str:
    """Return the marker of a class."""
    return MARKERS[code % len(MARKERS)]


def dash(code: int) -> Dash:
    """Return the line style of a class."""
    return DASHES[code % len(DASHES)]


def label(text: object, width: int, *, lines: int = 2) -> str:
    """Wrap a name to a number of lines; of a longer one, the last line keeps its end: ``petal…(cm)``.

    A character that the font does not have is written as its code point, so that names stay apart: ``U+6A39``.
    """
    wrapped = wrap(_drawable(" ".join(str(text).split())), width)
    rest, end = " ".join(wrapped[lines - 1 :]), (width - 1) // 2
    if len(wrapped) > lines:
        wrapped[lines - 1 :] = [f"{rest[: width - 1 - end].rstrip()}…{rest[-end:].lstrip()}"]
    return "\n".join(wrapped) or "□"


def labels(names: Iterable[object], width: int, *, lines: int = 1) -> list[str]:
    """Return the labels of names that stand together; two that would be equal get their number: ``[2]``."""
    short = [(name, label(name, width, lines=lines)) for name in names]
    count = Counter(text for _, text in short)
    places = [f" [{place}]" if count[text] > 1 else "" for place, (_, text) in enumerate(short, 1)]
    return [
        label(name, width - len(place), lines=lines) + place for (name, _), place in zip(short, places, strict=True)
    ]


def _drawable(name: str) -> str:
    font, parts, before = get_font(findfont("DejaVu Sans")), [], True
    for character in name:
        known = bool(font.get_char_index(ord(character)))
        parts.append(character if known else f" {'U+' if before else ''}{ord(character):04X} ")
        before = known  # of several in a row, the first has the prefix
    return " ".join("".join(parts).split())


def stand_upright(names: Iterable[object], panel: float) -> bool:
    """Say whether names don't fit side by side under a panel `panel` inches wide."""
    lengths = [len(text) for text in labels(names, TICK)]
    return (max(lengths) + 1) * len(lengths) * 0.075 > panel  # with a space between two


def name_ticks(axes: Axes, names: Iterable[object], *, upright: bool, panel: float, shift: float = 0) -> None:
    """Name the ticks under a panel `panel` inches wide.

    Many upright names are set smaller, down to 6 points; of still more, every second or third tick has its name.
    """
    texts = labels(names, TICK)
    size = 72 * panel / len(texts) / 1.1
    every = math.ceil(SMALLEST / size) if upright else 1
    texts = [text if place % every == 0 else "" for place, text in enumerate(texts)]
    axes.set_xticks([place + shift for place in range(len(texts))], texts, rotation=90 if upright else 0)
    if upright and size < STYLE["font.size"]:
        axes.tick_params(axis="x", labelsize=max(SMALLEST, size))


def heat(
    table: pd.DataFrame,
    title: str,
    *,
    scale: str,
    limits: tuple[float, float],
    counts: NDArray[np.int64] | None = None,
) -> Figure:
    """Draw a table as a heat map, with its numbers where there is room.

    Parameters
    ----------
    table
        Numbers to colour by; row and column names become labels.
    title, scale
        Of the figure, and of the colour bar.
    limits
        Values at the ends of the colour bar. If the first is negative, two colours meet at the middle.
    counts
        Whole numbers to write in place of the table's own.
    """
    rows, columns = table.shape
    upright = stand_upright(table.columns, panel=5.5)
    figure = Figure(figsize=(8, 2.0 + 0.25 * max(rows, 6) + UPRIGHT * upright), layout="constrained")
    axes = figure.subplots()
    sns.heatmap(
        table.to_numpy(), vmin=limits[0], vmax=limits[1], cmap="vlag" if limits[0] < 0 else "Blues", linewidths=0.5,
        annot=(table.to_numpy() if counts is None else counts) if columns <= 14 else False,
        fmt=".2f" if counts is None else "d", annot_kws={"fontsize": 8}, cbar_kws={"label": scale}, ax=axes,
        yticklabels=labels(table.index, 26),
    )  # fmt: skip
    axes.tick_params(axis="y", rotation=0)
    name_ticks(axes, table.columns, upright=upright, panel=5.5, shift=0.5)
    axes.set_title(title)
    return figure
