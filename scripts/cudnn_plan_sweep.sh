#!/usr/bin/env bash
# Plans every cuDNN graph of the SuperNets for an H100 and an A100 and writes docs/cudnn_plans.md and
# docs/cudnn_plans_other_spaces.md. Needs cuDNN 9 and the CUDA toolkit, no driver and no GPU. A few minutes.
#
#   scripts/cudnn_plan_sweep.sh [BUILD DIRECTORY]     default: build/release, configured with tests
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
out=docs/cudnn_plans.md

cmake --build "$build" --target cudnn_plan_table stub_driver
mkdir -p docs
cat >"$out.part" <<'TEXT'
# What cuDNN plans for the SuperNet

Written by `scripts/cudnn_plan_sweep.sh`. The problems come from a dry run of the SuperNet's training step (the
path of most memory and 32 sampled ones); each graph is planned in a process of its own for the *described* device
in `tests/cuda_plans/device_properties`. **Planned means planned:** cuDNN has an engine for it, with this workspace
and these notes. None of these plans has run on a GPU, and nothing here says how fast or how accurate they are.

A plan is the first of cuDNN's proposals, in the order of its heuristics, that keeps to the policy
(`kernels/cuda/cudnn_plan.cpp`): deterministic; in fp32 no tensor cores; never with inputs rounded further than
asked for or sums in less than fp32; at most 256 MiB of workspace; not compiled at run time, but for batch norm and
pooling. Engine numbers are cuDNN's and mean something within one pass only. "none" under notes: plain arithmetic in a
fixed order.

What was decided by these tables:

- *Filters* are OIHW in the forward pass and the data gradient, KRSC (then permuted) in the weight gradient: see the
  two tables "the filter OIHW or KRSC" and `kernels/cuda/cudnn_graph.h`. The fp32 data gradients have no engine that
  reads NHWC in place but engine 0 and so pay for transpositions in workspace; tensor-core engines need none.
- *1x1 convolutions of stride 1* are matrix products and run in cuBLAS, which reads and adds where tensors lie and
  needs no workspace, unless `--pointwise cudnn` is given; their plans are those in these tables.
- *Batch norm and pooling* run in own kernels unless `--norm-and-pool cudnn` is given, and partly even then: why is in
  [architecture.md](architecture.md). cuDNN compiles its engines for them at run time, a quarter of a second to two
  seconds a shape on the 2-core machine that wrote this.
TEXT
{
  echo
  LD_LIBRARY_PATH="$build/tests/cuda_plans/stub_driver${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
    "$build/tests/cuda_plans/cudnn_plan_table" --norm-and-pool \
    tests/cuda_plans/device_properties/h100_sxm.json tests/cuda_plans/device_properties/a100_sxm.json
} >>"$out.part"
mv "$out.part" "$out"

other=docs/cudnn_plans_other_spaces.md
cat >"$other.part" <<'TEXT'
# What cuDNN plans for the DARTS and MobileNet SuperNets

Written by `scripts/cudnn_plan_sweep.sh`, as [cudnn_plans.md](cudnn_plans.md) is, which says what planned means: an
engine and its workspace, nothing about speed. One line a convolution pass, at the published batch; depthwise
convolutions run in own kernels, and 1x1 of stride 1 in cuBLAS unless `--pointwise cudnn` is given.

\*: without the limit of 256 MiB cuDNN's first choice would be another engine, with more workspace.

What cuDNN runs by default at batch 512 (the stems and their gradients) needs 73 MiB at most, 1x1 convolutions by
`--pointwise cudnn` 234 MiB. Engines that may be slow, for the limit or because no other keeps to the policy: 0 for the
data gradients of DARTS's 3x3 of stride 2 in fp32 (on the A100 for one of them in tf32 too); 1 for the weight gradients
in fp32 (on the A100 in tf32 too), and for those of the first convolutions in tf32 and bf16 (on the A100 0 in bf16).
None of them was timed.
TEXT
for space in darts-cifar darts-imagenet mobilenet; do
  printf '\n## %s\n\n' "$space"
  "$build/tests/cuda_plans/cudnn_plan_table" --space "$space" --short \
    tests/cuda_plans/device_properties/h100_sxm.json tests/cuda_plans/device_properties/a100_sxm.json
done >>"$other.part"
mv "$other.part" "$other"
echo "$out and $other written"
