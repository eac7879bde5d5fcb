"""What can be given as data, known without an import of what reads it."""

import os.path
from collections.abc import Mapping
from pathlib import Path

from iris_lab.data.sources import FORMATS, aside, format_of, is_url, without_secrets
from iris_lab.errors import InputError, UnknownNameError

# Target column, and one line on where the data come from.
BUNDLED: Mapping[str, tuple[str, str]] = {
    "iris": ("species", "Fisher (1936), Annals of Eugenics 7(2), 179-188; the copy in scikit-learn, as in R"),
    "wine": ("cultivar", "Forina et al. (1988), PARVUS; the copy in scikit-learn"),
    "breast_cancer": ("diagnosis", "Wolberg, Street & Mangasarian (1995), WDBC; the copy in scikit-learn"),
}


def check_source(source: str) -> None:
    """Refuse a source that is neither a bundled name nor a readable kind of file, without reading it.

    Raises
    ------
    UnknownNameError
        Neither a bundled dataset nor a file.
    InputError
        A folder, or a file of another kind.
    """
    if source in BUNDLED:
        return
    try:
        file, folder, kind = os.path.isfile(aside(source)), os.path.isdir(source), format_of(source)
        shown = without_secrets(source) if is_url(source) else source
    except ValueError as error:
        raise InputError(f"data is neither a path nor a URL: {error}") from error
    if not is_url(source) and not file:
        if not Path(source).suffix and not folder:
            raise UnknownNameError("dataset", source, BUNDLED)
        what = "is a folder" if folder else "does not exist"
        raise InputError(f"data file {source!r} {what}: give a CSV, TSV or Parquet file, or {', '.join(BUNDLED)}")
    if kind not in FORMATS | {".zip"}:
        raise InputError(f"data file {shown!r} is of an unknown kind: expected {', '.join(sorted(FORMATS))}")
