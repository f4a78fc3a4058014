// nccl_exchange.cpp on threads that stand for streams (stream_threads.h): what it sends when, whether it
// waits for what it must, and how it ends. Says nothing about NCCL itself.
#include <doctest/doctest.h>

#include <chrono>
#include <latch>

#include "engine/comm/nccl_exchange.h"
#include "kernels/ref/ref_backend.h"
#include "tests/comm/contract.h"
#include "tests/comm/fake_nccl.h"
#include "tests/comm/stream_threads.h"
#include "tests/support/ranks.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

// Only its stream is used.
class StreamBackend final : public RefBackend {
 public:
  StreamBackend() { cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking); }
  ~StreamBackend() override { cudaStreamDestroy(stream_); }
  void* native_stream() override { return stream_; }
  cudaStream_t stream() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

constexpr std::size_t kCount = 1500000;  // three buckets

// A backward pass that writes `pieces` of the gradient from its end, slowly, on the compute stream.
void run_backward(StreamBackend& backend, GradientExchange& exchange, std::vector<float>& gradient, int rank,
                  double weight, std::size_t pieces) {
  exchange.begin(gradient.data(), gradient.size(), weight);
  for (std::size_t piece = pieces; piece-- > 0;) {
    const std::size_t begin = gradient.size() * piece / pieces, end = gradient.size() * (piece + 1) / pieces;
    launch_on(backend.stream(), [&gradient, rank, begin, end] {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      for (std::size_t i = begin; i < end; ++i) gradient[i] = contribution(rank, i);
    });
    if (piece > 0) exchange.final_from(begin);
  }
  exchange.finish();
}

float mean_of(const std::vector<float>& weights, std::size_t i) {
  float sum = weights[0] * contribution(0, i);
  for (std::size_t r = 1; r < weights.size(); ++r) sum += weights[r] * contribution(int(r), i);
  return sum;
}

bool one_line(const std::string& text) {
  return !text.empty() && text.find('\n') == std::string::npos;
}

}  // namespace

TEST_CASE("weighted means over 3 ranks in buckets, sent while the rest is computed") {
  reset_fake_nccl({});
  const std::vector<std::vector<float>> steps = {
      {5.0f / 16, 5.0f / 16, 6.0f / 16}, {5.0f / 16, 5.0f / 16, 6.0f / 16}, {0.25f, 0.25f, 0.5f}};
  const std::vector<RankOutcome> outcomes = run_ranks(3, [&](Communicator& communicator) {
    std::vector<float> gradient(kCount), seen(kCount);  // outlive the streams that write to them
    StreamBackend backend;
    REQUIRE(nccl_serves(backend));
    const std::unique_ptr<GradientExchange> exchange = make_nccl_exchange(backend, communicator, 60.0);
    for (const std::vector<float>& weights : steps) {
      std::fill(gradient.begin(), gradient.end(), NAN);
      run_backward(backend, *exchange, gradient, communicator.rank(),
                   weights[std::size_t(communicator.rank())], 60);
      // What the optimiser reads, on the same stream and before anybody waits on the host.
      launch_on(backend.stream(), [&] { seen = gradient; });
      exchange->wait();
      drain(backend.stream());
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < kCount; ++i) wrong += seen[i] == mean_of(weights, i) ? 0 : 1;
      CHECK(wrong == 0);
    }
  });
  for (const RankOutcome& outcome : outcomes) CHECK(outcome.error == "");
  CHECK(fake_all_reduces() == 3 * 3 * 3);  // ranks, steps, buckets
  CHECK(fake_aborts() == 0);
}

TEST_CASE("the first bucket leaves long before the backward pass ends") {
  reset_fake_nccl({});
  const std::vector<RankOutcome> outcomes = run_ranks(1, [&](Communicator& communicator) {
    std::vector<float> gradient(kCount);
    StreamBackend backend;
    const std::unique_ptr<GradientExchange> exchange = make_nccl_exchange(backend, communicator, 60.0);
    exchange->begin(gradient.data(), kCount, 1.0);
    exchange->final_from(kCount - 1000);
    CHECK(fake_all_reduces() == 0);  // too little to be worth a call
    exchange->final_from(kCount / 2);
    CHECK(fake_all_reduces() == 1);
    exchange->finish();
    CHECK(fake_all_reduces() == 2);
    exchange->wait();
  });
  CHECK(outcomes[0].error == "");
}

TEST_CASE("a large gradient leaves in no more than sixteen buckets") {
  reset_fake_nccl({});
  const std::vector<RankOutcome> outcomes = run_ranks(1, [&](Communicator& communicator) {
    constexpr std::size_t kLarge = 40 << 19, kPieces = 160;
    std::vector<float> gradient(kLarge);
    StreamBackend backend;
    const std::unique_ptr<GradientExchange> exchange = make_nccl_exchange(backend, communicator, 60.0);
    exchange->begin(gradient.data(), kLarge, 1.0);
    for (std::size_t piece = kPieces - 1; piece > 0; --piece) exchange->final_from(kLarge / kPieces * piece);
    exchange->finish();
    exchange->wait();
  });
  CHECK(outcomes[0].error == "");
  CHECK(fake_all_reduces() == 16);
}

TEST_CASE("a rank that sends nothing ends the others after the timeout") {
  reset_fake_nccl({});
  std::latch given_up(1);
  const std::vector<RankOutcome> outcomes = run_ranks(2, [&](Communicator& communicator) {
    std::vector<float> gradient(1000);
    StreamBackend backend;
    communicator.begin_step(7);
    const std::unique_ptr<GradientExchange> exchange = make_nccl_exchange(backend, communicator, 0.5);
    if (communicator.rank() == 0) {
      const CountedDown at_the_end(&given_up);
      run_backward(backend, *exchange, gradient, 0, 0.5, 2);
      exchange->wait();
    } else {
      given_up.wait();
    }
  });
  CHECK(outcomes[0].code == 5);
  CHECK(outcomes[0].error ==
        "rank 0, step 7, gradient all-reduce: no progress for 0.5 s, waiting for the other ranks "
        "(--comm-timeout)");
  CHECK(fake_aborts() == 1);
}

