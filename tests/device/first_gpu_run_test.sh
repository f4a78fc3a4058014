#!/usr/bin/env bash
# scripts/first_gpu_run.sh rehearsed on the simulated device: a good one, one that fails, none, and no time.
#   first_gpu_run_test.sh BUILD-DIRECTORY
set -uo pipefail
build=$1
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cd "$(dirname "$0")/../.." || exit 1
parts="machine tests profile-nasbench201 profile-nasbench201-graphs angle sanitizer pytorch-nasbench201"
bad=0

complain() {
  echo "FAILED: $1"
  bad=1
}

rehearse() {  # NAME EXPECTED-EXIT-CODE OPTION...
  local name=$1 expected=$2 got=0
  shift 2
  scripts/first_gpu_run.sh --rehearse --build "$build" --out "$work/$name" "$@" >"$work/said" 2>&1 || got=$?
  [ "$got" -eq "$expected" ] || { complain "$name: exit code $got, not $expected"; cat "$work/said" "$work/$name"/*.txt; }
}

all_parts_tried() {  # NAME
  for part in $parts; do
    grep -q "^| $part | " "$work/$1/report.md" || complain "$1: no line for $part"
    [ -s "$work/$1/$part.txt" ] || [ "$2" = may-be-silent ] || complain "$1: $part said nothing"
  done
}

rehearse good 0
all_parts_tried good must-speak
grep -q "^| tests | ok |" "$work/good/report.md" || complain "good: the tests are not ok"
grep -q "where the time of a step goes" "$work/good/profile-nasbench201.txt" || complain "good: no profile"
grep -q "Simulated NVIDIA H100" "$work/good/machine.txt" || complain "good: no device named"

SIMULATED_GPU="devices=2 fail=launch:30" rehearse broken 1
all_parts_tried broken must-speak
grep -q "^| profile-nasbench201 | \*\*failed\*\* |" "$work/broken/report.md" || complain "broken: nothing failed"
grep -q "^| machine | ok |" "$work/broken/report.md" || complain "broken: the machine could be described"

rehearse hasty 1 --minutes 0.002
all_parts_tried hasty may-be-silent
grep -q "took longer than" "$work/hasty/report.md" || complain "hasty: nothing was stopped"

SIMULATED_GPU="presence=no_driver" rehearse absent 4
[ "$(wc -l <"$work/said")" -eq 1 ] || complain "absent: more than a line"
[ ! -e "$work/absent" ] || complain "absent: a report of nothing"
exit $bad
