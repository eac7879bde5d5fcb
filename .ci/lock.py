"""``make lock``: joins two resolutions into requirements.lock, what a report needs first, then what the tests add.

usage: lock.py REPORT ALL > requirements.lock
"""

import re
import sys
from pathlib import Path

HEADER = "# Every package, with its hashes; renewed by `make lock`. The first part is what a report needs.\n"
REST = "# The rest is what tests and benchmarks add.\n"


def entries(path: str) -> dict[str, str]:
    """Return each package's lines by its name."""
    found = re.split(r"^(?=[\w.-]+==)", Path(path).read_text(encoding="utf-8"), flags=re.M)[1:]
    return {entry.split("==")[0]: entry for entry in found}


def main(report: str, everything: str) -> None:
    """Write the lock to standard output."""
    first, whole = entries(report), entries(everything)
    if different := [name for name in first if whole.get(name, "").split()[:1] != first[name].split()[:1]]:
        sys.exit(f"lock.py: {', '.join(different)}: other versions with the extras than without")
    rest = [entry for name, entry in whole.items() if name not in first]
    sys.stdout.write(HEADER + "".join(whole[name] for name in first) + REST + "".join(rest))


if __name__ == "__main__":
    main(*sys.argv[1:])
