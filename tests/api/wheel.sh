# pip install of the Python package, with the library inside, and a look at what was installed.
#   sh wheel.sh PYTHON SOURCE LIBRARY WORK
python=$1 source=$2 library=$3 work=$4
"$python" -c 'import setuptools, pip, sys
major = int(setuptools.__version__.split(".")[0])
if major < 70: import wheel  # later ones have bdist_wheel themselves
sys.exit(major < 64)' 2>/dev/null ||
  { echo "rlnas-skipped: no pip with setuptools 64 and wheel (Debian: python3-pip)"; exit 77; }
rm -rf "$work" && mkdir -p "$work/source" || exit 1
# Building writes beside what it builds: not into the source tree.
cp -r "$source/python" "$source/CMakeLists.txt" "$work/source/" || exit 1
RLNAS_LIBRARY=$library "$python" -m pip install --quiet --no-index --no-build-isolation --no-deps \
  --disable-pip-version-check --target "$work/site" "$work/source/python" || exit 1
cd "$work" || exit 1
env -u RLNAS_LIBRARY PYTHONPATH="$work/site" "$python" -c '
import rlnas
assert rlnas.__file__.startswith("'"$work"'/site"), rlnas.__file__
assert rlnas.describe("#1462")["index"] == 1462
print(rlnas.version())'
