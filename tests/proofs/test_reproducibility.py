"""Equal runs give equal bytes, whatever surrounds them; the scripts beside it say so, one line a variation."""

import shutil
import subprocess
import sys

import pytest

from iris_lab.modeling import MODELS
from iris_lab.place import HOME as PROJECT

pytestmark = pytest.mark.slow
KINDS = ("a", '"b, c"', "Ć")
TABLE = "width (mm),mass (g),kind\n" + "".join(
    f"{5 + row % 7 * 0.3 + row // 30},{3 + row % 5 * 0.2 + row // 30},{KINDS[row // 30]}\n" for row in range(90)
)
AT_ONCE = "everything, ordinary kernels"  # against the reference, which is forked and undisturbed


def vary(*names, parameters=()):
    flags = [flag for parameter in parameters for flag in ("-p", parameter)]
    command = [sys.executable, PROJECT / "tests" / "proofs" / "reproducibility.py", *names, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_default_report_survives_every_kind_of_disturbance():
    names = ["everything", AT_ONCE, "everything, papermill", "another user", "killed and started again"]
    lines = vary(*names)
    assert len(lines) == len(names)
    assert all("files identical" in line for line in lines if not line.startswith("another user"))


@pytest.mark.parametrize("model", sorted(set(MODELS) - {"logistic", "svm", "forest"}))
def test_each_model_survives_them_all_at_once(model):
    assert ["files identical" in line for line in vary(AT_ONCE, parameters=[f"model={model}"])] == [True]


def test_other_data_survive_them_all_at_once():
    lines = vary(AT_ONCE, "everything, papermill", parameters=["data=wine", "model=forest"])
    assert ["files identical" in line for line in lines] == [True, True]


def test_a_table_of_ones_own_survives_them_all_at_once(tmp_path):
    (tmp_path / "my table.csv").write_text(TABLE, encoding="utf-8")
    lines = vary(AT_ONCE, parameters=[f"data={tmp_path / 'my table.csv'}", "model=svm"])
    assert ["files identical" in line for line in lines] == [True]


def test_debians_reprotest_finds_no_difference_under_all_its_variations():
    if not shutil.which("reprotest"):
        pytest.skip("reprotest is not installed: apt-get install reprotest")
    done = subprocess.run([PROJECT / "tests" / "proofs" / "reprotest.sh"], capture_output=True, text=True, check=False)
    if done.returncode == 2:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert "No differences in ./out/run" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
