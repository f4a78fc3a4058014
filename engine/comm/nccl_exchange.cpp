// The flat gradient buffer goes out in buckets from its end, each as soon as the backward pass has left it:
// an event on the compute stream, which the communication stream waits for, then one all-reduce. NCCL weighs
// each rank's share itself (a pre-multiplied sum). The compute stream waits for the last bucket; the host
// polls for it, so that a rank that hangs or dies is noticed by the thread that waits.
#include "engine/comm/nccl_exchange.h"

#include <nccl.h>

#include <algorithm>
#include <exception>
#include <thread>

#include "engine/comm/watchdog.h"
#include "kernels/check.h"
#include "kernels/cuda/cuda_handles.h"

namespace rlnas {
namespace {

constexpr std::size_t kSmallestBucket = std::size_t{1} << 19;  // floats: 2 MiB, enough to fill a link
constexpr std::size_t kMostBuckets = 16;                       // each costs tens of microseconds
constexpr auto kPause = std::chrono::microseconds(20);

class NcclExchange final : public GradientExchange {
 public:
  NcclExchange(Device& device, Communicator& communicator, double timeout_s);
  ~NcclExchange() override;

  std::string description() const override;
  void begin(float* gradient, std::size_t count, double weight) override;
  void final_from(std::size_t offset) override;
  void finish() override;
  void wait() override;

 private:
  void check(ncclResult_t result, const char* call);
  void settle(const char* call);  // NCCL calls return at once: waits until the last one has taken effect
  void drop() noexcept;
  [[noreturn]] void give_up(const std::string& reason);
  void check_time();
  void reduce_down_to(std::size_t offset);
  void destroy_sum() noexcept;

  // With everything on it that has been run so far.
  cudaStream_t compute() { return static_cast<cudaStream_t>(device_.native_stream()); }

  Device& device_;
  CudaStream stream_;
  CudaEvent ready_, done_;
  ncclComm_t comm_ = nullptr;
  ncclRedOp_t sum_ = ncclSum;  // of weight_ * gradient, once begin() has made it
  bool has_sum_ = false;
  float weight_ = 0.0f;
  float* gradient_ = nullptr;
  std::size_t end_ = 0;     // [0, end_) has not been sent yet
  std::size_t bucket_ = 0;  // floats
  Watchdog watchdog_;
};

NcclExchange::NcclExchange(Device& device, Communicator& communicator, double timeout_s)
    : device_(device), watchdog_(communicator, timeout_s) {
  watchdog_.begin("start of NCCL");
  // Everybody learns whether rank 0 got its id: without one they would wait for it.
  struct Id {
    ncclUniqueId id;
    ncclResult_t result;
  } id = {};
  if (communicator.rank() == 0) id.result = ncclGetUniqueId(&id.id);
  communicator.broadcast_value(id, "NCCL id");
  check(id.result, "ncclGetUniqueId on rank 0");
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  check(ncclCommInitRankConfig(&comm_, communicator.size(), id.id, communicator.rank(), &config),
        "ncclCommInitRankConfig");
}

NcclExchange::~NcclExchange() {
  if (comm_ == nullptr) return;
  // After a failure the others may never finalise with us.
  if (std::uncaught_exceptions() > 0) {
    drop();
  } else {
    destroy_sum();
    ncclCommDestroy(comm_);
  }
}

std::string NcclExchange::description() const {
  int version = 0;
  ncclGetVersion(&version);
  return "by NCCL " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

// Also frees kernels that wait for other ranks, and with them the stream.
void NcclExchange::drop() noexcept {
  ncclCommAbort(comm_);
  comm_ = nullptr;
}

void NcclExchange::give_up(const std::string& reason) {
  drop();
  watchdog_.fail(reason);
}

void NcclExchange::check_time() {
  if (!watchdog_.expired()) return;
  drop();
  watchdog_.fail_expired("the other ranks");
}

void NcclExchange::settle(const char* call) {
  for (;;) {
    ncclResult_t state = ncclSuccess;
    const ncclResult_t asked = ncclCommGetAsyncError(comm_, &state);
    if (asked != ncclSuccess) state = asked;
    if (state == ncclSuccess) return;
    if (state != ncclInProgress) give_up(std::string(call) + ": " + ncclGetErrorString(state));
    check_time();
    std::this_thread::sleep_for(kPause);
  }
}

void NcclExchange::check(ncclResult_t result, const char* call) {
  if (result == ncclSuccess) return;
  if (result != ncclInProgress) {
    const std::string reason = std::string(call) + ": " + ncclGetErrorString(result);
    if (comm_ != nullptr) give_up(reason);
    watchdog_.fail(reason);
  }
  settle(call);
}

void NcclExchange::destroy_sum() noexcept {
  if (has_sum_) ncclRedOpDestroy(sum_, comm_);
  has_sum_ = false;
}

void NcclExchange::begin(float* gradient, std::size_t count, double weight) {
  watchdog_.begin("gradient all-reduce");
  RLNAS_CHECK(comm_ != nullptr, communication, "NCCL has failed before");
  gradient_ = gradient;
  end_ = count;
  bucket_ = std::max(kSmallestBucket, (count + kMostBuckets - 1) / kMostBuckets);
  if (has_sum_ && weight_ == float(weight)) return;  // it changes with the last batch of an epoch
  destroy_sum();
  weight_ = float(weight);
  check(ncclRedOpCreatePreMulSum(&sum_, &weight_, ncclFloat32, ncclScalarHostImmediate, comm_),
        "ncclRedOpCreatePreMulSum");
  has_sum_ = true;
}

void NcclExchange::reduce_down_to(std::size_t offset) {
  if (offset == end_) return;
  ready_.record(compute());
  ready_.hold_back(stream_.get());
  float* const bucket = gradient_ + offset;
  check(ncclAllReduce(bucket, bucket, end_ - offset, ncclFloat32, sum_, comm_, stream_.get()),
        "ncclAllReduce");
  end_ = offset;
}

void NcclExchange::final_from(std::size_t offset) {
  if (end_ >= offset + bucket_) reduce_down_to(offset);
}

void NcclExchange::finish() {
  reduce_down_to(0);
  done_.record(stream_.get());
  done_.hold_back(compute());
}

void NcclExchange::wait() {
  watchdog_.progress();
  while (!done_.reached()) {
    settle("ncclAllReduce");
    check_time();
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

bool nccl_serves(Device& device) {
  return device.native_stream() != nullptr;
}

std::unique_ptr<GradientExchange> make_nccl_exchange(Device& device, Communicator& communicator,
                                                     double timeout_s) {
  return std::make_unique<NcclExchange>(device, communicator, timeout_s);
}

}  // namespace rlnas
