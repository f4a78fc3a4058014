#!/usr/bin/env bash
# Attacks every parser (tests/fuzz/) with made-up inputs, for so many seconds in all:
#
#   scripts/fuzz.sh SECONDS             all of them, one after the other
#   scripts/fuzz.sh SECONDS TARGET...   these alone: scripts/fuzz.sh 600 jpeg png
#
# What breaks one lies in build/fuzz/found/TARGET/ then; kept in tests/fuzz/found/TARGET/, it is a test. What was learnt
# is in build/fuzz/corpus/, from where the next run goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  "" | *[!0-9]*) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
seconds=$1
shift
. scripts/setup.sh
# shellcheck disable=SC2086
need_packages $BUILD_PACKAGES doctest-dev libclang-rt-14-dev
configure fuzz -DRLNAS_BUILD_TESTS=ON
build fuzz
fuzzers=$PWD/build/fuzz/tests/fuzz/fuzzers
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $("$fuzzers" 2>/dev/null || true)  # without a target it lists them
share=$((seconds / $# > 0 ? seconds / $# : 1))
[ -w /dev/shm ] && export TMPDIR=/dev/shm  # the files that parsers are given
export ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=4  # four times the inputs

failed=""
for target in "$@"; do
  corpus=build/fuzz/corpus/$target found=build/fuzz/found/$target log=build/fuzz/$target.log
  mkdir -p "$corpus" "$found"
  # A small file may not take much memory, whatever it says; for PNG what deflate can say in 4 kB counts.
  if ! RLNAS_FUZZ_TARGET=$target "$fuzzers" "$corpus" "tests/fuzz/corpus/$target" -max_total_time="$share" \
       -max_len=4096 -timeout=10 -malloc_limit_mb=128 -rss_limit_mb=1024 -artifact_prefix="$found/" \
       -print_final_stats=1 >"$log" 2>&1; then
    failed="$failed $target"
    grep -E -m 3 'ERROR|does not hold|SUMMARY' "$log" >&2 || tail -5 "$log" >&2
  fi
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  echo "$target: ${inputs:-?} inputs in $share s, $(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$log" | tail -1) features"
done
[ -z "$failed" ] || { echo "error: broken by an input in build/fuzz/found/:$failed" >&2; exit 1; }
