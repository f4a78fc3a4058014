"""scripts/study.py on synthetic images: each contender has its row, and what is there is not done again.

  study_test.py STUDY.PY BUILD WORK
"""
import pathlib
import shutil
import subprocess
import sys

study, build, work = sys.argv[1:]
SMALL = ["--channels", "4", "--cells", "3", "--batch-size", "8"]
TRIED_ALONE = " ".join(SMALL) + " --epochs 1"
SEARCH = "--population 4 --parents 2 --mutants 2 --crossovers 2 --generations 1"


def run():
    found = subprocess.run(
        [sys.executable, study, "found", "--build", build, "--out", work, "--space", "darts-cifar", "--data", "synthetic:16",
         "--eval", "synthetic:8", "--seeds", "1", "--epochs", "1", "--contenders", "random:op-angle-sum", "true:pc-darts",
         ":macs", "--random", "1", "--search", SEARCH, "--differentiable", "--batch-size 4 --begin 0", "--retrain", TRIED_ALONE,
         "--", *SMALL], check=True, capture_output=True, text=True)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found.stdout.splitlines() if line.startswith("|")]
    return rows[2:], sum(line.startswith("+ ") for line in found.stderr.splitlines())


shutil.rmtree(work, ignore_errors=True)
rows, programs = run()
assert [row[0] for row in rows] == ["random-op-angle-sum", "true-pc-darts", "macs", "random"], rows
for name, networks, top1, size, cost in rows:
    assert networks == "1" and 0 <= float(top1) <= 100, (name, networks, top1)
    assert all(float(number) > 0 for number in size.split("/")), (name, size)
    assert (cost == "") == (name == "random"), (name, cost)
assert programs == 2 + 3 + 4 * 2, programs  # two trainings, searches and the draw, each architecture trained and described
assert run() == (rows, 0)
assert (pathlib.Path(work) / "found.md").read_text().count("\n") == 2 + len(rows)
