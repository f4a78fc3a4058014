#!/usr/bin/env bash
# Trains a SuperNet on random labels and searches it, from nothing: installs what is missing (Debian 12, root or
# sudo), builds, trains on real images for about a minute, searches, and prints what was found.
#
#   ./quickstart.sh                          Fashion-MNIST from Debian's own package, or a built-in synthetic set
#   ./quickstart.sh --data cifar10:DIR       the same on CIFAR-10; --data folder:DIR: on a folder of photographs
#   ./quickstart.sh --score angle            search by the published angle instead of op-angle-sum
#   ./quickstart.sh [rlnas_train options]    --epochs 10, --labels true, ...: win over those chosen here
set -euo pipefail
cd "$(dirname "$0")"
. scripts/setup.sh

data="" space=nasbench201
arguments=() score=op-angle-sum
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --score) score=${2:-}; shift 2 || shift; continue ;;
    --score=*) score=${1#--score=}; shift; continue ;;
    --data) data=${2:-} ;;
    --data=*) data=${1#--data=} ;;
    --space) space=${2:-} ;;
    --space=*) space=${1#--space=} ;;
  esac
  arguments+=("$1")
  shift
done

phase packages
# shellcheck disable=SC2086
need_packages $BUILD_PACKAGES
if [ -z "$data" ]; then
  fashion=/usr/share/datasets/fashion-mnist
  if try_packages dataset-fashion-mnist && [ -d $fashion ]; then
    arguments=(--data "idx:$fashion" "${arguments[@]}")
    echo "data: Fashion-MNIST ($fashion)"
  else
    arguments=(--data synthetic "${arguments[@]}")
    echo "data: the package dataset-fashion-mnist cannot be had, so a built-in synthetic set is used"
  fi
fi

has_nvidia_driver() {
  [ -e /dev/nvidiactl ] || command -v nvidia-smi >/dev/null || PATH=$PATH:/sbin ldconfig -p | grep -q 'libcuda\.so\.1'
}

phase configure
options=(-DRLNAS_BUILD_TESTS=OFF -DRLNAS_REQUIRE=)
if [ -n "${RLNAS_CUDA:-}" ]; then
  options+=("-DRLNAS_CUDA=$RLNAS_CUDA")
elif [ ! -e build/release/CMakeCache.txt ] && ! has_nvidia_driver; then
  echo "no NVIDIA driver: the CUDA backend is left out (RLNAS_CUDA=ON $0 builds it)"
  options+=(-DRLNAS_CUDA=OFF)
fi
configure release "${options[@]}"
phase build
echo "building (build/release)"
build release --target rlnas_train rlnas_search

run=runs/quickstart
for ((n = 2; ; ++n)); do
  [ -e "$run" ] || break
  run=runs/quickstart-$n
done
phase train
case $data in  # about as many steps; of one's own images there may be few
  folder:* | npy:*) short=(--epochs 40 --steps 316) ;;
  *) short=(--images 5000 --epochs 4) ;;
esac
build/release/apps/rlnas_train "${short[@]}" --out "$run" "${arguments[@]}"
phase search
search=(--supernet "$run" --score "$score" --json "$run/search.json" --csv "$run/architectures.csv" --report "$run/report")
[ "$space" != nasbench201 ] || search+=(--truth nasbench201)
build/release/apps/rlnas_search "${search[@]}"
[ "$score" != op-angle-sum ] || cat <<'EOF'

Searched by op-angle-sum, the sum of each operation's own angle, because it agrees better with the true accuracies than
the angle of the whole network, which is the published score: ./quickstart.sh --score angle searches by that one.
EOF
echo "report:  $run/report/report.html (open it in a browser)"
echo "results: $run (search.json, architectures.csv, events.jsonl, latest.safetensors)"
print_times
