// Figures of training runs, beside each other: loss, learning rate, angle, test accuracy.
#pragma once

#include "search/report/figure.h"
#include "search/report/training_record.h"

namespace rlnas {

// None where no run has events.
std::vector<Figure> training_figures(const std::vector<TrainingRecord>& runs);

}  // namespace rlnas
