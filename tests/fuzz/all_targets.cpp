// All of them.
#include "tests/fuzz/target_list.h"

namespace rlnas::fuzz {
namespace {

constexpr Target kAll[] = {
    {"safetensors", safetensors},
    {"resume_state", resume_state},
    {"run_json", run_json},
    {"search_state", search_state},
    {"architecture", architecture},
    {"truth_csv", truth_csv},
    {"scores_csv", scores_csv},
    {"greeting", greeting},
    {"config", config},
    {"events", events},
    {"idx", idx},
    {"npy", npy},
    {"cifar", cifar},
    {"imagenet16", imagenet16},
    {"jpeg", jpeg},
    {"png", png},
    {"space_file", space_file},
};

}  // namespace

constinit const std::span<const Target> kTargets = kAll;

}  // namespace rlnas::fuzz
