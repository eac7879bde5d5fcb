"""Ways to alter a run by hand, for the tests that look whether it is noticed."""

import json

from PIL import Image

from iris_lab.place import HOME as PROJECT
from iris_lab.workflow.crate import digest_of
from iris_lab.workflow.layout import CRATE_FILE

PUBLISHED = PROJECT / "reports" / "iris"


def edit(path, was, now):
    text = path.read_text(encoding="utf-8")
    assert was in text
    path.write_text(text.replace(was, now, 1), encoding="utf-8")


def edit_json(path, change):
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def edit_pixel(path):
    picture = Image.open(path).convert("RGBA")
    colour = picture.getpixel((300, 300))
    picture.putpixel((300, 300), (colour[0] ^ 1, *colour[1:]))
    picture.save(path)


def forge(run, *names):
    """Make the record agree with what was altered."""

    def change(document):
        for entity in document["@graph"]:
            if entity["@id"] in names:
                entity["sha256"] = digest_of(run / entity["@id"])

    edit_json(run / CRATE_FILE, change)
