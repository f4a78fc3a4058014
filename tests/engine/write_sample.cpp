// Writes the file that safetensors_test.py reads: write_sample PATH.
#include "engine/safetensors.h"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  rlnas::TensorFile file;
  file.tensors = {{"cells.0.edges.1<-0.3.op.1.weight", {2, 3}, {1, 2, 3, 4, 5, 6.5f}},
                  {"empty", {0, 4}, {}},
                  {"scalar", {}, {-0.1f}},
                  {"momentum.bias", {3}, {1e-40f, 3e38f, -0.0f}}};
  file.metadata = {{"step", "12"}, {"note", "quotes \" and \xc3\xa9"}};
  rlnas::write_safetensors(arguments[1], file);
}
