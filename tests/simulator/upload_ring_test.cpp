// The ring of uploads (kernels/cuda/host_link.h) where a batch of images is larger than the ring starts: it
// grows when the first batch has been seen, and where that fails goes on with what it has.
#include "kernels/backend.h"
#include "tests/simulator/simulated.h"

namespace rlnas::test {
namespace {

using simulator::Call;
using simulator::Policy;

constexpr AugmentSpec kImages{.batch = 6, .height = 1024, .width = 1024};
constexpr std::size_t kBatchBytes = std::size_t{18} << 20;  // in a ring of 32 slots of half a MiB
constexpr std::size_t kBatchFloats = kBatchBytes / sizeof(float);
constexpr std::size_t kSeen = 64;  // floats that are added up, at either end
constexpr int kSteps = 5, kSlots = 32;
constexpr int kSlotsBefore = 36, kSlotsAfter = 12;  // of a batch
constexpr Policy kSomePolicies[] = {Policy::eager, Policy::needed_only, Policy::random};

enum class Content { images, anything };

struct Uploaded {
  std::vector<float> sum;
  std::int64_t host_waits_at_once = 0;
  std::int64_t calls[simulator::kCallKinds] = {};  // by the time that the first batch is up
};

Uploaded upload_batches(Content content) {
  const auto backend = make_cuda_backend({});
  auto* const batch = static_cast<float*>(backend->allocate(kBatchBytes));
  auto* const params = static_cast<AugmentParams*>(backend->allocate(6 * sizeof(AugmentParams)));
  auto* const images = static_cast<float*>(backend->allocate(kBatchBytes * sizeof(float)));
  auto* const sum = static_cast<float*>(backend->allocate(2 * kSeen * sizeof(float)));
  backend->run(Fill{.count = 2 * kSeen, .value = 0.0f, .y = sum});
  backend->run(
      Fill{.count = 6 * sizeof(AugmentParams) / sizeof(float), .y = reinterpret_cast<float*>(params)});
  Uploaded result;
  std::vector<float> host(kBatchFloats);
  for (int step = 0; step < kSteps; ++step) {
    simulator::begin_step();
    host.assign(kBatchFloats, float(step + 1));
    host.back() = float(10 * (step + 1));
    backend->upload(batch, host.data(), kBatchBytes);
    if (step == 0) std::copy_n(simulator::usage().calls, simulator::kCallKinds, result.calls);
    if (content == Content::images && step == 0)
      backend->run(AugmentImages{.spec = kImages,
                                 .images = reinterpret_cast<const std::uint8_t*>(batch),
                                 .params = params,
                                 .y = images});
    backend->run(Add{.count = kSeen, .x = batch, .y = sum, .store = Store::accumulate});
    backend->run(
        Add{.count = kSeen, .x = batch + kBatchFloats - kSeen, .y = sum + kSeen, .store = Store::accumulate});
  }
  result.host_waits_at_once = simulator::usage().host_waits_at_once;
  result.sum.resize(2 * kSeen);
  backend->download(result.sum.data(), sum, 2 * kSeen * sizeof(float));
  for (void* const memory : {static_cast<void*>(batch), static_cast<void*>(params),
                             static_cast<void*>(images), static_cast<void*>(sum)})
    backend->release(memory);
  return result;
}

std::vector<float> expected_sum() {
  std::vector<float> sum(2 * kSeen, 15.0f);
  sum.back() = 150.0f;
  return sum;
}

}  // namespace

TEST_CASE("after a batch of images larger than the ring, the next are taken without a wait within the step") {
  for (const Policy policy : kSomePolicies)
    on_simulated_device({.policy = policy}, [] {
      const Uploaded uploaded = upload_batches(Content::images);
      CHECK(uploaded.sum == expected_sum());
      CHECK(uploaded.host_waits_at_once == kSlotsBefore - kSlots);
      CHECK(simulator::usage().host_waits == kSlotsBefore + (kSteps - 1) * kSlotsAfter);
    });
  on_simulated_device({}, [] {
    const Uploaded uploaded = upload_batches(Content::anything);
    CHECK(uploaded.sum == expected_sum());
    CHECK(uploaded.host_waits_at_once == kSteps * (kSlotsBefore - kSlots));
  });
}

TEST_CASE("a ring for which there is no memory to grow stays as it was") {
  for (const Call kind : {Call::allocate, Call::allocate_host, Call::event}) {
    CAPTURE(std::string(simulator::name_of(kind)));
    std::int64_t before = 0;
    on_simulated_device({}, [&] { before = upload_batches(Content::anything).calls[int(kind)]; });
    on_simulated_device({.fail_kind = kind, .fail_at = before + 1}, [] {
      const Uploaded uploaded = upload_batches(Content::images);
      CHECK(uploaded.sum == expected_sum());
      CHECK(uploaded.host_waits_at_once == kSteps * (kSlotsBefore - kSlots));
    });
  }
}

TEST_CASE("planted bug: the host does not wait before it writes to a slot of the larger ring again") {
  // Where the first slot of the second batch, the first in the larger ring, is written to again, and its
  // last.
  for (const int wait : {kSlotsBefore + kSlots + 1, kSlotsBefore + kSlots + kSlotsAfter}) {
    int caught = 0;
    for (const Policy policy : kSomePolicies)
      on_simulated_device({.policy = policy, .drop_host_wait_at = wait},
                          [&] { caught += upload_batches(Content::images).sum != expected_sum(); });
    CAPTURE(wait);
    CHECK(caught > 0);
  }
}

}  // namespace rlnas::test
