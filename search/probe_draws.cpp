#include "search/probe_draws.h"

#include "engine/philox.h"

namespace rlnas {
namespace {

template <class Kept, class Draw>
const std::vector<float>& kept_or(Kept& kept, const std::string& name, std::size_t count, const Draw& draw) {
  const auto [place, is_new] = kept.try_emplace({name, count});
  if (is_new) place->second = draw();
  return place->second;
}

}  // namespace

const std::vector<float>& ProbeDraws::normal(const std::string& name, std::size_t count) {
  return kept_or(normal_, name, count, [&] { return draw_normal(name, count); });
}

const std::vector<float>& ProbeDraws::signs(const std::string& name, std::size_t count) {
  return kept_or(signs_, name, count, [&] { return draw_signs(name, count); });
}

std::vector<std::int32_t> ProbeDraws::labels(const std::string& name, std::size_t count, int classes) {
  return draw_labels(name, count, classes);
}

std::vector<float> ProbeDraws::draw_normal(const std::string& name, std::size_t count) const {
  RandomStream stream(seed_, "probe/normal/" + name);
  std::vector<float> values(count);
  for (float& value : values) value = float(stream.normal());
  return values;
}

std::vector<float> ProbeDraws::draw_signs(const std::string& name, std::size_t count) const {
  RandomStream stream(seed_, "probe/signs/" + name);
  std::vector<float> values(count);
  for (float& value : values) value = (stream.next_u32() >> 31) != 0 ? 1.0f : -1.0f;
  return values;
}

std::vector<std::int32_t> ProbeDraws::draw_labels(const std::string& name, std::size_t count,
                                                  int classes) const {
  RandomStream stream(seed_, "probe/labels/" + name);
  std::vector<std::int32_t> labels(count);
  for (std::int32_t& label : labels) label = std::int32_t(stream.below(std::uint32_t(classes)));
  return labels;
}

}  // namespace rlnas
