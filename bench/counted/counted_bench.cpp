// What the training step of each space does on a CUDA device, counted without one: kernels, library calls,
// copies, waits, bytes, operations, and the least time that follows (docs/cuda_counted.md).
//
//   rlnas_bench_counted [--space S] [--batch N] [--precision P] [--device h100_sxm|a100_sxm]
//                       [--graphs off|stages] [--paths N] [--kernels N] [--out FILE]
//
// Without --space all cases of the table in the documentation.
#include <cstdlib>
#include <iostream>

#include "bench/counted/counted_report.h"
#include "bench/counted/device_limits.h"
#include "bench/device.h"
#include "engine/atomic_file.h"
#include "kernels/words.h"
#include "search/recipes.h"

namespace rlnas::bench {
namespace {

struct Request {
  std::vector<CountedCase> cases;
  int kernels = 0;  // lines of the table of kernels
  std::string out;
};

int number_of(std::vector<char*>& arguments, const char* flag, int otherwise) {
  const std::string text = take_flag(arguments, flag);
  if (text.empty()) return otherwise;
  const int number = std::atoi(text.c_str());
  RLNAS_CHECK(number > 0, usage, flag, ": '", text, "' is no positive number");
  return number;
}

std::vector<CountedCase> all_cases() {
  std::vector<CountedCase> cases;
  for (const auto& [space, batches] :
       {std::pair{"nasbench201", std::vector{64}}, std::pair{"darts-cifar", std::vector{64, 96}},
        std::pair{"darts-imagenet", std::vector{256, 512}}, std::pair{"mobilenet", std::vector{256, 512}}})
    for (const int batch : batches)
      for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16})
        cases.push_back({.space = space, .batch = batch, .precision = precision});
  return cases;
}

Request request_of(std::vector<char*>& arguments) {
  const std::string space = take_flag(arguments, "--space"), precision = take_flag(arguments, "--precision"),
                    device = take_flag(arguments, "--device"), graphs = take_flag(arguments, "--graphs");
  Request request;
  CountedCase one;
  one.batch = number_of(arguments, "--batch", one.batch);
  one.paths = number_of(arguments, "--paths", one.paths);
  if (!precision.empty()) one.precision = parse_word<Precision>("--precision", precision);
  if (!device.empty()) one.device = device;
  RLNAS_CHECK(graphs.empty() || graphs == "off" || graphs == "stages", usage, "--graphs: '", graphs,
              "' is not one of off, stages");
  if (graphs == "stages") one.graphs = GraphCapture::stages;
  request.kernels = number_of(arguments, "--kernels", 0);
  request.out = take_flag(arguments, "--out");
  RLNAS_CHECK(arguments.size() == 1, usage, "unexpected argument ", arguments.back());

  request.cases = all_cases();
  limits_of(one.device);
  if (!space.empty()) {
    default_train_config(space);  // their errors before the table begins
    one.space = space;
    request.cases = {one};
  }
  for (CountedCase& of : request.cases) {
    of.device = one.device;
    of.graphs = one.graphs;
    of.paths = one.paths;
  }
  return request;
}

void run(const Request& request) {
  std::vector<CountedStep> steps;
  std::cout << "counted, not measured\n\n" << table_head() << std::endl;
  for (const CountedCase& of : request.cases) {
    steps.push_back(count_steps(of));
    std::cout << table_line(steps.back()) << std::endl;
  }
  for (const CountedStep& step : steps)
    if (request.kernels > 0)
      std::cout << '\n'
                << step.of.space << ", batch " << step.of.batch << ", " << word_of(step.of.precision)
                << "\n\n"
                << table_of_kernels(step, request.kernels);
  if (!request.out.empty()) write_file_atomically(request.out, json_of(steps));
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  using namespace rlnas;
  try {
    std::vector<char*> arguments(argv, argv + argc);
    bench::run(bench::request_of(arguments));
    return 0;
  } catch (const Error& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return int(error.code());
  }
}
