"""The project's own promises: one set of versions, imports that point one way, a light command line."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import iris_lab

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "iris_lab"
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
SUPPORTED = [
    {
        "python_full_version": python,
        "sys_platform": system,
        "os_name": name,
        "platform_python_implementation": "CPython",
    }
    for python in ("3.11.7", "3.12.1", "3.13.0")
    for system, name in (("linux", "posix"), ("darwin", "posix"), ("win32", "nt"))
]


def locked() -> dict[str, tuple[str, Marker | None]]:
    """Return version and marker of each locked package, by its canonical name."""
    found = {}
    for name, version, marker in re.findall(r"^([\w.-]+)==(\S+?)(?: ; (.+?))? \\$", LOCK, flags=re.M):
        assert canonicalize_name(name) not in found, f"{name} is locked twice: Pythons would differ"
        found[canonicalize_name(name)] = version, Marker(marker) if marker else None
    return found


def declared() -> list[Requirement]:
    extras = PYPROJECT["project"]["optional-dependencies"].values()
    return [Requirement(line) for lines in (PYPROJECT["project"]["dependencies"], *extras) for line in lines]


@pytest.mark.parametrize("requirement", declared(), ids=lambda requirement: requirement.name)
def test_every_requirement_is_locked_within_its_bounds_for_every_platform(requirement):
    version, marker = locked()[canonicalize_name(requirement.name)]
    assert requirement.specifier, f"{requirement.name} has no lower bound"
    assert version in requirement.specifier
    assert marker is None or all(marker.evaluate(environment) for environment in SUPPORTED)


def test_every_locked_package_has_hashes_and_no_address_or_path():
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.M)[1:]
    assert len(entries) > 100
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.findall(r"--index-url|--find-links", LOCK) == []
    assert [line for line in LOCK.splitlines() if "/" in line] == [], "neither a URL nor a path of one's machine"


def test_conda_and_binder_take_everything_but_python_and_pip_from_the_lock():
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
    names = {re.split("[=>]", line)[0]: re.split("[=>]+", line)[1] for line in environment["dependencies"]}
    assert names.keys() == {"python", "pip"}, "other packages come from the lock"
    assert names["python"] in SpecifierSet(PYPROJECT["project"]["requires-python"])
    built = (PROJECT / "postBuild").read_text(encoding="utf-8")
    assert "pip install --require-hashes --no-deps -r requirements.lock" in built
    assert "pip install --no-deps --no-build-isolation -e ." in built


def imports_of(path: Path) -> set[str]:
    """Return the modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


ELSEWHERE = {"__init__", "__main__", "cli", "errors", "prediction", "progress", "serving", "workflow"}
FLOOR = {
    path.stem for path in (*PACKAGE.glob("*.py"), *(init.parent for init in PACKAGE.glob("*/__init__.py")))
} - ELSEWHERE


def room(module: str) -> str:
    """Return the room of the house that a module of iris_lab is in."""
    parts = module.split(".")
    return "floor" if parts[1:2] and parts[1] in FLOOR else parts[1] if parts[1:] else "package"


ALLOWED = {
    "errors": set(),
    "floor": {"errors", "floor"},
    "prediction": {"errors", "floor", "prediction"},
    "progress": set(),
    "serving": {"errors", "floor", "prediction", "serving"},
    "workflow": {"errors", "floor", "workflow"},
    "cli": {"errors", "floor", "prediction", "progress", "serving", "workflow", "cli"},
    "__main__": {"cli"},
    "package": set(),
}
OWNERS = {
    "papermill": "workflow",
    "nbconvert": "workflow",
    "flask": "serving",
    "seaborn": "figures",
    "matplotlib": "figures",
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path):
    here = room(name_of(path))
    wrong = {
        module
        for module in imports_of(path)
        if module.startswith("iris_lab.") and room(module) not in ALLOWED[here] | {"package", "__version__", "__date__"}
    }
    assert wrong == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_heavy_library_has_one_owner(path):
    name = name_of(path)
    for library, owner in OWNERS.items():
        imported = any(module.split(".")[0] == library for module in imports_of(path))
        assert not imported or name.split(".")[1] == owner, f"only {owner} imports {library}"


def test_there_is_no_import_cycle():
    known = {name_of(path) for path in MODULES}
    graph = {name_of(path): {m for m in imports_of(path) if m in known} - {"iris_lab"} for path in MODULES}
    while graph:
        free = {name for name, needs in graph.items() if not needs & graph.keys()}
        assert free, f"a cycle among {sorted(graph)}"
        graph = {name: needs for name, needs in graph.items() if name not in free}


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, iris_lab, iris_lab.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "pandas", "sklearn", "matplotlib", "flask", "papermill", "nbformat"} & set(loaded) == set()


def test_a_quick_verification_imports_neither_numbers_nor_notebooks():
    code = "import sys, iris_lab.workflow.verification; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "pandas", "PIL", "nbformat", "papermill", "rocrate"} & set(loaded) == set()


def test_help_takes_less_than_0_3_s_of_cpu():
    code = (
        "import resource, subprocess, sys;"
        "subprocess.run([sys.executable, '-m', 'iris_lab', '--help'], stdout=subprocess.DEVNULL, check=True);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    assert min(float(run.stdout) for run in runs) < 0.3


def test_notebooks_import_the_floor_and_the_endpoint_only():
    import nbformat

    for path in sorted((PROJECT / "notebooks").glob("*.ipynb")):
        code = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")
        names = set(re.findall(r"iris_lab\.?(\w*)", code)) - {""}
        assert names <= FLOOR | {"serving", "errors"}, path.name


def test_package_change_log_and_citation_name_one_release():
    (version, date) = re.search(r"^## (\S+) \((\S+)\)$", (PROJECT / "CHANGELOG.md").read_text(), flags=re.M).groups()
    assert (version, date) == (iris_lab.__version__, iris_lab.__date__)
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], str(citation["date-released"])) == (version, date)


def test_a_release_writes_them(tmp_path):
    for name in ("iris_lab/__init__.py", "CHANGELOG.md", "CITATION.cff", ".ci/release.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    release = [sys.executable, str(tmp_path / ".ci/release.py")]
    refused = subprocess.run([*release, "next"], capture_output=True, text=True)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    subprocess.run([*release, "9.8.7"], check=True)
    package = (tmp_path / "iris_lab/__init__.py").read_text()
    today = datetime.now(UTC).date().isoformat()
    assert '__version__ = "9.8.7"' in package and f'__date__ = "{today}"' in package
    assert f"## 9.8.7 ({today})" in (tmp_path / "CHANGELOG.md").read_text()
    assert f"version: 9.8.7\ndate-released: {today}" in (tmp_path / "CITATION.cff").read_text()
