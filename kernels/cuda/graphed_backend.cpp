#include "kernels/cuda/graphed_backend.h"

#include <utility>

namespace rlnas {
namespace {

class GraphedReadback final : public Readback {
 public:
  GraphedReadback(GraphedBackend& backend, std::unique_ptr<Readback> inner)
      : backend_(backend), inner_(std::move(inner)) {}

  void start(const void* value) override {
    backend_.flush();
    inner_->start(value);
  }
  const void* wait() override { return inner_->wait(); }
  bool is_asynchronous() const override { return inner_->is_asynchronous(); }

 private:
  GraphedBackend& backend_;
  std::unique_ptr<Readback> inner_;
};

}  // namespace

void GraphedBackend::flush() {
  if (kept_error_ != nullptr) {
    calls_.clear();
    std::rethrow_exception(std::exchange(kept_error_, nullptr));
  }
  if (calls_.size() == 0) return;
  const CallLog calls = std::exchange(calls_, {});  // gone also when they fail
  inner_.run_kept(stage_, part_++, calls);
}

void GraphedBackend::begin_stage(const char* name, Direction direction) {
  const Stage next{name, direction};
  if (next == stage_) return;  // a backward pass names it at each of its operations
  flush();
  inner_.begin_stage(name, direction);
  stage_ = next;
  part_ = 0;
}

void* GraphedBackend::allocate(std::size_t bytes) {
  flush();
  return inner_.allocate(bytes);
}

void GraphedBackend::release(void* memory) noexcept {
  try {
    flush();
  } catch (...) {
    kept_error_ = std::current_exception();
  }
  inner_.release(memory);
}

void GraphedBackend::upload(void* device, const void* host, std::size_t bytes) {
  flush();
  inner_.upload(device, host, bytes);
}

void GraphedBackend::download(void* host, const void* device, std::size_t bytes) {
  flush();
  inner_.download(host, device, bytes);
}

void GraphedBackend::synchronize() {
  flush();
  inner_.synchronize();
}

void* GraphedBackend::native_stream() {
  flush();
  return inner_.native_stream();
}

std::unique_ptr<Readback> GraphedBackend::make_readback(std::size_t bytes) {
  return std::make_unique<GraphedReadback>(*this, inner_.make_readback(bytes));
}

}  // namespace rlnas
