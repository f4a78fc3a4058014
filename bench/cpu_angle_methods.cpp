// On the CPU: a plain read of the buffers, three dot products of the standard library on one thread, and
// those of a BLAS, which a flag names: OpenBLAS, MKL, whatever has cblas_sdot. BLAS adds up in fp32 and takes
// the buffer as a whole, so it does less than the primitive.
#include <dlfcn.h>

#include <atomic>
#include <numeric>

#include "bench/angle_method.h"
#include "engine/machine_peaks.h"
#include "kernels/cpu/parallel.h"

namespace rlnas::bench {
namespace {

std::size_t floats_of(const AngleOperands& operands) {
  return std::size_t(operands.table.buffer_count());
}

std::atomic<float> sink;  // so that no read can be left out

class Read final : public AngleMethod {
 public:
  explicit Read(const AngleOperands& operands) : operands_(operands) {}

  void run(int set) override {
    const AngleOperands::Set& of = operands_.sets[std::size_t(set)];
    const std::int64_t part = 1 << 16,
                       floats = std::int64_t(floats_of(operands_) / kReadFloats * kReadFloats);
    const std::int64_t parts = (floats + part - 1) / part, buffers = 1 + operands_.checkpoints();
    parallel_for(operands_.threads, parts * buffers, [&](std::int64_t i) {
      const float* const from = i < parts ? of.w0 : of.w1[std::size_t(i / parts - 1)];
      const std::int64_t begin = i % parts * part;
      sink = read_memory(from + begin, std::size_t(std::min(part, floats - begin)));
    });
  }
  std::vector<AngleSums> sums() override { return {}; }

 private:
  const AngleOperands& operands_;
};

// |w0|^2 once, and two sums a checkpoint, each a pass of its own.
class Dots : public AngleMethod {
 public:
  explicit Dots(const AngleOperands& operands) : operands_(operands) {}

  void run(int set) override {
    const AngleOperands::Set& of = operands_.sets[std::size_t(set)];
    const double norm0_sq = dot(of.w0, of.w0);
    sums_.clear();
    for (const float* const w1 : of.w1) sums_.push_back({dot(of.w0, w1), norm0_sq, dot(w1, w1)});
  }
  std::vector<AngleSums> sums() override { return sums_; }

 protected:
  virtual double dot(const float* a, const float* b) const = 0;

  const AngleOperands& operands_;

 private:
  std::vector<AngleSums> sums_;
};

class PlainDots final : public Dots {
 public:
  using Dots::Dots;

 private:
  double dot(const float* a, const float* b) const override {
    return std::inner_product(a, a + floats_of(operands_), b, 0.0);
  }
};

struct Blas {
  float (*sdot)(int count, const float* x, int x_step, const float* y, int y_step) = nullptr;
  void (*set_threads)(int threads) = nullptr;
};

Blas& blas() {
  static Blas loaded;
  return loaded;
}

class BlasDots final : public Dots {
 public:
  explicit BlasDots(const AngleOperands& operands) : Dots(operands) {
    if (blas().set_threads != nullptr) blas().set_threads(operands.threads);
  }

 private:
  double dot(const float* a, const float* b) const override {
    return double(blas().sdot(int(floats_of(operands_)), a, 1, b, 1));
  }
};

template <class Method>
std::unique_ptr<AngleMethod> make(const AngleOperands& operands) {
  return std::make_unique<Method>(operands);
}

}  // namespace

void use_blas(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  RLNAS_CHECK(library != nullptr, usage, "--blas ", path, ": not a library that can be loaded");
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
  };
  find("cblas_sdot", blas().sdot);
  find("openblas_set_num_threads", blas().set_threads);
  RLNAS_CHECK(blas().sdot != nullptr, usage, "--blas ", path, ": has no cblas_sdot");
}

std::vector<AngleMethodKind> cpu_angle_methods() {
  std::vector<AngleMethodKind> methods = {{"read", sizeof(float), make<Read>},
                                          {"three_plain_dots", sizeof(float), make<PlainDots>}};
  if (blas().sdot != nullptr) methods.push_back({"blas_dots", sizeof(float), make<BlasDots>});
  return methods;
}

}  // namespace rlnas::bench
