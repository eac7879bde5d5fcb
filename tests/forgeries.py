"""Forged runs: each function alters an honest run as a cheat would. `test_forgeries.py` repairs the digests."""

import base64
import json
import re
import struct
import zlib
from io import BytesIO

import joblib
import numpy as np
from PIL import Image, ImageDraw
from tampering import chunk, edit, edit_json, edit_pixel, edit_pixels

from iris_lab.workflow.crate import digest_of

FIGURE = "figures/confusion"
FORGERIES = []
HEADER = 33  # bytes of a PNG's signature and first chunk


def forgery(alter):
    FORGERIES.append(alter)
    return alter


def edited(name, was, now):
    """Register a forgery that replaces a text in a file."""

    def alter(run):
        text = (run / name).read_text(encoding="utf-8")
        altered = re.sub(was, now, text, count=1, flags=re.DOTALL)
        assert altered != text, f"{was} is not in {name}"
        (run / name).write_text(altered, encoding="utf-8", newline="")

    alter.__name__ = f"{name}: {was:.40} becomes {now!s:.40}"
    return forgery(alter)


def inserted(content, place=HEADER):
    """Register a forgery that puts bytes into a figure."""

    def alter(run):
        path = run / f"{FIGURE}.png"
        png = path.read_bytes()
        path.write_bytes(png[:place] + content + png[place:] if place else png + content)

    alter.__name__ = f"{FIGURE}.png: {content[:12]!r} at {place}"
    return forgery(alter)


edited("metrics.json", r'"evaluate.accuracy": [\d.]+', '"evaluate.accuracy": 1.0')
edited("metrics.json", r"\{\n", '{\n "evaluate.accuracy": 1.0,\n')
edited("metrics.json", r'"evaluate.accuracy": ([\d.]+)', r'"evaluate.accuracy": NaN')
edited("metrics.json", r'"evaluate.accuracy": 0.9736842', r'"evaluate.accuracy": 0.9736843')
edited("metrics.json", r"\{\n ", "{\n  ")
edited("metrics.json", r'( "[^\n]*,\n)( "[^\n]*,\n)', r"\2\1")
edited("split.csv", r",train\n", ",test\n")
edited("split.csv", r"\n", "\n\r")
edited("split.csv", r",train\n", ',"train"\n')
edited("split.csv", r"$", "x" * 200_000 + "\n")
edited("split.csv", r"\n5,", "\n5.0,")
edited("model.json", r'"classes": \[', '"classes": ["a", "b", "c"],\n "classes": [')
edited("model.json", r'"unit": "cm"', '"unit": "mm"')
edited("model.json", r'"versions": \{', '"versions": {\n  "approved": "1.0",')
edited("index.html", r"97\.4%", "99.9%")
edited("index.html", r"</body>", "<!-- x --></body>")
edited("index.html", r"</body>", "<script>alert(1)</script></body>")
edited("index.html", r"<meta http-equiv=[^>]*>", "")
edited("index.html", r"<img ", '<img onerror="alert(1)" ')
edited("01_eda.ipynb", r'"outputs": \[', '"outputs": [{"output_type": "stream"}],\n   "outputs": [')
edited("03_evaluate.ipynb", r"0\.9737", "0.9987")
edited("03_evaluate.ipynb", r'"execution_count": 3', '"execution_count": 4')
edited("03_evaluate.ipynb", r'"image/png": "iVBOR', '"image/png": "iVB#OR')
edited("03_evaluate.ipynb", r'"nbformat": 4', '"approved": "by the board",\n "nbformat": 4')
edited(f"{FIGURE}.svg", r"</svg>", "<script>document.title = 1</script></svg>")
edited(f"{FIGURE}.svg", r"</svg>", '<text x="20" y="200" fill="red">accuracy 100 %</text></svg>')
edited(f"{FIGURE}.svg", r"</svg>", "<foreignObject><p>accuracy 100 %</p></foreignObject></svg>")
edited(f"{FIGURE}.svg", r"<svg ", '<svg onload="alert(1)" ')
edited(f"{FIGURE}.svg", r"</svg>", '<image xlink:href="https://example.org/x.png"/></svg>')
edited(f"{FIGURE}.svg", r"svg11.dtd\">", 'svg11.dtd" [<!ENTITY a "accuracy 100 %">]>')
edited(f"{FIGURE}.svg", r"<!-- 1 -->", "<!-- 0 -->")
edited(f"{FIGURE}.svg", r"fill: #08306b", "fill: #08316b")
edited(f"{FIGURE}.svg", r"(<g id=\"text_1\">.*?translate\()(\d+)", lambda m: f"{m[1]}{int(m[2]) + 5}")
edited("figures/violins.svg", r'(<path d="M )(\d+)\.', lambda m: f"{m[1]}{int(m[2]) + 1}.")
edited("figures/pairs.svg", r'(<use xlink:href="#m\w+" x="\d+)', r"\g<1>1")
edited(f"{FIGURE}.svg", r"(<!-- 1 -->.*?<use xlink:href=\"#DejaVuSans-)\w+", r"\g<1>13")
edited(f"{FIGURE}.svg", r"</svg>", "</svg><!-- accuracy 100 % -->")
edited(f"{FIGURE}.svg", r'<g id="patch_1"', '<g id="approved"')
edited(f"{FIGURE}.svg", r"Matplotlib v[^<]*", "approved by the board")
edited(f"{FIGURE}.svg", r'<g id="text_1">', '<g/>approved by the board<g id="text_1">')
edited(f"{FIGURE}.svg", r'<g id="text_1">', '<g id="approved-by-the-board"/><g id="text_1">')
edited(f"{FIGURE}.svg", r'<path id="DejaVu', '<path id="DejaVuSans-4f" d="M 1 2"/><path id="DejaVu')
edited(f"{FIGURE}.svg", r'<g style="fill: #f', '<g style="fill: #e')
inserted(chunk(b"gAMA", struct.pack(">I", 1000)))
inserted(chunk(b"tEXt", b"Comment\0accuracy 100 %"))
inserted(chunk(b"iCCP", b"x\0\0" + zlib.compress(b"profile")))
inserted(chunk(b"tRNS", b"\0\0\0\0\0\0"))
inserted(b"PK\x03\x04" + b"payload" * 100, place=0)
inserted(chunk(b"IDAT", zlib.compress(b"\0" * 10**6)), place=-12)


