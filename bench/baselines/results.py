"""What the baseline scripts share: their results in Google Benchmark's shape."""
import json
import os


def write_results(rows, path, numpy, torch, **context):
    """rows: dicts, one per benchmark; path: a file, or empty for standard output; torch may be None."""
    context = {"numpy": numpy.__version__, "torch": torch.__version__ if torch is not None else "not installed",
               "num_cpus": os.cpu_count(), **context}
    text = json.dumps({"context": context, "benchmarks": rows}, indent=1)
    if path:
        with open(path, "w") as file:
            file.write(text + "\n")
    else:
        print(text)