TEST_CASE("an error that NCCL reports later ends the run") {
  reset_fake_nccl({.polls_in_progress = 3, .broken_after_calls = 0, .death = Death::silent});
  const std::vector<RankOutcome> outcomes = run_ranks(2, [&](Communicator& communicator) {
    std::vector<float> gradient(1000);
    StreamBackend backend;
    const std::unique_ptr<GradientExchange> exchange = make_nccl_exchange(backend, communicator, 60.0);
    run_backward(backend, *exchange, gradient, communicator.rank(), 0.5, 2);
    exchange->wait();
  });
  for (const RankOutcome& outcome : outcomes) {
    CHECK(outcome.code == 5);
    CHECK(outcome.error.find("ncclAllReduce: simulated failure") != std::string::npos);
  }
}

// What ends a rank is its own error, not NCCL's: it throws out of the middle of a backward pass, with one
// bucket of three sent.
TEST_CASE("a rank that dies inside a collective ends the others: told by NCCL, or by the timeout") {
  for (const Death death : {Death::seen, Death::silent}) {
    CAPTURE(int(death));
    reset_fake_nccl({.death = death});
    const std::vector<RankOutcome> outcomes = run_ranks(3, [&](Communicator& communicator) {
      std::vector<float> gradient(kCount);
      StreamBackend backend;
      communicator.begin_step(4);
      const std::unique_ptr<GradientExchange> exchange = make_nccl_exchange(backend, communicator, 1.0);
      communicator.barrier("all have started");
      if (communicator.rank() == 1) {
        exchange->begin(gradient.data(), gradient.size(), 0.25);
        exchange->final_from(2 * gradient.size() / 3);
        throw std::runtime_error("the rank dies");
      }
      run_backward(backend, *exchange, gradient, communicator.rank(), 0.25, 6);
      exchange->wait();
    });
    CHECK(outcomes[1].error == "the rank dies");
    for (const std::size_t rank : {0u, 2u}) {
      CAPTURE(rank);
      CAPTURE(outcomes[rank].error);
      CHECK(outcomes[rank].code == int(ErrorCode::communication));
      CHECK(one_line(outcomes[rank].error));
      const std::string who = "rank " + std::to_string(rank) + ", step 4, gradient all-reduce: ";
      CHECK(outcomes[rank].error.rfind(who, 0) == 0);
      const char* const why = death == Death::seen ? "simulated failure" : "no progress for 1 s";
      CHECK(outcomes[rank].error.find(why) != std::string::npos);
    }
    CHECK(fake_aborts() == 3);  // each its own, so that its stream comes to an end
    CHECK(fake_communicators() == 0);
  }
}

TEST_CASE("every call to NCCL may fail on one rank: all end with one line and the code of communication") {
  for (const NcclCall call : kNcclCalls)
    for (const int failing : {0, 1}) {
      if (call == NcclCall::get_id && failing != 0) continue;  // only rank 0 makes it
      CAPTURE(int(call));
      CAPTURE(failing);
      reset_fake_nccl({.fails = call, .failing_rank = failing, .death = Death::silent});
      const std::vector<RankOutcome> outcomes = run_ranks(2, [&](Communicator& communicator) {
        std::vector<float> gradient(1000);
        StreamBackend backend;
        const std::unique_ptr<GradientExchange> exchange = make_nccl_exchange(backend, communicator, 0.5);
        run_backward(backend, *exchange, gradient, communicator.rank(), 0.5, 2);
        exchange->wait();
      });
      for (const RankOutcome& outcome : outcomes) {
        CAPTURE(outcome.error);
        CHECK(outcome.code == int(ErrorCode::communication));
        CHECK(one_line(outcome.error));
      }
      CHECK(outcomes[std::size_t(failing)].error.find("simulated failure") != std::string::npos);
      CHECK(fake_communicators() == 0);
    }
}

TEST_CASE("NCCL that never gets started ends after the timeout") {
  reset_fake_nccl({.polls_in_progress = 1 << 30, .death = Death::silent});
  const std::vector<RankOutcome> outcomes = run_ranks(2, [&](Communicator& communicator) {
    StreamBackend backend;
    make_nccl_exchange(backend, communicator, 0.5);
  });
  for (const RankOutcome& outcome : outcomes) {
    CHECK(outcome.code == int(ErrorCode::communication));
    CHECK(outcome.error.find("start of NCCL: no progress for 0.5 s") != std::string::npos);
  }
  CHECK(fake_communicators() == 0);
}

TEST_CASE("after an error no call succeeds") {
  reset_fake_nccl({.broken_after_calls = 0});
  const std::vector<RankOutcome> outcomes = run_ranks(1, [&](Communicator& communicator) {
    std::vector<float> gradient(1000);
    StreamBackend backend;
    const std::unique_ptr<GradientExchange> exchange = make_nccl_exchange(backend, communicator, 60.0);
    CHECK_THROWS_AS(run_backward(backend, *exchange, gradient, 0, 1.0, 2), Error);
    exchange->begin(gradient.data(), gradient.size(), 1.0);
  });
  CHECK(outcomes[0].code == int(ErrorCode::communication));
  CHECK(outcomes[0].error.find("NCCL has failed before") != std::string::npos);
  CHECK(fake_aborts() == 1);
}

}  // namespace rlnas
