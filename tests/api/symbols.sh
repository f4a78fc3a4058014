# What a librlnas.so shows to others: the functions of the C ABI that exported_symbols.txt lists, all of them and in the
# version they came with, and beside them only what the C++ headers declare.
#   sh symbols.sh LIBRARY LIST
library=$1
list=$2
[ -f "$library" ] || { echo "no $library"; exit 1; }
all=$(nm -D --defined-only --with-symbol-versions "$library" | awk '{ print $3 }')
echo "$all" | grep '^rlnas_' | sed 's/@@.*//' | LC_ALL=C sort >symbols.found
LC_ALL=C sort "$list" >symbols.wanted
if ! diff symbols.wanted symbols.found; then
  echo "the C ABI has changed: what is gone breaks programs; what is new belongs into $list, in a version of its own"
  exit 1
fi
if echo "$all" | grep '^rlnas_' | grep -v '@@RLNAS_0\.1$'; then
  echo "of no version"
  exit 1
fi
strangers=$(echo "$all" | grep -v '^rlnas_' | sed 's/@@.*//' | grep -v '^RLNAS_' | c++filt | grep -v 'rlnas::')
if [ -n "$strangers" ]; then
  echo "shown by mistake: $strangers"
  exit 1
fi
[ "$(echo "$all" | grep -v '^rlnas_' | c++filt | grep -c 'rlnas::kernels::Device::run<')" -ge 30 ]
