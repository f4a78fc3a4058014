#!/usr/bin/env python3
"""Compares two Google-Benchmark JSON files: time of NEW over time of OLD for every benchmark in both.

Repeated runs of a benchmark are compared by their medians. Exit codes: 0; 1 when a ratio is above
1 + --threshold; 2 when the files have nothing in common or cannot be read.
"""
import argparse
import json
import statistics
import sys

NS_PER_UNIT = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


def medians_ns(path):
    """Median real time of each benchmark in the file, in its order."""
    try:
        with open(path) as file:
            rows = json.load(file)["benchmarks"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{path}: not a Google-Benchmark JSON file ({error})", file=sys.stderr)
        sys.exit(2)
    runs, aggregates = {}, {}
    for row in rows:
        if row.get("error_occurred"):
            continue
        time_ns = row["real_time"] * NS_PER_UNIT[row.get("time_unit", "ns")]
        if row.get("run_type") != "aggregate":
            runs.setdefault(row.get("run_name", row["name"]), []).append(time_ns)
        elif row.get("aggregate_name") == "median":
            aggregates[row["run_name"]] = time_ns
    # A file written with --benchmark_report_aggregates_only has medians alone.
    return {**aggregates, **{name: statistics.median(times) for name, times in runs.items()}}


def readable(time_ns):
    for unit in ("s", "ms", "us"):
        if time_ns >= NS_PER_UNIT[unit]:
            return f"{time_ns / NS_PER_UNIT[unit]:.3g} {unit}"
    return f"{time_ns:.3g} ns"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--threshold", type=float, default=0.05,
                        help="slowdown that fails, default %(default)s: 5 %%")
    args = parser.parse_args()
    old, new = medians_ns(args.old), medians_ns(args.new)
    common = [name for name in old if name in new]
    if not common:
        print(f"{args.old} and {args.new} have no benchmark in common", file=sys.stderr)
        return 2
    width = max(len(name) for name in common)
    slower = 0
    for name in common:
        ratio = new[name] / old[name]
        failed = ratio > 1.0 + args.threshold
        slower += failed
        print(f"{name:<{width}}  {readable(old[name]):>9} -> {readable(new[name]):>9}  x{ratio:.3f}"
              f"{'  slower' if failed else ''}")
    for path, only in ((args.old, old.keys() - new.keys()), (args.new, new.keys() - old.keys())):
        if only:
            print(f"only in {path}: {len(only)}")
    print(f"{slower} of {len(common)} slower by more than {100 * args.threshold:g} %")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
