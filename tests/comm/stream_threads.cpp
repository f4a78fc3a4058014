#include "tests/comm/stream_threads.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "tests/comm/fake_nccl.h"

// The handles of the headers are pointers to these.
struct CUstream_st {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<std::function<void()>> queue;
  bool busy = false;
  std::jthread worker{[this](const std::stop_token& stop) { run(stop); }};  // last: starts when all is ready

  void push(std::function<void()> work) {
    const std::lock_guard lock(mutex);
    queue.push_back(std::move(work));
    changed.notify_all();
  }
  void drain() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return queue.empty() && !busy; });
  }
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    while (changed.wait(lock, stop, [&] { return !queue.empty(); })) {
      const std::function<void()> work = std::move(queue.front());
      queue.pop_front();
      busy = true;
      lock.unlock();
      work();
      lock.lock();
      busy = false;
      changed.notify_all();
    }
  }
};

// Shared with the work that waits for it: a destroyed event may still be waited for.
struct CUevent_st {
  struct Marks {
    std::mutex mutex;
    std::condition_variable changed;
    int recorded = 0, reached = 0;
  };
  std::shared_ptr<Marks> marks = std::make_shared<Marks>();
};

namespace rlnas::test {

void launch_on(cudaStream_t stream, std::function<void()> work) {
  stream->push(std::move(work));
}
void drain(cudaStream_t stream) {
  stream->drain();
}
cudaError_t queue_collective(cudaStream_t stream, Collective part) {
  stream->push([part = std::move(part)] {
    part.bring();
    while (!part.complete()) std::this_thread::sleep_for(std::chrono::microseconds(20));
    part.take();
  });
  return cudaSuccess;
}

}  // namespace rlnas::test

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int) {
  *stream = new CUstream_st;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::lock_guard lock(event->marks->mutex);
  const int number = ++event->marks->recorded;
  stream->push([marks = event->marks, number] {
    const std::lock_guard inner(marks->mutex);
    marks->reached = number;
    marks->changed.notify_all();
  });
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int) {
  const std::lock_guard lock(event->marks->mutex);
  const int number = event->marks->recorded;  // as it is now: later records do not count
  stream->push([marks = event->marks, number] {
    std::unique_lock inner(marks->mutex);
    marks->changed.wait(inner, [&] { return marks->reached >= number; });
  });
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const std::lock_guard lock(event->marks->mutex);
  return event->marks->reached == event->marks->recorded ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaGetLastError() {
  return cudaSuccess;
}
const char* cudaGetErrorString(cudaError_t) {
  return "simulated";
}
