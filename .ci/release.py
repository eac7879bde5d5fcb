"""``make release VERSION=0.2.0``: writes a version and today's date into the package, the change log and the citation.

usage: release.py VERSION
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def main(version: str) -> None:
    """Renew the three files; the top of the change log is what is released."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.exit(f"release.py: version {version!r}: expected three numbers, such as 0.2.0")
    date = datetime.now(UTC).date().isoformat()
    for name, pattern, text in (
        ("iris_lab/__init__.py", r'__version__ = ".*"', f'__version__ = "{version}"'),
        ("iris_lab/__init__.py", r'__date__ = "[^"]*"', f'__date__ = "{date}"'),
        ("CHANGELOG.md", r"## .*", f"## {version} ({date})"),
        ("CITATION.cff", r"(?m)^version: .*", f"version: {version}"),
        ("CITATION.cff", r"(?m)^date-released: .*", f"date-released: {date}"),
    ):
        path = PROJECT / name
        renewed, found = re.subn(pattern, text, path.read_text(encoding="utf-8"), count=1)
        if not found:
            sys.exit(f"release.py: {name} has nothing like {pattern!r}")
        path.write_text(renewed, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*sys.argv[1:2] or [""])
