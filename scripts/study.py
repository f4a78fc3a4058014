#!/usr/bin/env python3
"""Studies, each one table (Python 3, nothing else): the first four of rankings on NAS-Bench-201.

  scripts/study.py indicators --supernet runs/a    every indicator, and the sums, on the same cells
  scripts/study.py labels     --data cifar10:DIR   labels {true, random} x {accuracy, angle}: Table 1
  scripts/study.py ablations  --data cifar10:DIR   random labels: classes, images, noise; --transfer DATA: other images
  scripts/study.py epochs     --data cifar10:DIR   true labels: accuracy by how long the SuperNet trained
  scripts/study.py found      --data idx:DIR --space file:spaces/fashion.json
                              what searches find, and random architectures, trained by themselves; any space

Common options: --out DIR (runs and tables; what is there is not done again), --build DIR, --cells N (a random sample for
what takes passes; 0: all), --epochs N, --seeds N, and anything behind -- goes to rlnas_train. Tables are
Markdown on standard output and as OUT/NAME.md: tau-b over all cells, over those without unreachable operations, within
groups of equal MACs; Spearman; the found cell's accuracy. Mean and standard deviation over seeds.

`found`: --contenders LABELS:SCORE, :SCORE (without a SuperNet), or LABELS:pc-darts and LABELS:darts with
--differentiable "OPTIONS" for their training; --random N architectures a seed, those of `--method random`; --arch
NAME=ARCH. --method of the searches; --search "OPTIONS" for them, --limits "OPTIONS" for them and for random draws
(--max-mflops, --max-params), --retrain "OPTIONS" for training by themselves. The cost of a search is in CPU seconds,
training of its SuperNet included.
"""
import argparse
import csv
import json
import pathlib
import resource
import shlex
import statistics
import subprocess
import sys
import time

COLUMNS = ["c10_test200", "c100_test200", "in16_test200"]
COUNTED = ["macs", "params", "layers"]
TURNED = ["angle", "op-angle-sum"]
MEASURED = ["synflow", "naswot", "jacov", "grad-norm", "snip", "zico", "grad-sign", "gradient-snr", "vkdnw", "swap", "meco",
            "az-expressivity", "az-progressivity", "az-trainability", "contrast", "az-nas", "az-nas+synflow", "vkdnw-aggregate",
            "label-free"]
CLASSES = [100, 1000]
IMAGES = [1000, 5000]
ALL_IMAGES = 25000
EPOCHS = [3, 10, 30]
DIFFERENTIABLE = ["pc-darts", "darts"]


