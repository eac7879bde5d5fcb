"""Comparison of records: the recorded one must be, byte for byte, what our writer writes for the re-run."""

from dataclasses import replace
from pathlib import Path

from iris_lab.workflow import provenance
from iris_lab.workflow.comparison.findings import Difference, excerpts
from iris_lab.workflow.consistency import DATED, claimed_source, compare_written
from iris_lab.workflow.crate import read_crate


def compare_records(was: Path, now: Path) -> Difference | None:
    """Return the first difference of a run's record from the expected one.

    The expected record is that of the re-run, with what is only claimed (see `claims`) taken from the recorded run. If
    versions or code differ, these and the digests of artifacts are taken from it, too; they are compared elsewhere.

    Parameters
    ----------
    was
        The recorded run.
    now
        The re-run.
    """
    old, new = read_crate(was), read_crate(now)
    for name, recorded, here in (("software", old.software, new.software), ("code", old.sources, new.sources)):
        released = old.software["iris-lab"] != new.software["iris-lab"]  # another release may have other parts
        if recorded.keys() - here.keys() and not released:
            unknown = min(recorded.keys() - here.keys())
            return Difference(name, *excerpts(unknown, "nothing with that name in this version"))
    if old.artifacts.keys() != new.artifacts.keys():
        return Difference("files", f"{len(old.artifacts)} with other names", f"{len(new.artifacts)}")
    expected = new
    if "file" in new.data:
        expected = replace(new, data={**new.data, "source": claimed_source(old) or Path(new.data["file"]).name})
    if old.software != new.software or old.sources != new.sources:
        parts = {name: getattr(old, name) for name in ("artifacts", "software", "sources", "groups")}
        expected = replace(expected, **parts)
    date = old.date if old.sources.get(DATED) != new.sources.get(DATED) else provenance.release_date()
    return compare_written(was, replace(expected, date=date))