def outlines(text, *said):
    """Return the names of the first letters of texts in a figure, and how each is defined."""
    names = [re.search(rf"<!-- {one} -->.*?#(DejaVuSans-\w+)", text, re.DOTALL)[1] for one in said]
    return [(name, re.search(rf'<path id="{name}"(.*?)/>', text, re.DOTALL)[1]) for name in names]


@forgery
def svg_with_a_one_drawn_as_a_zero_by_an_earlier_definition(run):
    text = (run / f"{FIGURE}.svg").read_text(encoding="utf-8")
    (one, _), (_, zero) = outlines(text, "1", "0")
    edit(run / f"{FIGURE}.svg", '<path id="DejaVu', f'<path id="{one}"{zero}/><path id="DejaVu')


@forgery
def svg_with_marks_hidden_by_an_earlier_definition(run):
    text = (run / "figures" / "pairs.svg").read_text(encoding="utf-8")
    mark = re.search(r'<use xlink:href="#(m[0-9a-f]{10})" x', text)[1]
    edit(run / "figures" / "pairs.svg", '<path id="DejaVu', f'<path id="{mark}" d="M 0 0"/><path id="DejaVu')


@forgery
def svg_with_a_letter_that_is_too_small_to_be_seen(run):
    text = (run / f"{FIGURE}.svg").read_text(encoding="utf-8")
    ((one, outline),) = outlines(text, "1")
    small = outline.replace('transform="', 'transform="scale(0.0001) ')
    edit(run / f"{FIGURE}.svg", f'id="{one}"{outline}', f'id="{one}"{small}')


@forgery
def svg_with_a_letter_without_lines(run):
    text = (run / f"{FIGURE}.svg").read_text(encoding="utf-8")
    ((one, outline),) = outlines(text, "1")
    edit(run / f"{FIGURE}.svg", f'id="{one}"{outline}', f'id="{one}"{outline.replace("L ", "M ")}')


@forgery
def svg_with_a_sentence_for_a_name(run):
    path = run / f"{FIGURE}.svg"
    text = path.read_text(encoding="utf-8")
    name = re.search(r'id="(m[0-9a-f]{10})"', text)[1]
    path.write_text(text.replace(name, "approved-by-the-board"), encoding="utf-8", newline="")