def cpu_seconds_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Study:
    def __init__(self, options, extra):
        self.options, self.extra = options, extra
        self.out = pathlib.Path(options.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.apps = pathlib.Path(options.build) / "apps"

    def run(self, program, *arguments):
        command = [str(self.apps / program), *map(str, arguments)]
        print("+", " ".join(command), file=sys.stderr, flush=True)
        before = cpu_seconds_of_children()
        subprocess.run(command, check=True, stdout=sys.stderr)
        return cpu_seconds_of_children() - before

    def data(self):
        return ["--data", self.options.data]

    def supernet(self, name, *arguments):
        """A trained SuperNet's directory."""
        directory = self.out / name
        if not (directory / "done").exists():
            epochs = ["--epochs", self.options.epochs] if self.options.epochs and "--epochs" not in arguments else []
            cpu_seconds = self.run("rlnas_train", "--out", directory, *epochs, *self.extra, *arguments)
            (directory / "done").write_text(str(cpu_seconds))
        return directory

    def supernets(self, name, *arguments, data=None):
        """One of each seed."""
        return [self.supernet(f"{name}-{seed}", "--seed", seed, *(data or self.data()), *arguments)
                for seed in range(self.options.seeds)]

    def search(self, name, score, *arguments, sampled=False, book="scores"):
        """A search's report. Measured values are kept in OUT/BOOK, and taken from there by the searches that follow."""
        report, kept = self.out / f"{name}.json", self.out / book
        if not report.exists():
            method = ["--method", "exhaustive"]
            if sampled and self.options.cells > 0:
                method = ["--method", "random", "--population", self.options.cells, "--generations", 1]
            if (kept / "scores.csv").exists():
                method += ["--scores", kept / "scores.csv"]
            start = time.time()
            self.run("rlnas_search", "--score", score, "--truth", self.options.truth, "--json", report, "--out", kept,
                     *method, *arguments)
            found = json.loads(report.read_text())
            found["seconds"] = time.time() - start
            report.write_text(json.dumps(found))
        return json.loads(report.read_text())

    def table(self, name, heading, lines):
        text = "\n".join(["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)] +
                         ["| " + " | ".join(line) + " |" for line in lines]) + "\n"
        (self.out / f"{name}.md").write_text(text)
        print(text)


def three(values, digits=3):
    """c10/c100/in16 of one number or of several seeds' numbers."""
    def one(column):
        column = [value for value in column if value == value]  # NaN: there is none
        if not column:
            return "-"
        text = f"{statistics.mean(column):.{digits}f}"
        return text + (f" ({statistics.stdev(column):.{digits}f})" if len(column) > 1 else "")
    return " / ".join(one(column) for column in zip(*values))


def numbers(report, key, population=None):
    """A figure of the score searched for, for each column."""
    figures = []
    for column in COLUMNS:
        entry = report["correlation"][column]
        entry = entry[population] if population else entry
        figures.append(entry[key] if entry[key] is not None else float("nan"))
    return figures


HEADING = ["all cells, tau-b", "Spearman", "no unreachable operations, tau-b", "groups of equal MACs, tau-b", "found cell, %",
           "best of the top 10, %"]


def row(reports):
    return [three([numbers(r, "kendall_tau_b") for r in reports]), three([numbers(r, "spearman") for r in reports]),
            three([numbers(r, "kendall_tau_b", "live") for r in reports]),
            three([numbers(r, "kendall_tau_b", "equal_macs") for r in reports]),
            three([[r["best"]["truth"][c]["accuracy"] for c in COLUMNS] for r in reports]),
            three([[r["top_truth"][c]["best"] for c in COLUMNS] for r in reports])]


def study_indicators(study):
    lines = []
    supernet = ["--supernet", study.options.supernet] if study.options.supernet else ["--space", "nasbench201"]
    for score in COUNTED + (TURNED if study.options.supernet else []) + MEASURED:
        report = study.search(f"indicator-{score}", score, *supernet, sampled=score in MEASURED)
        computed = report["networks_computed"]
        cost = f"{1000 * report['seconds'] / computed:.0f}" if computed > 0 else ""
        lines.append([score, str(report["evaluations"]), *row([report]), cost])
    study.table("indicators", ["score", "cells", *HEADING, "ms a network"], lines)


def study_labels(study):
    lines = []
    for labels in ["true", "random"]:
        nets = study.supernets(labels, "--labels", labels)
        for score in ["accuracy", "angle", "op-angle-sum"]:
            reports = [study.search(f"{net.name}-{score}", score, "--supernet", net, sampled=score == "accuracy",
                                    book=f"{net.name}-scores") for net in nets]
            lines.append([labels, score, str(reports[0]["evaluations"]), *row(reports)])
    study.table("labels", ["labels", "score", "cells", *HEADING], lines)


def study_ablations(study):
    """All SuperNets take as many steps as one of `--epochs` over 25,000 images."""
    lines = []

    def add(about, name, *arguments, data=None):
        nets = study.supernets(name, "--labels", "random", *arguments, data=data)
        for score in TURNED:
            reports = [study.search(f"{net.name}-{score}", score, "--supernet", net) for net in nets]
            lines.append([about, score, *row(reports)])

    add("all images, their number of classes", "random")
    for classes in CLASSES:
        add(f"{classes} classes", f"classes-{classes}", "--label-classes", classes)
    for images in IMAGES:
        add(f"{images} images", f"images-{images}", "--images", images, "--epochs",
            study.options.epochs * ALL_IMAGES // images)
    add("noise for images", "noise", data=["--data", f"noise:{ALL_IMAGES}"])
    for i, data in enumerate(study.options.transfer):
        add(f"{data.partition(':')[0]} {i + 1}", f"transfer-{i + 1}", "--images", ALL_IMAGES, data=["--data", data])
    study.table("ablations", ["SuperNet", "score", *HEADING], lines)


def study_epochs(study):
    """Each of its own schedule to the end."""
    lines = []
    for epochs in EPOCHS:
        nets = study.supernets(f"true-{epochs}-epochs", "--labels", "true", "--epochs", epochs)
        for recalibration in [[], ["--recalibration-batches", 0]]:
            kind = "without" if recalibration else "with"
            reports = [study.search(f"{net.name}-accuracy-{kind}", "accuracy", "--supernet", net, *recalibration,
                                    sampled=True, book=f"{net.name}-scores-{kind}") for net in nets]
            lines.append([str(epochs), kind, str(reports[0]["evaluations"]), *row(reports)])
    study.table("epochs", ["epochs", "recalibration", "cells", *HEADING], lines)


def study_found(study):
    """Contenders' architectures, one of each seed, and random ones, each trained by itself and tested."""
    options = study.options
    common = ["--space", options.space] if options.space else []
    limits = shlex.split(options.limits)
    entries, seconds = {}, {}

    def searched(name, seed, *arguments):
        report, kept = study.out / f"{name}-{seed}.json", study.out / f"{name}-{seed}.seconds"
        if not report.exists():
            kept.write_text(str(study.run("rlnas_search", *arguments, "--seed", seed, "--probe-seed", seed, "--json",
                                          report, "--csv", report.with_suffix(".csv"), "--out", study.out)))
        return json.loads(report.read_text())["best"]["arch"], float(kept.read_text())

    def trained(name, seed, labels, *arguments):
        run = study.supernet(name, "--seed", seed, "--labels", labels, *common, *study.data(), *arguments)
        return run, float((run / "done").read_text() or "nan")

    for contender in options.contenders:
        labels, _, score = contender.partition(":")
        name = contender.replace(":", "-").strip("-")
        for seed in range(options.seeds):
            training_seconds = search_seconds = 0.0
            if score in DIFFERENTIABLE:
                run, training_seconds = trained(f"{name}-{seed}", seed, labels, "--method", score,
                                                *shlex.split(options.differentiable))
                arch = (run / "genotype.txt").read_text().strip()
            else:
                net = common
                if labels:
                    run, training_seconds = trained(f"{labels}-{seed}", seed, labels)
                    net = ["--supernet", run]
                arch, search_seconds = searched(name, seed, *net, "--score", score, "--method", options.method, *limits,
                                                *shlex.split(options.search))
            seconds.setdefault(name, []).append(training_seconds + search_seconds)
            entries.setdefault(name, []).append((seed, arch))
    for seed in range(options.seeds if options.random > 0 else 0):
        searched("random-architectures", seed, *common, *limits, "--score", "macs", "--method", "random", "--generations",
                 1, "--population", options.random)
        with open(study.out / f"random-architectures-{seed}.csv") as table:
            entries.setdefault("random", []).extend((seed, row["arch"]) for row in csv.DictReader(table))
    for named in options.arch:
        name, _, arch = named.partition("=")
        entries[name] = [(seed, arch) for seed in range(options.seeds)]

    def retrained(name, index, seed, arch):
        run = study.out / f"alone-{name}-{index}"
        if not (run / "done").exists():
            study.run("rlnas_train", *common, "--arch", arch, *study.data(), "--eval", options.eval or options.data,
                      "--seed", seed, "--out", run, *shlex.split(options.retrain))
            (run / "done").touch()
        tests = [event for event in map(json.loads, open(run / "events.jsonl")) if event["event"] == "test"]
        described = study.out / f"alone-{name}-{index}.json"
        if not described.exists():
            study.run("rlnas_search", *common, "--describe", arch, "--json", described)
        return 100.0 * tests[-1]["top1"], json.loads(described.read_text())

    lines = []
    for name, found in entries.items():
        results = [retrained(name, i, seed, arch) for i, (seed, arch) in enumerate(found)]
        size = [[about["macs"] / 1e6, about["params"] / 1e6] for _, about in results]
        cost = f"{statistics.mean(seconds[name]):.0f}" if name in seconds else ""
        lines.append([name, str(len(found)), three([[top1] for top1, _ in results], 2), three(size, 2), cost])
    study.table("found", ["found by", "networks", "top-1, %", "M MACs / M parameters", "CPU s a search"], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=["indicators", "labels", "ablations", "epochs", "found"])
    parser.add_argument("--truth", default="nasbench201", help="a table of true accuracies (default: the built-in one)")
    parser.add_argument("--data", help="of SuperNets, as in rlnas_train")
    parser.add_argument("--transfer", nargs="*", default=[], help="other images of ablations, as --data has them")
    parser.add_argument("--space", help="of found (default: nasbench201)")
    parser.add_argument("--eval", help="of found: test images (default: the test part of --data)")
    parser.add_argument("--contenders", nargs="*", default=["random:angle", "random:op-angle-sum", ":macs"])
    parser.add_argument("--arch", nargs="*", default=[], metavar="NAME=ARCH")
    parser.add_argument("--random", type=int, default=2)
    parser.add_argument("--method", default="evolution")
    parser.add_argument("--search", default="", metavar="OPTIONS")
    parser.add_argument("--differentiable", default="", metavar="OPTIONS")
    parser.add_argument("--limits", default="", metavar="OPTIONS")
    parser.add_argument("--retrain", default="", metavar="OPTIONS")
    parser.add_argument("--supernet", help="of the angles, a run directory")
    parser.add_argument("--out", default="study")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--cells", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="of SuperNets (default: 3; of found: the space's own)")
    parser.add_argument("--seeds", type=int, default=3)
    options, extra = parser.parse_known_args()
    if options.study != "found":
        options.epochs = options.epochs or 3
    if options.study != "indicators" and not options.data:
        parser.error("--data: what do the SuperNets train on?")
    studies = {"indicators": study_indicators, "labels": study_labels, "ablations": study_ablations,
               "epochs": study_epochs, "found": study_found}
    studies[options.study](Study(options, [e for e in extra if e != "--"]))


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
