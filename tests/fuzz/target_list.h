// The targets; they lie in files by the layer that they attack.
#pragma once

#include "tests/fuzz/targets.h"

namespace rlnas::fuzz {

// data_targets.cpp: what lies below search/
void safetensors(Bytes bytes);
void idx(Bytes bytes);
void npy(Bytes bytes);
void cifar(Bytes bytes);
void imagenet16(Bytes bytes);
void jpeg(Bytes bytes);
void png(Bytes bytes);
// run_targets.cpp: what runs leave and are given
void resume_state(Bytes bytes);
void run_json(Bytes bytes);
void events(Bytes bytes);
void search_state(Bytes bytes);
void config(Bytes bytes);
void greeting(Bytes bytes);
// search_targets.cpp: tables, texts and spaces of searches
void architecture(Bytes bytes);
void truth_csv(Bytes bytes);
void scores_csv(Bytes bytes);
void space_file(Bytes bytes);

}  // namespace rlnas::fuzz
