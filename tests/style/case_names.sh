#!/bin/sh
# A semicolon parts a test case's name in two in CMake's lists: CTest would ask doctest for a half, which is no case,
# and call that a success.
cd "$(dirname "$0")/../.." || exit 1
git ls-files 'tests/*.cpp' | xargs perl -0777 -ne '
  while (/TEST_CASE(?:_TEMPLATE)?\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)/g) { if (index($1, ";") >= 0) { print "$ARGV: $1\n"; $bad = 1 } }
  END { exit($bad ? 1 : 0) }'
