// How far the weights turned. Source: method.md 7.
#include <array>

#include "search/indicators/groups.h"
#include "search/search_space.h"

namespace rlnas {
namespace {

class Angles final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 2> list{
        IndicatorInfo{.name = "angle",
                      .key = "angle_rad",
                      .help = "angle between the initial and the trained weight vector (published)",
                      .heading = "   angle",
                      .format = "%8.6f",
                      .adds_up = true,
                      .needs = {.supernet = true}},
        IndicatorInfo{.name = "op-angle-sum",
                      .key = "op_angle_sum",
                      .help = "sum of each live operation's own angle",
                      .heading = "op-a.-sum",
                      .format = "%9.6f",
                      .needs = {.supernet = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    values[0] = with.space.angle_rad(genes);
    values[1] = with.space.op_angle_sum(genes);
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_angles() {
  return std::make_unique<Angles>();
}

}  // namespace rlnas
