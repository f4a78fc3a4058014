#!/usr/bin/env bash
# Builds everything and runs all tests, from nothing: installs what is missing (Debian 12, root or sudo).
#
#   ./run_tests.sh            the release build
#   ./run_tests.sh asan       under AddressSanitizer; likewise ubsan, debug
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

preset=${1:-release}
# shellcheck disable=SC2086
need_packages $BUILD_PACKAGES doctest-dev libboost-context-dev
try_packages libopenmpi-dev openmpi-bin || echo "no MPI: its tests are skipped"
configure "$preset" -DRLNAS_BUILD_TESTS=ON
cmake --build --preset "$preset"
ctest --preset "$preset" --parallel "$(nproc)"
