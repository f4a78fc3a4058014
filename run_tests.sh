#!/usr/bin/env bash
# Builds everything and runs all tests, from nothing: installs what is missing (Debian 12, root or sudo).
#
#   ./run_tests.sh                    the release build
#   ./run_tests.sh PRESET             another: debug, asan, ubsan, asan-ubsan; avx2 (as on a machine that has no more);
#                                     tsan (ThreadSanitizer, over what has threads; whole runs: tsan whole_runs_test);
#                                     coverage (which lines are reached: docs/proofs.md)
#   ./run_tests.sh all-cpus           release, then avx2
#   ./run_tests.sh PRESET SUITE...    these suites alone: ./run_tests.sh asan-ubsan engine_test data_test
#
# RLNAS_REQUIRE=cuda,mpi,... makes it an error that one of these is missing; otherwise the tests that need it are skipped.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

run_suites() {  # PRESET SUITE...
  local preset=$1 targets=() only=() cuda
  shift
  if [ $# -gt 0 ]; then
    targets=(--target "$@")
    only=(--tests-regex "^($(IFS='|'; echo "$*")):")
  elif [ "$preset" = tsan ]; then
    only=(--exclude-regex '^whole_runs_test')  # minutes long, and not built
  fi
  phase "configure $preset"
  case $preset in
    release | debug | asan | ubsan) cuda=("-DRLNAS_CUDA=${RLNAS_CUDA:-AUTO}") ;;  # quickstart.sh may have left it out
    *) cuda=() ;;
  esac
  configure "$preset" -DRLNAS_BUILD_TESTS=ON "-DRLNAS_REQUIRE=${RLNAS_REQUIRE:-}" "${cuda[@]}"
  phase "build $preset"
  echo "building (build/$preset)"
  build "$preset" "${targets[@]}"
  phase "test $preset"
  if ! ctest --preset "$preset" --parallel "$(nproc)" --no-tests=error "${only[@]}" \
       --output-junit "$PWD/build/$preset/tests.xml"; then
    print_times
    exit 1
  fi
}

preset=${1:-release}
[ $# -eq 0 ] || shift
case $preset in
  -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
  all-cpus) presets="release avx2" ;;
  release | avx2 | debug | asan | ubsan | asan-ubsan | tsan | coverage) presets=$preset ;;
  *) echo "error: no preset '$preset': see ./run_tests.sh --help" >&2; exit 2 ;;
esac

phase packages
# shellcheck disable=SC2086
need_packages $BUILD_PACKAGES doctest-dev libboost-context-dev
try_packages libopenmpi-dev openmpi-bin || echo "no MPI: its tests are skipped"
try_packages python3-numpy python3-pip pkg-config || echo "no NumPy, pip or pkg-config: their tests are skipped"
for preset in $presets; do run_suites "$preset" "$@"; done
print_times
