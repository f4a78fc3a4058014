#!/usr/bin/env python3
"""What a build computes, as a few hashes: run it before and after a change that must not change a bit.

  scripts/fingerprint.py build/release >before        (Python 3, nothing else; some minutes)
  scripts/fingerprint.py build/other | diff before -

For each space and option: CRC-32 of the tensors after 20 steps on synthetic images (initial weights, weights and statistics),
of all or 200 angles, of the plan that --dry-run prints (memory included), and what --describe says of one architecture.
Hashes hold for one machine and instruction set.
"""
import os
import subprocess
import sys
import tempfile
import zlib

STEPS = 20
GENOTYPE = "5,4 6,0,5 4,0,0,7 0,7,6,0,0 | 5,6 4,0,5 0,6,0,4 0,1,5,0,0"
MOBILE = "2 0 -1 2 | 2 0 2 4 | 0 4 4 2 | 4 2 4 2 | 0 0 0 2 | 2"
SMALL = ["--data", "synthetic:96", "--image-size", "32", "--batch-size", "16"]
LARGE = ["--data", "synthetic:24", "--image-size", "64", "--batch-size", "4"]
ONE = ["--labels", "true", "--epochs", "4"]

RUNS = {
    "nasbench201": ["--space", "nasbench201"] + SMALL,
    "nasbench201 direct": ["--space", "nasbench201", "--conv-algorithm", "direct"] + SMALL,
    "nasbench201 winograd": ["--space", "nasbench201", "--conv-algorithm", "winograd"] + SMALL,
    "nasbench201 per-net freeze": ["--space", "nasbench201", "--sampling", "per-net", "--unsampled", "freeze"] + SMALL,
    "nasbench201 megvii": ["--space", "nasbench201", "--compat", "megvii"] + SMALL,
    "nasbench201 arch": ["--space", "nasbench201", "--arch", "#6111"] + ONE + SMALL,
    "darts-cifar": ["--space", "darts-cifar"] + SMALL,
    "darts-cifar megvii": ["--space", "darts-cifar", "--compat", "megvii"] + SMALL,
    "darts-cifar arch": ["--space", "darts-cifar", "--arch", GENOTYPE, "--cells", "8", "--channels", "16"] + ONE + SMALL,
    "darts-imagenet": ["--space", "darts-imagenet"] + LARGE,
    "mobilenet": ["--space", "mobilenet"] + LARGE,
    "mobilenet clip": ["--space", "mobilenet", "--clip-norm", "1", "--clip-value", "0"] + LARGE,
    "mobilenet arch": ["--space", "mobilenet", "--arch", MOBILE] + ONE + LARGE,
}
ANGLES = {"nasbench201": ["--method", "exhaustive"]}
DESCRIBED = {"nasbench201": "#6111", "darts-cifar": GENOTYPE, "darts-imagenet": GENOTYPE, "mobilenet": MOBILE}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def crc_of_tensors(path):
    with open(path, "rb") as file:
        header = int.from_bytes(file.read(8), "little")
        file.seek(8 + header)
        return f"{zlib.crc32(file.read()):08x}"


def crc_of(text):
    return f"{zlib.crc32(text.encode()):08x}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    train, search = (os.path.join(sys.argv[1], "apps", name) for name in ("rlnas_train", "rlnas_search"))
    for name, options in RUNS.items():
        plan = run(train, *options, "--device", "cpu", "--dry-run")
        with tempfile.TemporaryDirectory() as out:
            run(train, *options, "--device", "cpu", "--steps", str(STEPS), "--out", out)
            row = [crc_of_tensors(f"{out}/{file}.safetensors") for file in ("init", "latest")] + [crc_of(plan)]
            if "--arch" not in options:
                csv = os.path.join(out, "angles.csv")
                method = ANGLES.get(options[1], ["--method", "random"])
                run(search, "--supernet", out, *method, "--csv", csv)
                with open(csv) as file:
                    row.append(crc_of(file.read()))
        print(f"{name:28}", *row, flush=True)
    for space, architecture in DESCRIBED.items():
        print(f"{space + ' describe':28}", crc_of(run(search, "--space", space, "--describe", architecture)), flush=True)


if __name__ == "__main__":
    main()
