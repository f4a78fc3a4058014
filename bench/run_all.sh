#!/usr/bin/env bash
# Builds the benchmarks and runs all of them: bench/run_all.sh [OUT_DIR [PYTHON...]]
# Google-Benchmark JSON and the comparison tables go to OUT_DIR (default: build/bench-results). Each PYTHON is
# an interpreter with PyTorch to compare with (default: python3; left out when it has none).
# RLNAS_BENCH_DEVICE=cuda[:N]: on a GPU; PyTorch is compared on the CPU alone (default: cpu).
# RLNAS_BENCH_IMAGES=DIR: also times the image pipeline, on this folder.
# RLNAS_BENCH_LOCK=FILE: holds flock on FILE while something is timed.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-build/bench-results}
shift || true
pythons=("${@:-python3}")
device=${RLNAS_BENCH_DEVICE:-cpu}
mkdir -p "$out"

cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release -DRLNAS_BUILD_BENCH=ON
cmake --build build/release
programs=build/release/bench

timed() { if [[ -n ${RLNAS_BENCH_LOCK:-} ]]; then flock -x "$RLNAS_BENCH_LOCK" "$@"; else "$@"; fi; }
for program in "$programs"/rlnas_bench_*; do
  name=$(basename "$program")
  arguments=(--device "$device")
  if [[ $name == rlnas_bench_space_step ]]; then  # no Google Benchmark
    for step in "darts-cifar 64" "darts-imagenet 8" "mobilenet 8"; do
      read -r space batch <<<"$step"
      echo "$step: $(timed "$program" "${arguments[@]}" --space "$space" --batch "$batch")"
    done | tee "$out/space_steps.txt"
    continue
  fi
  if [[ $name == rlnas_bench_angle ]]; then  # nor this one
    [[ $device == cpu ]] && "${pythons[0]}" -c "import numpy" 2>/dev/null &&
      arguments+=(--numpy "${pythons[0]} bench/baselines/angle_sums.py")
    timed "$program" "${arguments[@]}" --out "$out/$name.json" | tee "$out/$name.txt"
    continue
  fi
  if [[ $name == rlnas_bench_images ]]; then
    [[ $device == cpu && -n ${RLNAS_BENCH_IMAGES:-} ]] || continue
    arguments=("$RLNAS_BENCH_IMAGES")
  fi
  if [[ $device == cpu ]]; then
    case $name in
      rlnas_bench_own_or_cudnn) continue ;;
      rlnas_bench_plan) arguments+=(--device-properties tests/cuda_plans/device_properties/h100_sxm.json) ;;
    esac
  fi
  timed "$program" "${arguments[@]}" --benchmark_display_aggregates_only=true --benchmark_out="$out/$name.json"
done
[[ $device == cpu ]] || exit 0

# batch, threads, busy processes beside it
cores=$(nproc)
for run in "64 $cores $cores" "8 $cores 0" "1 $cores 0" "64 1 0"; do
  read -r batch threads load <<<"$run"
  bench/compare_step.py --bench "$programs/rlnas_bench_step" "${pythons[@]/#/--python=}" --batch "$batch" \
    --threads "$threads" --load "$load" ${RLNAS_BENCH_LOCK:+--lock "$RLNAS_BENCH_LOCK"} \
    --out "$out/compare_${batch}_${threads}.json" | tee "$out/compare_${batch}_${threads}.md"
done
for step in "darts-cifar 64" "darts-imagenet 8" "mobilenet 8"; do
  read -r space batch <<<"$step"
  bench/compare_step.py --bench "$programs/rlnas_bench_space_step" --space "$space" "${pythons[@]/#/--python=}" \
    --batch "$batch" --variants channels_last malloc --rounds 3 ${RLNAS_BENCH_LOCK:+--lock "$RLNAS_BENCH_LOCK"} \
    --out "$out/compare_$space.json" | tee "$out/compare_$space.md"
done
