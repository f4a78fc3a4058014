// Prepares the next batch on a thread of its own while the current one is in use.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>

#include "data/batch_source.h"

namespace rlnas {

class Prefetcher {
 public:
  // Starts with step `step` of epoch `epoch` and goes on for as long as batches are asked for; step ==
  // steps_per_epoch() means the start of the next epoch. The source must outlive the prefetcher.
  Prefetcher(const BatchSource& source, int epoch, int step);
  ~Prefetcher() = default;  // stops the thread, finished batch or not
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  // The next batch, the same that source.fill() would give; it stays valid until the next call.
  // Errors: whatever fill() threw, again on every later call.
  const HostBatch& next();

 private:
  void work(const std::stop_token& stop);

  const BatchSource& source_;
  int epoch_;  // of the batch the worker makes next
  int step_;
  HostBatch slots_[2];
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::int64_t made_ = 0;      // batches finished, counted from the start; batch i lies in slot i % 2
  std::int64_t given_ = 0;     // batches handed out
  std::int64_t released_ = 0;  // batches the consumer has done with
  std::exception_ptr error_;
  std::jthread worker_;  // last: it starts when everything above is ready and stops before it goes
};

}  // namespace rlnas
