#!/usr/bin/env bash
# The first run on a machine with a GPU: tests, benchmarks, a profile of each space, PyTorch beside it, in about ten
# minutes, all into one directory. Needs a build with tests and benchmarks, which takes longer than this:
#
#   . scripts/setup.sh; configure release -DRLNAS_BUILD_TESTS=ON -DRLNAS_BUILD_BENCH=ON -DRLNAS_CUDA=ON; build release
#   scripts/first_gpu_run.sh [--out DIR] [--build DIR] [--minutes M] [--python PYTHON]
#
# Begins with DIR/report.md (default: gpu-report), a line for each part; what it said lies beside it. A part that fails
# or takes longer than its share of the M minutes (10) does not stop the rest.
# Exit codes: 0 every part did what it should, 1 one did not, 2 usage or no such build, 4 no device.
# --rehearse: the same on the simulated device of tests/simulator, as little of each as shows that it runs.
# shellcheck disable=SC2317  # parts are called by name
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

out=gpu-report build=build/release minutes=10 python=python3 rehearse=""
while [ $# -gt 0 ]; do
  case $1 in
    --rehearse) rehearse=yes; shift; continue ;;
    -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --out | --build | --minutes | --python) [ $# -gt 1 ] || { echo "error: $1: a value is missing" >&2; exit 2; } ;;
    *) echo "error: no option '$1': see --help" >&2; exit 2 ;;
  esac
  case $1 in
    --out) out=$2 ;;
    --build) build=$2 ;;
    --minutes) minutes=$2 ;;
    --python) python=$2 ;;
  esac
  shift 2
done
[[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ ]] || { echo "error: --minutes: '$minutes' is not a number" >&2; exit 2; }

device_tests=device_test train=$build/apps/rlnas_train bench=$build/bench suffix=""
if [ "$rehearse" ]; then
  device_tests=device_rehearsal_test train=$build/tests/simulator/rlnas_train_sim bench=$build/tests/bench suffix=_sim
fi
tests=$build/tests/device/$device_tests
for program in "$tests" "$train"; do
  [ -x "$program" ] || { echo "error: $program is not built: see the first lines of $0" >&2; exit 2; }
done
if ! message=$("$train" --data synthetic:4 --device cuda --dry-run 2>&1 >/dev/null); then
  echo "error: ${message##*$'\n'}" >&2
  exit 4
fi

mkdir -p "$out" || exit 2
report=$out/report.md
failed=0
{
  echo "# First run on a GPU${rehearse:+: a rehearsal on the simulated device, whose times mean nothing}"
  echo
  echo "$(date -u +%FT%TZ), commit $(git describe --always --dirty 2>/dev/null || echo unknown)"
  echo
  echo "| part | result | s | what it said |"
  echo "|---|---|--:|---|"
} >"$report"

# part NAME SHARE COMMAND...: runs it for at most SHARE seconds of ten minutes. Exit code 77: skipped.
part() {
  local name=$1 limit start=$SECONDS result
  limit=$(awk -v share="$2" -v minutes="$minutes" 'BEGIN { print share * minutes / 10 }')
  shift 2
  timeout --kill-after=5 "$limit" "$@" >"$out/$name.txt" 2>&1 </dev/null
  case $? in
    0) result=ok ;;
    77) result=skipped ;;
    124 | 137) result="**took longer than $limit s**"; failed=1 ;;
    *) result="**failed**"; failed=1 ;;
  esac
  echo "| $name | $result | $((SECONDS - start)) | [$name.txt]($name.txt): $(tail -n 1 "$out/$name.txt" | tr '|' '/') |" >>"$report"
  echo "$name: $result"
}

# What a part is made of runs in a shell of its own, which timeout can end.
export out build train bench suffix python tests rehearse

the_machine() {
  nvidia-smi 2>/dev/null || echo "no nvidia-smi"
  nvidia-smi topo -m 2>/dev/null
  nvcc --version 2>/dev/null | tail -n 2
  lscpu | grep -E "^(Model name|CPU\(s\))"
  echo "libraries that the program finds:"
  ldd "$train" | grep -E "cudnn|cublas|nccl|cudart"
  "$train" --data synthetic:4 --device cuda --dry-run | grep "cuda:"
}

