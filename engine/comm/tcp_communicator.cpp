#include "engine/comm/tcp_communicator.h"

#include <algorithm>

#include "engine/comm/gradient_exchange.h"
#include "engine/comm/meeting.h"
#include "engine/comm/rank_sum.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

enum Kind : std::uint32_t { kAllReduce, kBroadcast, kAllGather };

char* bytes_of(const void* data) {
  return static_cast<char*>(const_cast<void*>(data));  // see Transfer::data
}

}  // namespace

TcpCommunicator::TcpCommunicator(const TcpSpec& spec)
    : Communicator(spec.place), spec_(spec), watchdog_(*this, spec.timeout_s) {
  Watchdog watchdog(*this, spec.meeting_timeout_s);
  watchdog.begin("meeting of the ranks");
  const MeetingPlace where{spec.host, spec.port};
  if (rank() == 0)
    peers_ = accept_ranks(spec.place, where, spec.token, watchdog);
  else
    peers_.push_back(join_root(spec.place, where, spec.token, watchdog));
  spec_.token.clear();
}

std::string TcpCommunicator::description() const {
  return "rank " + std::to_string(rank()) + " of " + std::to_string(size()) + ", by TCP (" + spec_.host +
         ":" + std::to_string(spec_.port) + ")";
}

void TcpCommunicator::begin(std::uint32_t kind, std::size_t bytes, const char* what) {
  watchdog_.begin(what);
  header_ = {kTcpMagic, kind, header_.sequence + 1, bytes};
}

std::vector<Transfer> TcpCommunicator::to_peers(const std::vector<char*>& data, std::size_t bytes) const {
  std::vector<Transfer> transfers;
  for (std::size_t i = 0; i < peers_.size(); ++i)
    transfers.push_back({&peers_[i], data[i], bytes, rank() == 0 ? int(i) + 1 : 0});
  return transfers;
}

void TcpCommunicator::collect(const void* mine, std::size_t bytes, const std::vector<char*>& slots) {
  if (rank() != 0) {
    move_all(Flow::send, {{&peers_[0], bytes_of(&header_), sizeof(header_), 0}}, watchdog_);
    move_all(Flow::send, {{&peers_[0], bytes_of(mine), bytes, 0}}, watchdog_);
    return;
  }
  std::vector<Header> headers(peers_.size());
  std::vector<char*> places;
  for (Header& header : headers) places.push_back(bytes_of(&header));
  move_all(Flow::receive, to_peers(places, sizeof(Header)), watchdog_);
  for (std::size_t i = 0; i < headers.size(); ++i)
    if (headers[i] != header_) watchdog_.fail("rank " + std::to_string(i + 1) + " is at another operation");
  move_all(Flow::receive, to_peers(slots, bytes), watchdog_);
}

void TcpCommunicator::distribute(void* data, std::size_t bytes) {
  const Flow flow = rank() == 0 ? Flow::send : Flow::receive;
  Header header = header_;
  move_all(flow, to_peers(std::vector<char*>(peers_.size(), bytes_of(&header)), sizeof(header)), watchdog_);
  if (header != header_) watchdog_.fail("rank 0 is at another operation");
  move_all(flow, to_peers(std::vector<char*>(peers_.size(), bytes_of(data)), bytes), watchdog_);
}

void TcpCommunicator::all_reduce_sum(float* values, std::size_t count, const char* what) {
  const std::size_t bytes = count * sizeof(float);
  begin(kAllReduce, bytes, what);
  std::vector<char*> slots;
  if (rank() == 0) {
    staging_.resize(count * peers_.size());
    for (std::size_t i = 0; i < peers_.size(); ++i) slots.push_back(bytes_of(staging_.data() + i * count));
  }
  collect(values, bytes, slots);
  if (rank() == 0)
    for (std::size_t i = 0; i < peers_.size(); ++i) add_rank(staging_.data() + i * count, count, values);
  distribute(values, bytes);
}

void TcpCommunicator::broadcast(void* data, std::size_t bytes, const char* what) {
  begin(kBroadcast, bytes, what);
  distribute(data, bytes);
}

void TcpCommunicator::all_gather(const void* mine, std::size_t bytes, void* all, const char* what) {
  begin(kAllGather, bytes, what);
  std::vector<char*> slots;
  for (int r = 1; r < size(); ++r) slots.push_back(bytes_of(all) + std::size_t(r) * bytes);
  if (rank() == 0) std::memcpy(all, mine, bytes);
  collect(mine, bytes, slots);
  distribute(all, bytes * std::size_t(size()));
}

std::unique_ptr<GradientExchange> TcpCommunicator::make_gradient_exchange(Device& device) {
  return make_rank_exchange(device, *this, spec_.timeout_s);
}

}  // namespace rlnas
