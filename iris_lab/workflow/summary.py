"""A verification in words for a terminal."""

from collections import Counter
from collections.abc import Sequence

from iris_lab.workflow.causes import UNRECORDED, Cause
from iris_lab.workflow.comparison.findings import (
    CLAIMED,
    DIFFERENT,
    EQUIVALENT,
    IDENTICAL,
    Difference,
    Finding,
    printable,
)
from iris_lab.workflow.verdict import INTACT, UNDECIDED, Verification

COLOURS = {IDENTICAL: 32, INTACT: 32, EQUIVALENT: 33, DIFFERENT: 31, UNDECIDED: 31, CLAIMED: 33}
INDENT, WIDTH = " " * 13, 12
SHOWN = 100  # findings of a kind


def summarize(found: Verification, *, coloured: bool = False) -> str:
    """Return a verification as text: its findings, with the first difference of each artifact, and its verdict.

    Parameters
    ----------
    found
        A verification.
    coloured
        Colour the verdicts, for a terminal.
    """
    files = f"{len(found.record.artifacts)} files"
    lines = [f"{'run':{WIDTH}} {printable(found.run.name)}: {_parameters(found)}"]
    lines += _section("integrity", found.integrity, f"{files}, each with its recorded SHA-256, and their record")
    lines += _section("environment", found.environment, "all versions, notebooks and modules as recorded")
    lines += [
        f"{'unstable':{WIDTH}} {printable(f'{step}, {line}')}, as its author recorded: no two runs agree here"
        for step, unstable in found.record.unstable.items()
        for line in unstable
    ]
    lines += [f"{_word(CLAIMED, coloured)} {_line(finding)}" for finding in found.claims]
    lines += _artifacts(found.artifacts or (), coloured)
    if found.problem:
        lines.append(f"{_word('stopped', False)} {printable(found.problem)}")
    if cause := found.cause:
        lines.append(f"{'cause':{WIDTH}} {printable(str(cause) + _repeated(found, cause))}")
    comma = "," if found.because else ":"
    verdict = f"{_word(found.verdict, coloured, width=0)}{comma} {_verdict(found)}"
    return "\n".join([*lines, f"{'verdict':{WIDTH}} {verdict}"])


def _repeated(found: Verification, cause: Cause) -> str:
    """Return what repeated re-runs say about a difference that no recorded change explains."""
    if cause.kind != UNRECORDED or found.artifacts is None:
        return ""
    if found.unstable:
        return ": re-runs differ from each other, too, so a cell depends on something that is not recorded"
    if found.repeated > 1:
        return f": {found.repeated} re-runs are equal, so files of the run were changed, or it was made elsewhere"
    return ": a file was changed after the run, or a cell depends on something unrecorded; --repeat 3 tells which"


def _parameters(found: Verification) -> str:
    values = ", ".join(f"{name}={value!s:.60}" for name, value in found.record.values.items() if value != "")
    return printable(values or "no parameters")


def _section(name: str, findings: Sequence[Finding], otherwise: str) -> list[str]:
    if not findings:
        return [f"{name:{WIDTH}} {otherwise}"]
    shown, more = findings[:SHOWN], len(findings) - SHOWN
    width = min(60, max(len(finding.name) for finding in shown))
    lines = [
        f"{finding.verdict:8} {printable(finding.name):{width}}  {_change(finding)}".rstrip() for finding in shown
    ] + [f"and {more} more"] * (more > 0)
    return [f"{name if number == 0 else '':{WIDTH}} {line}" for number, line in enumerate(lines)]


def _artifacts(findings: Sequence[Finding], coloured: bool) -> list[str]:
    """Return the lines of the first findings of each verdict, and how many more there are."""
    lines, counts = [], Counter[str]()
    for finding in findings:
        counts[finding.verdict] += 1
        if counts[finding.verdict] <= SHOWN:
            lines += [f"{_word(finding.verdict, coloured)} {_line(finding)}", *_detail(finding.difference)]
    more = [f"{_word(word, coloured)} and {count - SHOWN} more" for word, count in counts.items() if count > SHOWN]
    return lines + more


def _change(finding: Finding) -> str:
    if finding.difference is None:
        return ""
    return printable(f"{finding.difference.where} {finding.difference.was} → {finding.difference.now}".strip())


def _line(finding: Finding) -> str:
    return printable(finding.name + (f"  ({finding.note})" if finding.note else ""))


def _detail(difference: Difference | None) -> list[str]:
    if difference is None:
        return []
    where = [f"{INDENT}{printable(difference.where)}"] if difference.where else []
    return [*where, f"{INDENT}was {printable(difference.was)}", f"{INDENT}now {printable(difference.now)}"]


def _word(word: str, coloured: bool, *, width: int = WIDTH) -> str:
    padded = f"{word:{width}}" if width else word
    return f"\x1b[{COLOURS[word]}m{padded}\x1b[0m" if coloured and word in COLOURS else padded


def _verdict(found: Verification) -> str:
    altered, artifacts = len(found.integrity), found.artifacts or []
    counts = [
        (sum(finding.verdict == word for finding in artifacts), word) for word in (IDENTICAL, EQUIVALENT, DIFFERENT)
    ]
    parts = [f"{count} {word}" for count, word in counts if count]
    parts += [f"{altered} not as recorded"] if altered else []
    parts = [printable(found.because)] * bool(found.because) + parts
    if found.verdict == INTACT:
        parts = ["every file as recorded; not re-run"]
    if found.verdict == UNDECIDED:
        parts = ["the files are as recorded"]
    return f"{', '.join(parts)}; {found.seconds:.1f} s"