the_profile() {  # SPACE BATCH IMAGE-SIZE PRECISION OPTION...
  local steps=20 space=$1 batch=$2 size=$3 precision=$4
  shift 4
  if [ "$rehearse" ]; then steps=7 batch=2 size=$((size > 32 ? 32 : 8)); fi
  "$train" --space "$space" --data "synthetic:$((batch * steps))" --image-size "$size" --batch-size "$batch" --epochs 1 \
    --device cuda --precision "$precision" --profile --out "$out/$space-$precision$*" "$@"
}

the_step() {  # SPACE BATCH PRECISION
  "$bench/rlnas_bench_space_step" --device cuda --space "$1" --batch "$2" --precision "$3"
}

a_bench() {  # NAME ARGUMENTS...
  local program=$bench/rlnas_bench_$1$suffix
  shift
  [ -x "$program" ] || { echo "$program is not built"; exit 77; }
  "$program" --device cuda "$@"
}

beside_pytorch() {  # SPACE BATCH PRECISION
  "$python" -c "import torch; exit(not torch.cuda.is_available())" 2>/dev/null ||
    { echo "$python has no PyTorch with CUDA"; exit 77; }
  local program=rlnas_bench_space_step
  [ "$1" = nasbench201 ] && program=rlnas_bench_step
  bench/compare_step.py --bench "$bench/$program" --space "$1" --batch "$2" --device cuda --precision "$3" \
    --python "$python" --variants channels_last prune bf16 --rounds 3 --out "$out/pytorch-$1-$3.json"
}

the_sanitizer() {
  command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer"; exit 77; }
  compute-sanitizer --error-exitcode 1 "$tests" -tc="the case table in fp32 by own kernels"
}
export -f the_machine the_profile the_step a_bench beside_pytorch the_sanitizer

run() { part "$1" "$2" bash -c '"$@"' _ "${@:3}"; }

run machine 20 the_machine
if [ "$rehearse" ]; then
  run tests 600 "$tests" -tc="angle sums*,auto takes*"
  run profile-nasbench201 200 the_profile nasbench201 64 32 fp32
  run profile-nasbench201-graphs 200 the_profile nasbench201 64 32 fp32 --cuda-graphs
  run angle 200 a_bench angle --filter=^256KiB/.*warm --seconds=0.01
else
  run tests 150 ctest --test-dir "$build" -R "^$device_tests: " --output-on-failure --timeout 100
  run profile-nasbench201 15 the_profile nasbench201 64 32 fp32
  run profile-nasbench201-graphs 15 the_profile nasbench201 64 32 fp32 --cuda-graphs
  run profile-darts-cifar 15 the_profile darts-cifar 96 32 fp32
  run profile-darts-imagenet 25 the_profile darts-imagenet 128 224 tf32
  run profile-mobilenet 25 the_profile mobilenet 256 224 tf32
  for precision in fp32 tf32 bf16; do
    run "step-nasbench201-$precision" 10 the_step nasbench201 64 $precision
    run "step-darts-cifar-$precision" 10 the_step darts-cifar 96 $precision
    run "step-darts-imagenet-$precision" 15 the_step darts-imagenet 256 $precision
    run "step-mobilenet-$precision" 15 the_step mobilenet 256 $precision
  done
  run angle 60 a_bench angle --seconds=0.3 --out "$out/angle.json"
  run ops 30 a_bench ops --benchmark_min_time=0.02 --benchmark_out="$out/ops.json"
  run sgd 10 a_bench sgd --benchmark_min_time=0.05 --benchmark_out="$out/sgd.json"
  run own-or-cudnn 40 a_bench own_or_cudnn --benchmark_min_time=0.02 --benchmark_out="$out/own_or_cudnn.json"
  run plans 20 a_bench plan --benchmark_min_time=0.1 --benchmark_out="$out/plan.json"
fi
run sanitizer 60 the_sanitizer
run pytorch-nasbench201 40 beside_pytorch nasbench201 64 tf32
[ "$rehearse" ] || run pytorch-mobilenet 40 beside_pytorch mobilenet 256 tf32

echo "report: $report"
exit $failed
