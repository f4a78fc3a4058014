// Those of files below search/.
#include "tests/fuzz/target_list.h"

namespace rlnas::fuzz {
namespace {

constexpr Target kFiles[] = {
    {"safetensors", safetensors}, {"idx", idx},   {"npy", npy}, {"cifar", cifar},
    {"imagenet16", imagenet16},   {"jpeg", jpeg}, {"png", png},
};

}  // namespace

constinit const std::span<const Target> kTargets = kFiles;

}  // namespace rlnas::fuzz