@forgery
def png_with_an_animation_of_another_picture(run):
    path = run / f"{FIGURE}.png"
    png = path.read_bytes()
    size = png[16:24]
    lie = BytesIO()
    picture = Image.open(BytesIO(png))
    Image.new(picture.mode, picture.size).save(lie, "png")
    packed = re.search(rb"IDAT(.*).{4}\0\0\0\0IEND", lie.getvalue(), re.DOTALL)[1]
    frame = chunk(b"fcTL", struct.pack(">I", 0) + size + struct.pack(">IIHHBB", 0, 0, 1, 1, 0, 0))
    frame += chunk(b"fdAT", struct.pack(">I", 1) + packed)
    path.write_bytes(png[:HEADER] + chunk(b"acTL", struct.pack(">II", 1, 1)) + png[HEADER:-12] + frame + png[-12:])


@forgery
def png_with_one_other_pixel(run):
    edit_pixel(run / "figures" / "pairs.png")


@forgery
def png_in_other_colours(run):
    def change(array):
        array[..., :3] = np.where(array[..., :3] < 250, np.minimum(array[..., :3].astype(int) + 60, 255), 255)

    edit_pixels(run / f"{FIGURE}.png", change)


def place_of(run, said):
    """Return the corners of a text in the figure, in pixels."""
    from iris_lab.workflow.comparison.letters import texts_of

    picture = Image.open(BytesIO((run / f"{FIGURE}.png").read_bytes()))
    texts = texts_of((run / f"{FIGURE}.svg").read_text(encoding="utf-8"), picture.width)
    return next(text for text in texts if text.text == said).boxes[0]


@forgery
def png_with_a_one_painted_over(run):
    (left, top), (right, bottom) = place_of(run, "1")

    def change(array):
        array[top : bottom + 1, left : right + 1] = array[top - 3, left - 3]

    edit_pixels(run / f"{FIGURE}.png", change)


@forgery
def png_with_a_zero_for_a_one(run):
    one, zero = place_of(run, "1"), place_of(run, "0")

    def change(array):
        background = array[one[0][1] - 3, one[0][0] - 3].copy()
        digit = array[zero[0][1] : zero[1][1], zero[0][0] : zero[1][0]].copy()
        array[one[0][1] : one[1][1] + 1, one[0][0] : one[1][0] + 1] = background
        array[one[0][1] : one[0][1] + len(digit), one[0][0] : one[0][0] + digit.shape[1]] = digit

    edit_pixels(run / f"{FIGURE}.png", change)


@forgery
def png_with_a_text_more(run):
    def change(array):
        picture = Image.new("L", (array.shape[1], array.shape[0]))
        ImageDraw.Draw(picture).text((200, 60), "accuracy 100 %", fill=255)
        array[np.asarray(picture) > 0, :3] = 200

    edit_pixels(run / f"{FIGURE}.png", change)


@forgery
def notebook_with_the_forged_figure(run):
    png_with_a_zero_for_a_one(run)
    forged = base64.b64encode((run / f"{FIGURE}.png").read_bytes()).decode()

    def change(notebook):
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        data = [output["data"] for output in outputs if "image/png" in output.get("data", {})]
        data[0]["image/png"] = forged

    edit_json(run / "03_evaluate.ipynb", change)


@forgery
def page_with_the_forged_figure(run):
    honest = base64.b64encode((run / f"{FIGURE}.png").read_bytes()).decode()
    png_with_a_zero_for_a_one(run)
    edit(run / "index.html", honest, base64.b64encode((run / f"{FIGURE}.png").read_bytes()).decode())


@forgery
def notebook_with_output_more(run):
    def change(notebook):
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        stream = next(output for output in outputs if output["output_type"] == "stream")
        stream["data"] = {"text/html": "<b>accuracy 1.0</b>"}

    edit_json(run / "03_evaluate.ipynb", change)


@forgery
def notebook_with_other_code(run):
    def change(notebook):
        next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")["source"] = ["import os"]

    edit_json(run / "02_train.ipynb", change)


@forgery
def model_of_other_weights(run):
    model = joblib.load(run / "model.joblib")
    model[-1].coef_ = model[-1].coef_ * 1.5
    joblib.dump(model, run / "model.joblib")
    edit_json(run / "model.json", lambda info: info.update(sha256=digest_of(run / "model.joblib")))


@forgery
def json_nested_deeply(run):
    (run / "metrics.json").write_text("[" * 100_000, encoding="utf-8")


@forgery
def page_of_three_gigabytes(run):
    with (run / "index.html").open("ab") as file:
        file.truncate(3 * 2**30)


@forgery
def file_more(run):
    (run / "approval.json").write_text(json.dumps({"approved": True}), encoding="utf-8")
