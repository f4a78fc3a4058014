// Blocking MPI calls could not be given up, so every operation is a non-blocking one that is tested until it
// is done or the watchdog's time is up. MPI's own sums may depend on its choice of algorithm: here every rank
// adds up one slice of the buffer, in rank order, and the slices are put together again.
#include "engine/comm/mpi_communicator.h"

#include <mpi.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <thread>

#include "engine/comm/gradient_exchange.h"
#include "engine/comm/rank_sum.h"
#include "engine/comm/watchdog.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

// Polls without a pause at first (a small operation takes microseconds), then leaves the core to others.
constexpr auto kPollEagerly = std::chrono::microseconds(200);
constexpr auto kPause = std::chrono::microseconds(50);

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator(const RankPlace& place, double timeout_s)
      : Communicator(place), timeout_s_(timeout_s), watchdog_(*this, timeout_s) {}

  ~MpiCommunicator() override {
    // After a failure the others may never get here, and finalising would wait for them.
    if (!failed_ && std::uncaught_exceptions() == 0) MPI_Finalize();
  }

  std::string description() const override {
    return "rank " + std::to_string(rank()) + " of " + std::to_string(size()) + ", by MPI";
  }

  void all_reduce_sum(float* values, std::size_t count, const char* what) override;
  void broadcast(void* data, std::size_t bytes, const char* what) override;
  void all_gather(const void* mine, std::size_t bytes, void* all, const char* what) override;

  std::unique_ptr<GradientExchange> make_gradient_exchange(Device& device) override {
    return make_rank_exchange(device, *this, timeout_s_);
  }

 private:
  void check(int code);
  void wait(MPI_Request request);
  int count_of(std::size_t items);

  double timeout_s_;
  Watchdog watchdog_;
  bool failed_ = false;
  std::vector<float> staging_;
};

void MpiCommunicator::check(int code) {
  if (code == MPI_SUCCESS) return;
  failed_ = true;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  watchdog_.fail(std::string(text, std::size_t(length)));
}

void MpiCommunicator::wait(MPI_Request request) {
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    int done = 0;
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (done != 0) return;
    if (watchdog_.expired()) {
      failed_ = true;
      watchdog_.fail_expired("the other ranks");
    }
    if (std::chrono::steady_clock::now() - start > kPollEagerly) std::this_thread::sleep_for(kPause);
  }
}

int MpiCommunicator::count_of(std::size_t items) {
  RLNAS_CHECK(items <= std::size_t(std::numeric_limits<int>::max()), run_failed, items,
              " elements are more than MPI moves in one piece");
  return int(items);
}

void MpiCommunicator::all_reduce_sum(float* values, std::size_t count, const char* what) {
  watchdog_.begin(what);
  const std::size_t ranks = std::size_t(size());
  count_of(count);
  std::vector<int> counts(ranks), offsets(ranks), mine_counts, mine_offsets(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    offsets[r] = int(count * r / ranks);
    counts[r] = int(count * (r + 1) / ranks) - offsets[r];
  }
  const int slice = counts[std::size_t(rank())];
  mine_counts.assign(ranks, slice);
  for (std::size_t r = 0; r < ranks; ++r) mine_offsets[r] = int(r) * slice;
  staging_.resize(std::size_t(slice) * ranks);

  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Ialltoallv(values, counts.data(), offsets.data(), MPI_FLOAT, staging_.data(), mine_counts.data(),
                       mine_offsets.data(), MPI_FLOAT, MPI_COMM_WORLD, &request));
  wait(request);
  for (std::size_t r = 1; r < ranks; ++r)
    add_rank(staging_.data() + r * std::size_t(slice), std::size_t(slice), staging_.data());
  check(MPI_Iallgatherv(staging_.data(), slice, MPI_FLOAT, values, counts.data(), offsets.data(), MPI_FLOAT,
                        MPI_COMM_WORLD, &request));
  wait(request);
}

void MpiCommunicator::broadcast(void* data, std::size_t bytes, const char* what) {
  watchdog_.begin(what);
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Ibcast(data, count_of(bytes), MPI_BYTE, 0, MPI_COMM_WORLD, &request));
  wait(request);
}

void MpiCommunicator::all_gather(const void* mine, std::size_t bytes, void* all, const char* what) {
  watchdog_.begin(what);
  MPI_Request request = MPI_REQUEST_NULL;
  const int count = count_of(bytes);
  check(MPI_Iallgather(mine, count, MPI_BYTE, all, count, MPI_BYTE, MPI_COMM_WORLD, &request));
  wait(request);
}

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator(const RankPlace& launched, double timeout_s) {
  int provided = 0;
  RLNAS_CHECK(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) == MPI_SUCCESS, communication,
              "MPI cannot be started");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  RankPlace place = launched;
  MPI_Comm_rank(MPI_COMM_WORLD, &place.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &place.size);
  return std::make_unique<MpiCommunicator>(place, timeout_s);
}

}  // namespace rlnas
