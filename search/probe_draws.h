// The random numbers of indicators: weights, inputs, signs, noise. Each list is known by a name, is the same
// whenever it is asked for, and is kept, since thousands of networks ask for the same ones.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace rlnas {

class ProbeDraws {
 public:
  explicit ProbeDraws(std::uint64_t seed) : seed_(seed) {}
  virtual ~ProbeDraws() = default;

  // Standard normal values.
  const std::vector<float>& normal(const std::string& name, std::size_t count);
  // -1 or 1, equally often.
  const std::vector<float>& signs(const std::string& name, std::size_t count);
  // Of a batch norm's gamma (around 1) and beta (around 0).
  virtual float affine_deviation() const { return 0.0f; }
  // Of 0 .. classes-1.
  std::vector<std::int32_t> labels(const std::string& name, std::size_t count, int classes);

 protected:
  // Tests put numbers of their own here.
  virtual std::vector<float> draw_normal(const std::string& name, std::size_t count) const;
  virtual std::vector<float> draw_signs(const std::string& name, std::size_t count) const;
  virtual std::vector<std::int32_t> draw_labels(const std::string& name, std::size_t count,
                                                int classes) const;

 private:
  using Kept = std::map<std::pair<std::string, std::size_t>, std::vector<float>>;

  std::uint64_t seed_;
  Kept normal_, signs_;
};

}  // namespace rlnas
