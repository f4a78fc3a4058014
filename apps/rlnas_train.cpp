#include <iostream>

#include "apps/passive_waiting.h"
#include "apps/train_app.h"

int main(int argc, char** argv) {
  rlnas::wait_passively(argv);
  return rlnas::train_main(argc, argv, std::cout, std::cerr);
}
