#!/usr/bin/env python3
"""Mutation testing: which small mistakes in a source file do its tests not notice?

  scripts/mutate.py [--build DIR] [--limit N] [--seed S] [--filter PATTERN] TARGET SOURCE...

Makes one small change after the other in each SOURCE (a comparison, a sign, a constant, a statement left out), builds
TARGET, which is a test program of that name, runs it, and puts the file back. A change that the compiler refuses or
that makes a test fail is killed; the others are printed: each is a line that no test of TARGET looks at, or a change
that means the same. --limit: so many of all, drawn by chance.
"""
import argparse
import pathlib
import random
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What stands there, and what is put there instead. One at a time.
SWAPS = [
    (r' < ', [' <= ']), (r' <= ', [' < ']), (r' > ', [' >= ']), (r' >= ', [' > ']),
    (r' == ', [' != ']), (r' != ', [' == ']), (r' && ', [' || ']), (r' \|\| ', [' && ']),
    (r' \+ ', [' - ']), (r' - ', [' + ']), (r' \* ', [' + ']), (r' / ', [' * ']),
    (r' \+= ', [' -= ']), (r' -= ', [' += ']), (r' \*= ', [' += ']), (r'\+\+', ['--']), (r'--(?=\w)', ['++']),
    (r'\btrue\b', ['false']), (r'\bfalse\b', ['true']), (r'\bstd::max\b', ['std::min']), (r'\bstd::min\b', ['std::max']),
    (r'(?<![\w.])0(?![\w.])', ['1']), (r'(?<![\w.])1(?![\w.])', ['0', '2']), (r'\b0\.0f?\b', ['1.0']),
    (r'\b1\.0f?\b', ['0.0']), (r'!(?=[a-z(])', ['']), (r'\bcontinue;', [';']), (r'\bbreak;', [';']),
]
STATEMENT = re.compile(r'^\s+[\w:.\[\]>()*-]+(?:\(.*\)| [-+*]?= .*);$')  # a call or an assignment on a line of its own
SKIPPED = re.compile(r'^\s*(//|#|namespace|using|static_assert|constexpr .*\*|RLNAS_CHECK|fail\()')


def mutants_of(path):
    lines = path.read_text().split('\n')
    for number, line in enumerate(lines):
        code = line.split('//')[0].rstrip()
        if not code.strip() or SKIPPED.match(code):
            continue
        places = [m.span() for m in re.finditer(r'"(?:[^"\\]|\\.)*"', code)]
        for pattern, replacements in SWAPS:
            for match in re.finditer(pattern, code):
                if any(a <= match.start() < b for a, b in places):
                    continue
                for replacement in replacements:
                    yield number, code[:match.start()] + replacement + code[match.end():]
        if STATEMENT.match(code) and 'return' not in code:
            yield number, re.match(r'\s*', code).group() + ';'


def run(command, seconds):
    """Whether it succeeded; None: it did not end in time."""
    try:
        return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=seconds).returncode == 0
    except subprocess.TimeoutExpired:
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--build', default='build/release')
    parser.add_argument('--limit', type=int, default=0)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--filter', default='', help="doctest's -tc=")
    parser.add_argument('--timeout', type=float, default=120.0, help='seconds for a run of the tests')
    parser.add_argument('target')
    parser.add_argument('sources', nargs='+')
    options = parser.parse_args()
    program = next(iter(sorted((ROOT / options.build / 'tests').glob('*/' + options.target))), None)
    if program is None:
        sys.exit(f'error: {options.target} is not built in {options.build}')
    test = [str(program)] + ([f'-tc={options.filter}'] if options.filter else [])
    build = ['ninja', '-C', options.build, options.target]
    if not run(build, 3600) or not run(test, options.timeout):
        sys.exit(f'error: {options.target} does not pass as it is')

    mutants = [(ROOT / source, *mutant) for source in options.sources for mutant in mutants_of(ROOT / source)]
    count = len(mutants)
    if options.limit and options.limit < count:
        mutants = sorted(random.Random(options.seed).sample(mutants, options.limit))
    killed = refused = 0
    survivors = []
    tried = 0
    for path, number, line in mutants:
        original = path.read_text()
        lines = original.split('\n')
        before, lines[number] = lines[number], line
        try:
            tried += 1
            path.write_text('\n'.join(lines))
            if not run(build, 600):
                refused += 1
            elif not run(test, options.timeout):
                killed += 1
            else:
                survivors.append(f'{path.relative_to(ROOT)}:{number + 1}\n  - {before.strip()}\n  + {line.strip()}')
                print(survivors[-1], flush=True)
        except KeyboardInterrupt:
            tried -= 1
            break
        finally:
            path.write_text(original)
    run(build, 3600)
    print(f'{tried} of {count} mutants: {killed} killed by tests, {refused} by the compiler, '
          f'{len(survivors)} live')


if __name__ == '__main__':
    main()
