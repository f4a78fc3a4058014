#!/bin/sh
# No tracked file may name a folder that lies on somebody's machine alone, and none may be one that git ignores.
# Exit codes: 0 none does, 1 the lines that do, 77 not a git checkout.
cd "$(dirname "$0")/../.." || exit 1
if ! top=$(git rev-parse --show-toplevel 2>/dev/null) || [ "$top" != "$(pwd -P)" ]; then
  echo "skipped: not a git checkout"
  exit 77
fi

folders='home|root|work|tmp|data|mnt|opt|scratch|srv|var|Users|Volumes'

found=$(git grep -InE "(^|[^A-Za-z0-9_.~)}*-])/($folders)/" -- . ':!tests/style/machine_paths.sh')
ignored=$(git ls-files --cached --ignored --exclude-standard)
[ -z "$found$ignored" ] && exit 0
[ -z "$found" ] || printf 'paths of a machine:\n%s\n' "$found"
[ -z "$ignored" ] || printf 'tracked, but ignored by .gitignore:\n%s\n' "$ignored"
exit 1
