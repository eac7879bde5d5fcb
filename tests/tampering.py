"""Alterations of a run by hand, for the tests that they are found."""

import json
import re
import struct
import zlib
from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from iris_lab.place import HOME as PROJECT
from iris_lab.workflow.crate import artifacts_of, read_crate
from iris_lab.workflow.crate_writer import write_crate
from iris_lab.workflow.layout import CRATE_FILE

PUBLISHED = PROJECT / "reports" / "iris"


def edit(path, was, now):
    text = path.read_text(encoding="utf-8")
    assert was in text
    path.write_text(text.replace(was, now, 1), encoding="utf-8")


def edit_json(path, change):
    """Change a JSON document, and write it as our writers do."""
    text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    change(document)
    written = json.dumps(document, indent=1, ensure_ascii=text.isascii()) + "\n"
    path.write_text(written, encoding="utf-8")


def edit_record(run, change):
    """Change the record's entities, given by their names, and write it as our writer does."""
    document = json.loads((run / CRATE_FILE).read_text(encoding="utf-8"))
    entities = {entity["@id"]: entity for entity in document["@graph"]}
    change(entities)
    document["@graph"] = sorted(entities.values(), key=lambda entity: entity["@id"])
    written = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (run / CRATE_FILE).write_text(written, encoding="utf-8")


def edit_pixels(path, change, **options):
    """Change a figure's pixels, red, green, blue and opacity, and write it as matplotlib does."""
    picture = Image.open(BytesIO(path.read_bytes()))
    pixels = np.asarray(picture.convert("RGBA")).copy()
    change(pixels)
    altered = Image.fromarray(pixels, "RGBA").convert(picture.mode)
    altered.save(path, "png", dpi=picture.info.get("dpi"), **options)


def edit_pixel(path):
    def change(pixels):
        pixels[300, 300, 0] ^= 128

    edit_pixels(path, change)


def forge(run, **claims):
    """Make the record agree with what was altered, with our own writer, so that nothing but a re-run can tell.

    Parameters
    ----------
    run
        The altered run.
    claims
        Versions of packages that the run is to name in place of those that were used.
    """
    info = run / "model.json"
    if claims and info.is_file():
        text = info.read_text(encoding="utf-8")
        for name, version in claims.items():
            text = re.sub(rf'"{name}": "[\d.]+"', f'"{name}": "{version.rpartition(" ")[2]}"', text)
        info.write_text(text, encoding="utf-8")
    record = read_crate(run)
    software = {**record.software, **claims}
    write_crate(run, replace(record, artifacts=artifacts_of(run), software=software))


def chunk(kind, content):
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
