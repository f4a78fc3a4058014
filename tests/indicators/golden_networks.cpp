#include "tests/indicators/golden_networks.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>

#include "engine/crc32.h"
#include "search/choice_tables.h"
#include "search/spaces.h"
#include "tests/support/golden_dir.h"

namespace rlnas::golden {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15, kFurther = 1000003;

std::uint64_t splitmix64(std::uint64_t x) {
  x += kGolden;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

template <class T, class Draw>
std::vector<T> list_of(std::size_t count, const Draw& draw) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = T(draw(i));
  return values;
}

class HashDraws final : public ProbeDraws {
 public:
  explicit HashDraws(bool affine) : ProbeDraws(0), affine_(affine) {}
  float affine_deviation() const override { return affine_ ? 0.1f : 0.0f; }

 protected:
  std::vector<float> draw_normal(const std::string& name, std::size_t count) const override {
    return list_of<float>(count, [&](std::size_t i) { return hashed_normal(i, name); });
  }
  std::vector<float> draw_signs(const std::string& name, std::size_t count) const override {
    return list_of<float>(
        count, [&](std::size_t i) { return hashed_uniform(i, "signs " + name) < 0.5 ? -1.0 : 1.0; });
  }
  std::vector<std::int32_t> draw_labels(const std::string& name, std::size_t count,
                                        int classes) const override {
    return list_of<std::int32_t>(
        count, [&](std::size_t i) { return std::floor(classes * hashed_uniform(i, name)); });
  }

 private:
  bool affine_;
};

int option(const Json& about, const char* name, int otherwise) {
  return about.value(name, otherwise);
}

}  // namespace

double hashed_uniform(std::uint64_t i, const std::string& name, std::uint64_t further) {
  const std::uint64_t salt = crc32_of(name) + further;
  return double(splitmix64(i + salt * kGolden) >> 11) * 0x1p-53;
}

double hashed_normal(std::uint64_t i, const std::string& name) {
  return std::sqrt(-2.0 * std::log(hashed_uniform(i, name) + 0x1p-33)) *
         std::cos(2.0 * std::numbers::pi * hashed_uniform(i, name, kFurther));
}

Group::Group(const Json& about)
    : about_(about),
      space_(find_space(about["space"].get<std::string>())),
      network_{.kind = NetworkKind::stand_alone,
               .classes = 10,
               .image_size = about["size"].get<int>(),
               .channels = option(about, "channels", 0),
               .cells = option(about, "cells", 0),
               .width_divisor = option(about, "width_divisor", 1)},
      device_(choose_device("cpu", {.cpu = {.threads = 2}, .cuda = {}})),
      search_space_(make_search_space({.name = space_.name()})),
      classes_(std::make_unique<NetworkClasses>(space_)),
      probe_(std::make_unique<Probe>(
          *device_.backend, space_, ProbeOptions{network_, about["batch"].get<int>()},
          [affine = about["affine"].get<bool>()](int) { return std::make_unique<HashDraws>(affine); })) {}

Genes Group::without_idle_edges(Genes genes) const {
  if (classes_->count() == 0 || about_.contains("zero_fed")) return genes;
  const Genes same = classes_->representative(genes);
  for (std::int8_t& gene : genes) {
    const std::int8_t op = gene;
    gene = std::int8_t(space_.cells().front().of(0).none);
    if (classes_->representative(genes) != same) gene = op;
  }
  return genes;
}

std::vector<double> Group::measure(const std::vector<std::string>& indicators, const Genes& genes) {
  const Measuring with{.space = *search_space_, .probe = probe_.get(), .threads = 2};
  return IndicatorMeasure(with, indicators).measure({&genes, 1});
}

std::vector<float> Group::logits(const Genes& genes) {
  Probe::Network& network = probe_->network(genes);
  const Tensor logits =
      network.executor.forward(network.program({}), probe_->noise("input"), {.statistics = Statistics::batch})
          .logits;
  std::vector<float> all = network.executor.host(logits);
  all.resize(std::size_t(network_.classes));
  return all;
}

int Group::layers(const Genes& genes) const {
  return int(stand_alone_counts(space_, network_).layers.of(genes));
}

Group& Group::with_size(int size) {
  Json about = about_;
  about["size"] = size;
  if (!other_size_) other_size_ = std::make_unique<Group>(about);
  return *other_size_;
}

bool Group::is_deep() const {
  return network_.cells == 5 || space_.name() == "mobilenet";
}

std::string Group::title() const {
  return about_.dump();
}

void visit(const std::function<bool(const Json& about)>& wanted, const Visit& visit) {
  const Json golden = Json::parse(std::ifstream(test::golden_file("indicator_golden.json")));
  for (const Json& network : golden["networks"]) {
    Json about = network;
    about.erase("architectures");
    if (!wanted(about)) continue;
    Group group(about);
    for (const Json& architecture : network["architectures"]) visit(group, architecture);
  }
}

Genes genes_of(const Json& architecture) {
  Genes genes;
  const auto add = [&](const Json& gene) { genes.push_back(gene.get<std::int8_t>()); };
  for (const Json& one : architecture["genes"]) {
    if (!one.is_array()) add(one);
    if (one.is_array()) std::ranges::for_each(one, add);  // a kind of cells
  }
  return genes;
}

double number(const Json& value) {
  return value.is_string() ? std::stod(value.get<std::string>()) : value.get<double>();
}

}  // namespace rlnas::golden
