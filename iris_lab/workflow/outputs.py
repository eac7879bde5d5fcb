"""The text that a cell printed: one output per stream, as a terminal would show it."""

import re
from collections.abc import Sequence

from nbformat import NotebookNode

MOVES = re.compile(r"([\r\b])")
TOKENS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|.")  # an escape sequence (ECMA-48, 5.4), or a character
ERASE_LINE = "\x1b[K"


def settle(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return a cell's outputs with the chunks of each stream joined at the place of the first.

    A kernel splits its streams anywhere, and sends stdout and stderr in either order: here stdout comes first.
    nbclient joins the chunks too, but in quadratic time: seven minutes for one line of 1 MB.
    """
    settled: list[NotebookNode] = []
    chunks: dict[str, list[str]] = {}
    for output in outputs:
        if output.output_type != "stream":
            settled.append(output)
        elif output.name in chunks:
            chunks[output.name].append(output.text)
        else:
            chunks[output.name] = [output.text]
            settled.append(output)
    for number, output in enumerate(settled):
        if output.output_type == "stream":
            output.text = as_shown("".join(chunks[output.name]))
            following = settled[number + 1 : number + 2]
            if output.name == "stderr" and following and following[0].get("name") == "stdout":
                settled[number : number + 2] = [following[0], output]
    return settled


def as_shown(text: str) -> str:
    r"""Return a text as a terminal shows it: after ``\r`` and ``\b``, what follows overwrites.

    Examples
    --------
    >>> as_shown("10 %\r20 %\rdone\n|\b/")
    'done\n/'
    """
    if not MOVES.search(text):
        return text
    return "\n".join(_overwritten(line) if MOVES.search(line) else line for line in text.split("\n"))


def _overwritten(line: str) -> str:
    shown: list[str] = []
    position = 0
    for part in MOVES.split(line):
        if part == "\r":
            position = 0
        elif part == "\b":
            position = max(0, position - 1)
        else:
            characters = _characters(part) if "\x1b" in part else list(part)
            if characters and characters[0].startswith(ERASE_LINE):
                del shown[position:]
                characters[0] = characters[0].removeprefix(ERASE_LINE)
            shown[position : position + len(characters)] = characters
            position += len(characters)
    return "".join(shown)


def _characters(text: str) -> list[str]:
    """Return the characters of a text, each preceded by its escape sequences, which take no column."""
    characters, before = [], ""
    for token in TOKENS.findall(text):
        if token.startswith("\x1b["):
            before += token
        else:
            characters.append(before + token)
            before = ""
    if before and characters:
        characters[-1] += before
    return characters or ([before] if before else [])
