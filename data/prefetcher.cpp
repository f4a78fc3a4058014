#include "data/prefetcher.h"

namespace rlnas {

Prefetcher::Prefetcher(const BatchSource& source, int epoch, int step)
    : source_(source),
      epoch_(epoch),
      step_(step),
      worker_([this](const std::stop_token& stop) { work(stop); }) {}

void Prefetcher::work(const std::stop_token& stop) {
  for (std::int64_t batch = 0; !stop.stop_requested(); ++batch) {
    {
      std::unique_lock lock(mutex_);
      // A slot is free when the batch two before this one has been released.
      if (!changed_.wait(lock, stop, [&] { return batch < released_ + 2; })) return;
    }
    try {
      if (step_ == source_.steps_per_epoch()) {
        ++epoch_;
        step_ = 0;
      }
      source_.fill(epoch_, step_, slots_[batch % 2]);
      ++step_;
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      changed_.notify_all();
      return;
    }
    const std::lock_guard lock(mutex_);
    made_ = batch + 1;
    changed_.notify_all();
  }
}

const HostBatch& Prefetcher::next() {
  std::unique_lock lock(mutex_);
  released_ = given_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return made_ > given_ || error_; });
  if (made_ == given_) std::rethrow_exception(error_);
  return slots_[given_++ % 2];
}

}  // namespace rlnas
