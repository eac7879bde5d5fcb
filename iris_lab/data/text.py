"""Reads text tables strictly: characters first, then row by row; what is inferred is also reported."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from iris_lab.data.headers import Row, check_header, ragged, surplus_field
from iris_lab.errors import InputError

SAMPLE_BYTES = 2**16  # of a file, from which its separator is found
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "white space"}
NAMED = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";"}  # spellings for a command line
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Layout:
    """How a text table is written.

    Attributes
    ----------
    encoding, separator
        Name of the encoding; one character, a space for any white space.
    names
        Column names, white space around and within them reduced to single spaces.
    line
        Line of the header.
    skipped
        Lines above the first row, the header included.
    surplus
        ``"first"`` or ``"last"`` where every row has a field more than the header: R's row names, or an empty field
        behind a trailing separator. Else empty.
    notes
        What was inferred, for the report.
    """

    encoding: str
    separator: str
    names: list[str]
    line: int
    skipped: int
    surplus: str
    notes: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Number of fields of each row as written."""
        return len(self.names) + bool(self.surplus)


def find_layout(head: bytes, *, whole: bool, separator: str = "", encoding: str = "") -> Layout:
    """Return how a table is written, from its first bytes or as given.

    Parameters
    ----------
    head
        The first `SAMPLE_BYTES` of the file.
    whole
        Whether that is the whole file.
    separator, encoding
        As given by the user; empty: inferred.

    Raises
    ------
    InputError
        It is no table, or one whose header cannot be told from its data; the message says what was found.
    """
    encoding, notes = (encoding, []) if encoding else _find_encoding(head, whole=whole)
    text = _decode(head, encoding, whole=whole)
    if text.lstrip()[:9].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise InputError("it is a web page, not a table: is the URL that of the file itself?")
    lines = list(io.StringIO(text, newline=""))
    if not whole and len(lines) > 1:
        lines.pop()  # incomplete
    separator, skipped = _given_separator(separator, lines)
    blank = next((at for at, line in enumerate(lines[skipped:]) if line.strip()), 0)
    skipped += blank
    cut = 0 if whole else len(lines) - skipped
    separator = separator or _find_separator(lines[skipped:], cut)
    parsed = list(_parse(lines[skipped:], separator, skipped, cut=cut))
    if not parsed:
        raise InputError("the table is empty: expected a line with column names, and a row for each sample")
    if separator != ",":
        notes.append(f"columns are separated by {SEPARATORS.get(separator, repr(separator))}")
    if blank:
        notes.append("blank lines above the header were skipped")
    (line, header), *rows = parsed
    surplus = surplus_field(header, rows, lines, notes)
    names = [" ".join(name.split()) for name in header]
    check_header(line, names, rows, separator)
    return Layout(encoding, separator, names, line, rows[0][0] - 1 if rows else line, surplus, notes)


def _given_separator(separator: str, lines: Sequence[str]) -> tuple[str, int]:
    """Return the separator as given, or as Excel's first line ``sep=;`` has it, and the number of such lines."""
    skipped = 0
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip("\r\n")) == 5:
        separator, skipped = separator or lines[0][4], 1
    separator = NAMED.get(separator, separator)
    if len(separator) > 1:
        raise InputError(f"separator={separator!r}: expected one character, or tab or space")
    return separator, skipped


def _find_encoding(head: bytes, *, whole: bool) -> tuple[str, list[str]]:
    for mark, name in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return name, [] if name.startswith("utf-8") else ["the file is written in UTF-16"]
    if b"\0" in head:
        raise InputError("it is not text (it holds zero bytes): expected a text table, or the right file name ending")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes  # rarely needed

        best = from_bytes(head).best()
        if best is None:
            raise InputError(
                "it is not UTF-8 text, and no other encoding fits: give encoding, or save it as UTF-8"
            ) from None
        return best.encoding, [f"the file is not UTF-8; it was read as {best.encoding}: give encoding if that is wrong"]
    return "utf-8", []


def _decode(content: bytes, encoding: str, *, whole: bool) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(content, final=whole)
    except LookupError as error:
        raise InputError(f"encoding={encoding!r} is unknown: expected a name such as utf-8 or cp1252") from error
    except UnicodeError as error:
        raise _undecodable(io.BytesIO(content), encoding) from error


def _undecodable(file: IO[bytes], encoding: str) -> InputError:
    """Return the error for a file that is not written in an encoding, with the line where that shows."""
    file.seek(0)
    decoder, line, found = codecs.getincrementaldecoder(encoding)(), 1, ""
    while not found and (chunk := file.read(SAMPLE_BYTES)):
        try:
            line += decoder.decode(chunk).count("\n")
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            found = f" (byte 0x{error.object[error.start]:02X})"
        except UnicodeError:  # UTF-16 without a byte order mark
            break
    return InputError(f"line {line} is not {encoding} text{found}: give encoding, such as cp1252, or save it as UTF-8")


def _find_separator(lines: Sequence[str], cut: int) -> str:
    """Return the separator that gives every line the same number of fields, or else the header the most fields."""
    best, cuts = ",", 1
    for separator in SEPARATORS:
        try:
            counts = [len(row) for _, row in _parse(lines, separator, 0, cut=cut)]
        except InputError:
            continue
        if counts and counts[0] > 1 and all(count == counts[0] for count in counts):
            return separator
        if counts and counts[0] > cuts and separator != " ":
            best, cuts = separator, counts[0]
    return best


def _parse(lines: Iterable[str], separator: str, before: int, *, cut: int = 0) -> Iterator[Row]:
    """Yield the number of the line where each row starts, and its fields; rows without any text are skipped.

    Where only the first lines of a file are given, `cut` is their number: the last row may lack its end.
    """
    if separator == " ":
        lines = (line.replace("\t", " ").strip() for line in lines)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=separator == " ", strict=True)
    start = before + 1
    try:
        for row in reader:
            if any(value.strip() for value in row):
                yield start, row
            start = before + reader.line_num + 1
    except csv.Error as error:
        if reader.line_num == cut:
            return
        raise InputError(f"line {start}: {error}: is a quotation mark missing or too many?") from error


def read_rows(file: IO[bytes], layout: Layout) -> Iterator[Row]:
    """Yield the line number and the fields of every row, in constant memory.

    Raises
    ------
    InputError
        A row has another number of fields than the header, or the text cannot be decoded; the line is named.
    """
    lines = io.TextIOWrapper(file, layout.encoding, newline="")
    header = len(layout.names)
    try:
        for _ in range(layout.skipped):
            next(lines, "")
        for line, row in _parse(lines, layout.separator, layout.skipped):
            if len(row) != layout.width or (layout.surplus == "last" and row[-1].strip()):
                raise ragged(line, len(row), (layout.line, layout.names), layout.separator)
            yield line, row[1:] if layout.surplus == "first" else row[:header]
    except UnicodeError as error:
        raise _undecodable(file, layout.encoding) from error
    finally:
        lines.close()
