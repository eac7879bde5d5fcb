"""A table of people full of canaries, and a search for them in whatever a private run leaves or answers.

Every number has so many digits that it can be nobody else's. The ends of each column, rare levels, identifiers and
sparse values are searched for in fewer digits, too, as nothing else is near them.
"""

import base64
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")
EMBEDDED = re.compile(r"[A-Za-z0-9+/\\n]{200,}={0,2}")
EPOCH = pd.Timestamp("1970-01-01")
FEWEST_DIGITS = 9  # of a number in a text that is compared: shorter ones coincide by chance


@dataclass(frozen=True)
class Canaries:
    """What must not be found: numbers, texts, and numbers of which five digits are enough to know them."""

    numbers: np.ndarray
    texts: list[str]
    lonely: list[float]

    def __len__(self) -> int:
        return len(self.numbers) + len(self.texts)

    def found_in(self, content: bytes) -> list[str]:
        """Return the canaries in a file or an answer: in its texts, pictures' texts, and bytes of numbers."""
        return [*self._as_bytes(content), *self._as_text(content.decode("latin-1"))]

    def _as_bytes(self, content: bytes) -> list[str]:
        if content.isascii():
            return []
        known = np.concatenate([self.numbers.astype(f"{order}f8").view("u8") for order in "<>"])
        numbers, found = np.tile(self.numbers, 2), []
        for start in range(min(8, max(0, len(content) - 7))):
            words = np.frombuffer(content, "u8", (len(content) - start) // 8, start)
            found += [f"bytes of {number!r}" for number in numbers[np.isin(known, words)].tolist()]
        return found

    def _as_text(self, text: str) -> list[str]:
        found = [canary for canary in self.texts if canary in text]
        tokens = set(NUMBER.findall(text.replace("−", "-")))
        for digits in range(FEWEST_DIGITS, 18):
            short = {float(f"{abs(number):.{digits - 1}e}") for number in self.numbers.tolist()}
            found += [token for token in tokens if _digits(token) == digits and abs(float(token)) in short]
        values = np.array(
            sorted({float(token) for token in tokens if _digits(token) >= 4 and abs(float(token)) < 1e300})
        )
        near = [value for value in self.lonely if len(values) and np.abs(values - value).min() < 1e-5 * abs(value)]
        return found + [f"about {value!r}" for value in near]


def _digits(token: str) -> int:
    return len(re.sub(r"[eE].*|[-+.]", "", token).lstrip("0"))


def contents(path: Path) -> list[bytes]:
    """Return a file, what is encoded in it as Base64, and the texts that are packed in PNGs."""
    return unpacked(path.read_bytes())


def unpacked(content: bytes) -> list[bytes]:
    found = [content]
    for piece in EMBEDDED.findall(content.decode("latin-1")):
        try:
            inner = base64.b64decode(piece.replace("\\n", ""), validate=True)
        except ValueError:
            continue
        found += unpacked(inner) if inner[:4] != b"\x89PNG" else [_png_texts(inner)]
    return found if content[:4] != b"\x89PNG" else [_png_texts(content)]


def _png_texts(content: bytes) -> bytes:
    """Return the text chunks of a PNG, unpacked; its pixels are a picture of what the SVG beside it has as numbers."""
    place, texts = 8, []
    while place < len(content):
        size, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        data = content[place + 8 : place + 8 + size]
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            start = data.find(b"\x78")
            texts += [data] + ([zlib.decompressobj().decompress(data[start:])] if kind == b"zTXt" else [])
        place += 12 + size
    return b"\n".join(texts)


def plant(path: Path, rows: int = 400) -> Canaries:
    """Write the table, and return its canaries."""
    random = np.random.default_rng(7)
    sick = random.random(rows) < 0.4
    salary = 50_000 + 9000 * random.normal(size=rows) + 12_000 * sick
    dose = np.exp(random.normal(size=rows)) / 7
    ratio = random.normal(size=rows) + sick
    lonely = [731415926.53589, -271828182.84590, 161803398.87498, 0.000314159265]
    salary[:3], dose[3] = lonely[:3], lonely[3]
    dose[4:7] = lonely_doses = [272182818.28459, 314159265.35897, 141421356.23730]
    sparse = np.zeros(rows)
    sparse[[11, 12, 13]] = lonely_sparse = [577215664.90153, 662743419.34918, 456692016.09178]
    scarce = np.full(rows, np.nan)
    scarce[[21, 22, 23]] = lonely_scarce = [834626841.67407, 660269491.23419, 250290787.50989]
    days = random.integers(8000, 12_000, rows).astype(float)
    days[[31, 32]] = -9867.0, 25_876.0
    rare = [f"Rareville{number}" for number in range(40)]
    city = np.array([*random.choice(["Aton", "Beton", "Ceton"], rows)], object)
    city[40:80] = rare
    city[80:84], city[84:93] = "Foursome", "Ninefold"
    table = pd.DataFrame({
        "salary": salary, "dose": dose, "ratio": ratio, "sparse": sparse, "scarce": scarce,
        "born": [(EPOCH + pd.Timedelta(days=day)).strftime("%Y-%m-%d") for day in days],
        "city": city, "badge": [f"badge-{number}-{random.integers(10**9)}" for number in range(rows)],
        "flag": ["true", *["false"] * (rows - 1)],
        "height": (170 + 10 * random.normal(size=rows)).round(0),
        "state": np.where(sick ^ (random.random(rows) < 0.15), "ill", "well"),
    })  # fmt: skip
    table.to_csv(path, index=False)
    exact = np.concatenate([salary, dose, ratio, sparse[sparse != 0], scarce[~np.isnan(scarce)], days[[31, 32]]])
    texts = [*rare, "Foursome", "Ninefold", *table["badge"], *table["born"].iloc[[31, 32]]]
    born = table["born"]
    texts += born[
        (born.map(born.value_counts()) == 1) & ~born.str.endswith(("-01", "-28", "-29", "-30", "-31"))
    ].tolist()
    return Canaries(exact, texts, [*lonely, *lonely_doses, *lonely_sparse, *lonely_scarce])
