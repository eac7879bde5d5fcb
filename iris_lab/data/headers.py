"""Whether the first line of a text table names its columns, and what the message says where it does not."""

from collections.abc import Sequence

from iris_lab.data.schema import is_number
from iris_lab.errors import InputError

Row = tuple[int, list[str]]
TITLE = "remove the lines above the column names"


def check_header(line: int, names: Sequence[str], rows: Sequence[Row], separator: str) -> None:
    """Refuse a header that is data, and a line of units or another header below it.

    Raises
    ------
    InputError
        The message quotes the line.
    """
    shown = repr(separator.join(names)[:60])
    if _looks_like_data(names, [row for _, row in rows]):
        example = separator.join(f"name{place}" for place in range(1, len(names) + 1))
        raise InputError(
            f"line {line} looks like data ({shown}), not like column names: put a line with names above it, such as "
            f"{example[:60]!r}"
        )
    if len(rows) > 1 and _lacks_numbers(rows[0][1], [row for _, row in rows[1:]]):
        below, fields = rows[0]
        raise InputError(
            f"line {below} ({separator.join(fields)[:60]!r}) has text where all later lines have numbers: remove it if "
            "it is a line of units, or what stands above it if it names the columns"
        )


def _looks_like_data(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    numeric = [at for at, name in enumerate(names) if is_number(name)]
    if not numeric or not rows:
        return False
    columns = {at: [row[at] for row in rows if at < len(row)] for at in numeric}
    if not any(all(is_number(text.strip()) for text in column) for column in columns.values()):
        return False
    fraction = any(not names[at].lstrip("+-").isdecimal() for at in numeric)
    last = {row[-1].strip() for row in rows if row}
    return fraction or names[-1] in last


def _lacks_numbers(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    columns = list(zip(first, *rows, strict=False))
    spelled = [[is_number(text.strip().replace(",", ".")) for text in column] for column in columns]
    numeric = [text.strip() for (text, *_), (_, *later) in zip(columns, spelled, strict=True) if all(later)]
    return len(numeric) > 1 and any(map(str.isalpha, "".join(numeric))) and not any(map(is_number, numeric))


def surplus_field(header: list[str], rows: Sequence[Row], lines: Sequence[str], notes: list[str]) -> str:
    """Return where every row has one field more than the header, if that is explained: ``"first"``, ``"last"`` or "".

    Of a header that ends with a separator as the rows do, the last, empty name is removed.
    """
    width = len(header)
    if width > 1 and not header[-1].strip() and rows and all(len(row) == width and not row[-1] for _, row in rows):
        header.pop()
        notes.append("an empty field at the end of every line was left out")
        return "last"
    if not rows or any(len(row) != width + 1 for _, row in rows):
        return ""
    if all(not row[-1].strip() for _, row in rows):
        notes.append("an empty field at the end of every row was left out")
        return "last"
    counted = all(row[0] == str(place) for place, (_, row) in enumerate(rows, 1))
    quoted = all(line <= len(lines) and lines[line - 1].lstrip().startswith('"') for line, _ in rows)
    if counted or (quoted and not all(is_number(row[0]) for _, row in rows)):
        notes.append("the row names that R writes in front of each row were left out")
        return "first"
    return ""


def ragged(line: int, fields: int, header: Row, separator: str) -> InputError:
    """Return the error for a row with another number of fields than the header."""
    above, names = header
    shown = repr(separator.join(names)[:60])
    hint = ""
    if len(names) == 1:
        hint = f"; is that a title? {TITLE}"
    elif fields == len(names) + 1:
        hint = f"; has the header lost a name, or is it a title? {TITLE}"
    elif separator == "," and fields > len(names):
        hint = "; is a decimal comma not quoted?"
    return InputError(f"line {line} has {fields} fields, the header {len(names)} (line {above}, {shown}){hint}")
