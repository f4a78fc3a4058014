#!/usr/bin/env python3
"""Mutation testing: which small mistakes in a source file do its tests not notice?

  scripts/mutate.py [--build DIR] [--limit N] [--seed S] [--filter PATTERN] [--files PATTERN] [--jobs N] TARGET SOURCE...

Makes one small change after the other in a copy of each SOURCE (a comparison, a sign, a constant, a statement left
out), compiles it, links it into TARGET, which is a test program of that name, in front of the library with its twin,
and runs that until the first failure. A change that the compiler refuses or that makes a test fail is killed; the
others are printed: each is a line that no test of TARGET looks at, or a change that means the same. --limit: so many
of all, drawn by chance. Nothing of the source tree or the build is touched.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile

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


def run(command, seconds, where):
    """Whether it succeeded; one that does not end in time did not."""
    fast = {'TMPDIR': '/dev/shm'} if os.access('/dev/shm', os.W_OK) else {}  # files that tests flush to disk
    try:
        return subprocess.run(command, cwd=where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=seconds, env=os.environ | fast).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def compile_command(build, source):
    """What compiles a source, and the object that it makes, relative to the build."""
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        if pathlib.Path(entry['file']) == source:
            words = [word for word in shlex.split(entry['command']) if not word.endswith('ccache')]
            return words + ['-O1'], words[words.index('-o') + 1]  # in two thirds of the time
    sys.exit(f'error: {source} is not compiled in {build}')


def link_command(build, target):
    lines = subprocess.run(['ninja', '-C', str(build), '-t', 'commands', target], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    for part in lines[-1].split(' && '):
        words = shlex.split(part)
        if '-o' in words and pathlib.Path(words[words.index('-o') + 1]).name == target:
            return words
    sys.exit(f'error: nothing links {target}')


def with_object(link, twin, own, program):
    """The command that links another object instead of its twin, or before the archive that has it."""
    link = [own if word == twin else word for word in link]
    if own not in link:
        link.insert(next(i for i, word in enumerate(link) if word.endswith('.a')), own)
    link[link.index('-o') + 1] = program
    return link


def fate_of(mutant, build, link, options):
    path, number, line = mutant
    lines = path.read_text().split('\n')
    before, lines[number] = lines[number], line
    command, twin = compile_command(build, path)
    with tempfile.TemporaryDirectory() as folder:
        source, own, program = (str(pathlib.Path(folder) / name) for name in (path.name, 'mutant.o', options.target))
        pathlib.Path(source).write_text('\n'.join(lines))
        command[command.index('-o') + 1] = own
        command[command.index('-c') + 1] = source
        if not run(command, 600, build) or not run(with_object(link, twin, own, program), 600, build):
            return 'refused', ''
        test = [program, '--abort-after=1', f'-tc={options.filter}', f'-sf={options.files}']
        if not run(test, options.timeout, folder):
            return 'killed', ''
    return 'live', f'{path.relative_to(ROOT)}:{number + 1}\n  - {before.strip()}\n  + {line.strip()}'


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--build', default='build/release')
    parser.add_argument('--limit', type=int, default=0)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--filter', default='*', help="doctest's -tc=, of test cases")
    parser.add_argument('--files', default='*', help="doctest's -sf=, of their files")
    parser.add_argument('--timeout', type=float, default=120.0, help='seconds for a run of the tests')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='mutants at a time')
    parser.add_argument('target')
    parser.add_argument('sources', nargs='+')
    options = parser.parse_args()
    build = ROOT / options.build
    if not run(['ninja', '-C', str(build), options.target], 3600, ROOT):
        sys.exit(f'error: {options.target} cannot be built in {options.build}')
    link = link_command(build, options.target)
    # Unchanged it has to pass.
    for source in options.sources:
        if fate_of((ROOT / source, 0, (ROOT / source).read_text().split('\n')[0]), build, link, options)[0] != 'live':
            sys.exit(f'error: {options.target} does not pass with {source} as it is')

    mutants = [(ROOT / source, *mutant) for source in options.sources for mutant in mutants_of(ROOT / source)]
    count = len(mutants)
    if options.limit and options.limit < count:
        mutants = sorted(random.Random(options.seed).sample(mutants, options.limit))
    fates = {'killed': 0, 'refused': 0, 'live': 0}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for fate, text in pool.map(lambda mutant: fate_of(mutant, build, link, options), mutants):
            fates[fate] += 1
            if text:
                print(text, flush=True)
    print(f'{sum(fates.values())} of {count} mutants: {fates["killed"]} killed by tests, {fates["refused"]} by the '
          f'compiler, {fates["live"]} live')


if __name__ == '__main__':
    main()
