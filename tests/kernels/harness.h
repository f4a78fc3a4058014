// Runs one case on one backend: seeded inputs, outputs between sentinels, and everything comparable
// afterwards.
//
// Outputs start as NaN patterns (or as given, to test accumulation), so that an element left unwritten is
// seen; sentinels on both sides of every buffer, workspaces included, show a stray write; inputs must come
// back unchanged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/philox.h"
#include "kernels/backend.h"

namespace rlnas::test {

enum class ElementType { f32, bf16, f64, u8, loss_sums };

struct Output {
  std::string name;
  ElementType type;
  std::vector<std::byte> bytes;
};

// What lies around every buffer: our own sentinels, or nothing, for a backend whose memory a sanitizer
// watches.
enum class Guards { sentinels, sanitizer };

class Harness {
 public:
  // Two harnesses with the same seed hand out the same inputs.
  Harness(Backend& backend, const std::string& seed_name, Guards guards = Guards::sentinels);
  ~Harness();
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  Backend& backend() { return backend_; }
  RandomStream& random() { return random_; }

  std::vector<float> random_floats(std::size_t count, double low = -1.0, double high = 1.0);
  const float* input(std::size_t count, double low = -1.0, double high = 1.0) {
    return upload(random_floats(count, low, high));
  }
  // Activations and their gradients are stored as this from here on.
  void store_values_as(Element element) { element_ = element; }
  ConstValues values(std::size_t count, double low = -1.0, double high = 1.0) {
    return upload_values(random_floats(count, low, high));
  }
  ConstValues upload_values(const std::vector<float>& values);
  Values output_values(const std::string& name, std::size_t count);
  Values output_values(const std::string& name, const std::vector<float>& initial);

  template <class T>
  const T* upload(const std::vector<T>& values) {
    return static_cast<const T*>(add_input(values.data(), values.size() * sizeof(T)));
  }
  float* output(const std::string& name, std::size_t count) {
    return new_output<float>(name, ElementType::f32, count);
  }
  float* output(const std::string& name, const std::vector<float>& initial);
  Bf16* output_bf16(const std::string& name, std::size_t count) {
    return new_output<Bf16>(name, ElementType::bf16, count);
  }
  std::uint8_t* output_u8(const std::string& name, std::size_t count) {
    return new_output<std::uint8_t>(name, ElementType::u8, count);
  }
  AngleSums* output_angle_sums(const std::string& name, std::size_t count) {
    return new_output<AngleSums>(name, ElementType::f64, count);
  }
  GradientNorm* output_gradient_norm(const std::string& name) {
    return new_output<GradientNorm>(name, ElementType::f64, 1);
  }
  LossSums* output_loss_sums(const std::string& name) {
    return new_output<LossSums>(name, ElementType::loss_sums, 1);
  }
  Workspace workspace(std::size_t bytes);
  // With the scratch memory that the primitive asks for.
  template <class Primitive>
  void run(const Primitive& call) {
    const std::size_t bytes = backend_.workspace_bytes(call);
    backend_.run(call, bytes > 0 ? workspace(bytes) : Workspace{});
  }

  // Downloads every output; damage() then lists broken sentinels and changed inputs.
  std::vector<Output> finish();
  const std::vector<std::string>& damage() const { return damage_; }

 private:
  enum class Role { input, output, workspace };
  struct Buffer {
    Role role;
    std::string name;
    ElementType type;
    char* device;                    // with the sentinels
    std::size_t bytes;               // without
    std::vector<std::byte> initial;  // of an input
  };

  void* add_buffer(Role role, const std::string& name, ElementType type, const void* initial,
                   std::size_t bytes);
  const void* add_input(const void* values, std::size_t bytes);
  template <class T>
  T* new_output(const std::string& name, ElementType type, std::size_t count) {
    return static_cast<T*>(add_buffer(Role::output, name, type, nullptr, count * sizeof(T)));
  }

  Backend& backend_;
  RandomStream random_;
  Element element_ = Element::f32;
  std::size_t guard_bytes_;
  std::vector<Buffer> buffers_;
  std::vector<std::string> damage_;
};

// The largest error of `got`, each element's measured against the larger of its own size and the root mean
// square of its array; infinite for a NaN on one side only, or for integers that differ. Of what is stored as
// bf16 the error beyond the next number: where two results lie on either side of a tie they round apart.
double worst_error(const Output& expected, const Output& got);

// Of what is stored as bf16 the share that rounded to another number, of elements that are not small in their
// array and beyond the first two; 0 for other outputs.
double rounded_apart(const Output& expected, const Output& got);

}  // namespace rlnas::test
