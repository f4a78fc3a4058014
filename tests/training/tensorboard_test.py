"""The event files of a run that was stopped and went on, read by TensorBoard itself. Exit code 77: skipped, no such
package.

    tensorboard_test.py RLNAS_TRAIN
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

TAGS = {
    "step": {"loss": "loss", "learning_rate": "learning_rate", "accuracy": "accuracy", "images_per_s": "images_per_s"},
    "epoch": {"angle_mean_rad": "angle_rad/mean", "angle_min_rad": "angle_rad/min", "angle_max_rad": "angle_rad/max"},
}


def near(a, b):  # TensorBoard's numbers are float32
    return abs(a - b) <= 1e-6 * max(abs(a), abs(b))


with tempfile.TemporaryDirectory() as directory:
    run, board = os.path.join(directory, "run"), os.path.join(directory, "board")

    def train(*more):
        subprocess.run([sys.argv[1], "--data", "synthetic:64", "--image-size", "8", "--batch-size", "16", "--epochs", "2",
                        "--log-every", "1", "--device", "cpu", "--threads", "1", "--quiet", "--out", run,
                        "--tensorboard", board, *more], check=True)

    train("--steps", "3")
    kept = os.path.join(directory, "kept")
    shutil.copytree(run, kept)
    train("--resume", "auto", "--steps", "5")
    watching = EventAccumulator(board)  # as one that is open in a browser meanwhile
    watching.Reload()
    assert [e.step for e in watching.Scalars("loss")] == [1, 2, 3, 4, 5]
    shutil.rmtree(run)  # as if it had been killed before it saved step 5
    shutil.copytree(kept, run)
    train("--resume", "auto")
    watching.Reload()
    afterwards = EventAccumulator(board)
    afterwards.Reload()
    expected = {}
    with open(os.path.join(run, "events.jsonl")) as events:
        for event in map(json.loads, events):
            for key, tag in TAGS[event["event"]].items():
                expected.setdefault(tag, []).append((event["step"], event[key]))

for reader in (watching, afterwards):
    assert set(reader.Tags()["scalars"]) == set(expected), reader.Tags()
    for tag, values in expected.items():
        shown = reader.Scalars(tag)
        assert [e.step for e in shown] == [step for step, _ in values], (tag, shown)
        assert all(near(e.value, value) for e, (_, value) in zip(shown, values)), (tag, shown, values)
assert [step for step, _ in expected["loss"]] == list(range(1, 9)), expected
print("ok:", ", ".join(sorted(expected)))
