/* The C ABI from C alone: a network of one's own, a primitive over shapes, an indicator of one's own. */
#include <rlnas/rlnas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                     \
  do {                                                                       \
    if (!(condition)) {                                                      \
      printf("line %d: %s: %s\n", __LINE__, #condition, rlnas_last_error()); \
      return 1;                                                              \
    }                                                                        \
  } while (0)

enum { SIDE = 8, CLASSES = 2, IMAGES = 256 };

static int add(rlnas_graph* graph, const char* kind, const char* name, int32_t input,
               const rlnas_layer* layer) {
  int32_t node = -1;
  return rlnas_graph_add(graph, kind, name, &input, 1, layer, &node) == RLNAS_OK ? node : -1;
}

static void count_step(void* user, const rlnas_progress* now) {
  if (now->step > 0) ++*(int*)user;
}

static int train_a_network(void) {
  rlnas_graph* graph = NULL;
  CHECK(rlnas_graph_new(1, SIDE, SIDE, &graph) == RLNAS_OK);
  rlnas_layer conv = RLNAS_INIT(rlnas_layer), linear = RLNAS_INIT(rlnas_layer);
  conv.out_channels = 8;
  conv.kernel = SIDE;
  linear.out_channels = CLASSES;
  int32_t x = add(graph, "conv", "conv", 0, &conv);
  x = add(graph, "relu", NULL, add(graph, "batch_norm", "norm", x, NULL), NULL);
  x = add(graph, "linear", "classifier", x, &linear);
  CHECK(x > 0);
  CHECK(rlnas_graph_output(graph, x) == RLNAS_OK);
  CHECK(add(graph, "magic", NULL, 0, NULL) == -1 && strstr(rlnas_last_error(), "magic") != NULL);

  static float images[IMAGES * SIDE * SIDE];
  static int32_t labels[IMAGES];
  uint32_t state = 5;
  for (int n = 0; n < IMAGES; ++n) {
    labels[n] = n % CLASSES;
    for (int i = 0; i < SIDE * SIDE; ++i) {
      state = state * 1664525u + 1013904223u;
      const float noise = (float)(state >> 8) / (float)(1 << 23) - 1.0f;
      images[n * SIDE * SIDE + i] = noise + ((i < SIDE * SIDE / 2) == (labels[n] == 0) ? 0.5f : 0.0f);
    }
  }
  rlnas_network* network = NULL;
  CHECK(rlnas_network_new(graph, "cpu", 1, 7, &network) == RLNAS_OK);
  rlnas_graph_free(graph);
  rlnas_fit_options fit = RLNAS_INIT(rlnas_fit_options);
  fit.epochs = 5;
  fit.batch = 32;
  fit.learning_rate = 0.05;
  fit.momentum = 0.9;
  int steps = 0;
  rlnas_callbacks callbacks = RLNAS_INIT(rlnas_callbacks);
  callbacks.user = &steps;
  callbacks.progress = count_step;
  rlnas_loss loss = RLNAS_INIT(rlnas_loss);
  CHECK(rlnas_network_fit(network, images, labels, IMAGES, &fit, &callbacks, &loss) == RLNAS_OK);
  CHECK(steps == 5 * IMAGES / 32 && loss.images == IMAGES);
  CHECK(rlnas_network_evaluate(network, images, labels, IMAGES, NULL, &loss) == RLNAS_OK);
  CHECK(loss.correct > IMAGES * 9 / 10);
  float logits[2 * CLASSES];
  CHECK(rlnas_network_forward(network, images, 2, logits, 3) == RLNAS_USAGE);
  CHECK(rlnas_network_forward(network, images, 2, logits, 2 * CLASSES) == RLNAS_OK);
  CHECK(logits[0] > logits[1] && logits[2] < logits[3]);
  double angle = 0.0;
  CHECK(rlnas_network_angle(network, &angle) == RLNAS_OK && angle > 0.001);
  printf("network: %d of %d right, turned by %.3f rad\n", (int)loss.correct, IMAGES, angle);
  rlnas_network_free(network);
  return 0;
}

typedef struct told {
  int loading, planning;
} told;

static void note(void* user, const char* what, uint64_t done, uint64_t total) {
  told* const seen = user;
  if (done > total) return;
  seen->loading += strcmp(what, "loading") == 0;
  seen->planning += strcmp(what, "planning") == 0;
}

static int32_t stop_planning(void* user) {
  return ((const told*)user)->planning > 0;
}

static int32_t stop_at_once(void* user) {
  (void)user;
  return 1;
}

/* What is done before the first step says how far it is; here that is all there is to be. */
static int stop_before_the_first_step(void) {
  rlnas_training* run = NULL;
  CHECK(rlnas_training_new("nasbench201", &run) == RLNAS_OK);
  CHECK(rlnas_training_set(run, "data", "noise:64") == RLNAS_OK);
  CHECK(rlnas_training_set(run, "image-size", "8") == RLNAS_OK);
  CHECK(rlnas_training_set(run, "data-threads", "1") == RLNAS_OK);
  CHECK(rlnas_training_set(run, "epochs", "3") == RLNAS_OK);
  CHECK(rlnas_training_set(run, "resume", "auto") == RLNAS_OK);
  CHECK(rlnas_training_set(run, "device", "cpu") == RLNAS_OK);
  CHECK(rlnas_training_set(run, "out", "from-c-run") == RLNAS_OK);
  told seen = {0, 0};
  rlnas_callbacks callbacks = RLNAS_INIT(rlnas_callbacks);
  callbacks.user = &seen;
  callbacks.preparing = note;
  callbacks.should_stop = stop_planning;
  rlnas_training_result result = RLNAS_INIT(rlnas_training_result);
  CHECK(rlnas_training_run(run, &callbacks, &result) == RLNAS_OK);
  CHECK(result.interrupted == 1 && seen.loading > 0 && seen.planning > 0);
  printf("stopped after %d steps\n", (int)result.steps);
  rlnas_training_free(run);

  rlnas_graph* graph = NULL;
  rlnas_network* network = NULL;
  rlnas_layer linear = RLNAS_INIT(rlnas_layer);
  linear.out_channels = CLASSES;
  CHECK(rlnas_graph_new(4, 1, 1, &graph) == RLNAS_OK);
  CHECK(rlnas_graph_output(graph, add(graph, "linear", "classifier", 0, &linear)) == RLNAS_OK);
  rlnas_network_options options = RLNAS_INIT(rlnas_network_options);
  options.device = "cpu";
  callbacks.should_stop = stop_at_once;
  CHECK(rlnas_network_make(graph, &options, &callbacks, &network) == RLNAS_INTERRUPTED && network == NULL);
  CHECK(rlnas_network_make(graph, &options, NULL, &network) == RLNAS_OK);
  rlnas_network_free(network);
  rlnas_graph_free(graph);
  return 0;
}

static float distance(const float* a, const float* b, int count) {
  float most = 0.0f;
  for (int i = 0; i < count; ++i) {
    const float apart = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
    if (apart > most) most = apart;
  }
  return most;
}

/* A pass with a tap, the way back from a gradient of one's own, an update; then a loop of one's own. */
static int train_step_by_step(void) {
  enum { FEATURES = 3 };
  rlnas_graph* graph = NULL;
  CHECK(rlnas_graph_new(2, 1, 1, &graph) == RLNAS_OK);
  rlnas_layer hidden = RLNAS_INIT(rlnas_layer), linear = RLNAS_INIT(rlnas_layer);
  hidden.out_channels = FEATURES;
  linear.out_channels = CLASSES;
  const int32_t features = add(graph, "conv", "hidden", 0, &hidden);
  const int32_t active = add(graph, "relu", NULL, features, NULL);
  CHECK(rlnas_graph_output(graph, add(graph, "linear", "classifier", active, &linear)) == RLNAS_OK);
  int32_t shape[3];
  CHECK(rlnas_graph_shape(graph, features, shape) == RLNAS_OK);
  CHECK(shape[0] == 1 && shape[1] == 1 && shape[2] == FEATURES);
  CHECK(rlnas_graph_shape(graph, 99, shape) == RLNAS_USAGE);
  rlnas_network* network = NULL;
  CHECK(rlnas_network_new(graph, "cpu", 1, 3, &network) == RLNAS_OK);
  rlnas_graph_free(graph);

  const float images[4] = {1.0f, 2.0f, -3.0f, 0.5f}, seed[2 * CLASSES] = {1.0f, 0.5f, -2.0f, 0.25f};
  float logits[2 * CLASSES], values[2 * FEATURES], gradients[2 * FEATURES], expected[2 * FEATURES];
  float w[FEATURES * 2], classifier[CLASSES * FEATURES];
  CHECK(rlnas_network_get(network, "hidden.weight", w, FEATURES * 2) == RLNAS_OK);
  CHECK(rlnas_network_get(network, "classifier.weight", classifier, CLASSES * FEATURES) == RLNAS_OK);
  const int32_t taps[2] = {features, active};
  rlnas_pass pass = RLNAS_INIT(rlnas_pass);
  pass.gradients = 1;
  pass.taps = taps;
  pass.tap_count = 2; /* an activation among them */
  CHECK(rlnas_network_pass(network, images, 2, &pass, logits, 2 * CLASSES) == RLNAS_USAGE);
  pass.tap_count = 1;
  CHECK(rlnas_network_backward(network, seed, 2 * CLASSES) == RLNAS_USAGE); /* through nothing */
  CHECK(rlnas_network_pass(network, images, 2, &pass, logits, 2 * CLASSES) == RLNAS_OK);
  CHECK(rlnas_network_tap_gradient(network, 0, gradients, 2 * FEATURES) == RLNAS_USAGE); /* too early */
  CHECK(rlnas_network_backward(network, seed, 2 * CLASSES) == RLNAS_OK);
  CHECK(rlnas_network_tap(network, 0, values, 2 * FEATURES) == RLNAS_OK);
  CHECK(rlnas_network_tap(network, 1, values, 2 * FEATURES) == RLNAS_USAGE);
  CHECK(rlnas_network_tap_gradient(network, 0, gradients, 2 * FEATURES) == RLNAS_OK);
  for (int n = 0; n < 2; ++n)
    for (int f = 0; f < FEATURES; ++f)
      expected[n * FEATURES + f] = w[f * 2] * images[n * 2] + w[f * 2 + 1] * images[n * 2 + 1];
  CHECK(distance(values, expected, 2 * FEATURES) < 1e-5f);
  for (int n = 0; n < 2; ++n)
    for (int f = 0; f < FEATURES; ++f) {
      float back = 0.0f;
      for (int k = 0; k < CLASSES; ++k) back += seed[n * CLASSES + k] * classifier[k * FEATURES + f];
      expected[n * FEATURES + f] = values[n * FEATURES + f] > 0.0f ? back : 0.0f;
    }
  CHECK(distance(gradients, expected, 2 * FEATURES) < 1e-5f);

  float of_weights[FEATURES * 2], after[FEATURES * 2];
  CHECK(rlnas_network_gradient(network, "hidden.weight", of_weights, FEATURES * 2) == RLNAS_OK);
  rlnas_sgd sgd = RLNAS_INIT(rlnas_sgd);
  sgd.learning_rate = 0.5;
  CHECK(rlnas_network_step(network, &sgd) == RLNAS_OK);
  CHECK(rlnas_network_get(network, "hidden.weight", after, FEATURES * 2) == RLNAS_OK);
  for (int i = 0; i < FEATURES * 2; ++i) {
    const int f = i / 2, c = i % 2;
    const float sum = gradients[f] * images[c] + gradients[FEATURES + f] * images[2 + c];
    expected[i] = sum;
    w[i] -= 0.5f * of_weights[i];
  }
  CHECK(distance(of_weights, expected, FEATURES * 2) < 1e-5f && distance(after, w, FEATURES * 2) < 1e-6f);

  const int32_t labels[2] = {0, 1};
  rlnas_loss loss = RLNAS_INIT(rlnas_loss);
  double first = 0.0;
  sgd.learning_rate = 0.1;
  sgd.momentum = 0.9;
  sgd.nesterov = 1;
  sgd.max_gradient_norm = 5.0;
  CHECK(rlnas_network_mark_initial(network) == RLNAS_OK);
  for (int step = 0; step < 100; ++step) {
    CHECK(rlnas_network_gradients(network, images, labels, 2, 0.0, &loss) == RLNAS_OK && loss.images == 2);
    if (step == 0) first = loss.sum;
    CHECK(rlnas_network_step(network, &sgd) == RLNAS_OK);
  }
  CHECK(loss.sum < first / 4 && loss.correct == 2);
  double angle = 0.0;
  CHECK(rlnas_network_angle(network, &angle) == RLNAS_OK && angle > 0.01);
  CHECK(rlnas_network_gradients(network, images, labels, 2, 0.0, &loss) == RLNAS_OK);
  CHECK(rlnas_network_forget_gradients(network) == RLNAS_OK);
  pass.statistics = (rlnas_statistics)7;
  CHECK(rlnas_network_pass(network, images, 2, &pass, logits, 2 * CLASSES) == RLNAS_USAGE);
  printf("step by step: loss %.3f, then %.3f\n", first / 2, loss.sum / 2);
  rlnas_network_free(network);
  return 0;
}

static int time_a_primitive(void) {
  for (int channels = 8; channels <= 32; channels *= 2) {
    rlnas_shape shape = RLNAS_INIT(rlnas_shape);
    shape.batch = 4;
    shape.channels = shape.out_channels = channels;
    shape.height = shape.width = 16;
    shape.kernel = 3;
    shape.padding = 1;
    rlnas_timing timing = RLNAS_INIT(rlnas_timing);
    CHECK(rlnas_time_primitive("conv_forward", &shape, "cpu", 1, 5, &timing) == RLNAS_OK);
    CHECK(timing.flops == 2ull * 4 * 16 * 16 * 9 * channels * channels);
    CHECK(timing.min_ms > 0.0 && timing.median_ms >= timing.min_ms);
    printf("conv %2d channels: %.3f ms, %.2f GFLOP/s\n", channels, timing.min_ms,
           (double)timing.flops / timing.min_ms / 1e6);
  }
  return 0;
}

static int32_t count_skips(void* user, const char* arch, double* value) {
  ++*(int*)user;
  *value = 0.0;
  for (const char* at = arch; (at = strstr(at, "skip_connect")) != NULL; ++at) *value += 1.0;
  return 0;
}

static int32_t give_up(void* user, const char* arch, double* value) {
  (void)user, (void)arch, (void)value;
  return 1;
}

static int search_by_an_indicator(void) {
  rlnas_search* search = NULL;
  int asked = 0;
  CHECK(rlnas_search_new("nasbench201", &search) == RLNAS_OK);
  CHECK(rlnas_search_indicator(search, "skips", count_skips, &asked) == RLNAS_OK);
  CHECK(rlnas_search_set(search, "score", "skips") == RLNAS_OK);
  CHECK(rlnas_search_set(search, "population", "20") == RLNAS_OK);
  CHECK(rlnas_search_set(search, "mutants", "10") == RLNAS_OK);
  CHECK(rlnas_search_set(search, "crossovers", "10") == RLNAS_OK);
  CHECK(rlnas_search_set(search, "generations", "many") == RLNAS_USAGE);
  CHECK(rlnas_search_set(search, "generations", "8") == RLNAS_OK);
  CHECK(rlnas_search_set(search, "nonsense", "8") == RLNAS_USAGE &&
        strstr(rlnas_last_error(), "nonsense") != NULL);
  rlnas_report* report = NULL;
  CHECK(rlnas_search_run(search, NULL, &report) == RLNAS_OK);
  CHECK(rlnas_report_evaluated(report) == 160 && asked == 160);
  rlnas_found best = RLNAS_INIT(rlnas_found);
  CHECK(rlnas_report_rank(report, 1, &best) == RLNAS_OK);
  CHECK(best.score >= 4.0 && best.rank == 1 && best.values[best.value_count - 1] == best.score);
  CHECK(strstr(rlnas_report_text(report, "csv"), "skips") != NULL &&
        rlnas_report_text(report, "xml") == NULL);
  printf("best of %d: %s\n", asked, best.arch);
  rlnas_report_free(report);
  rlnas_search_free(search);

  CHECK(rlnas_search_new(NULL, &search) == RLNAS_OK);
  CHECK(rlnas_search_indicator(search, "never", give_up, NULL) == RLNAS_OK);
  CHECK(rlnas_search_set(search, "score", "never") == RLNAS_OK);
  CHECK(rlnas_search_run(search, NULL, &report) == RLNAS_INTERRUPTED);
  rlnas_search_free(search);
  return 0;
}

/* A struct of a version that knew fewer fields. */
static int take_a_shorter_struct(void) {
  const float w0[4] = {1.0f, 0.0f, 2.0f, 0.0f}, w1[4] = {0.0f, 3.0f, 4.0f, 0.0f};
  const int64_t offsets[2] = {0, 2}, counts[2] = {2, 2};
  double sums[6];
  CHECK(rlnas_angle_sums(w0, w1, offsets, counts, 2, sums) == RLNAS_OK);
  CHECK(sums[0] == 0.0 && sums[1] == 1.0 && sums[2] == 9.0 && sums[3] == 8.0);
  CHECK(rlnas_angle_of_sums(sums) > 1.57 && rlnas_angle_of_sums(sums) < 1.58);
  struct {
    size_t size;
    double min_ms;
  } old = {sizeof old, 0.0};
  rlnas_shape shape = RLNAS_INIT(rlnas_shape);
  shape.batch = 2;
  shape.channels = 3;
  CHECK(rlnas_time_primitive("cross_entropy", &shape, "cpu", 1, 1, (rlnas_timing*)&old) == RLNAS_OK);
  CHECK(old.min_ms > 0.0 && old.size == sizeof old);
  shape.size = 0;
  CHECK(rlnas_time_primitive("cross_entropy", &shape, "cpu", 1, 1, NULL) == RLNAS_USAGE);
  return 0;
}

int main(void) {
  if (train_a_network() || train_step_by_step() || stop_before_the_first_step() || time_a_primitive() ||
      search_by_an_indicator() || take_a_shorter_struct())
    return 1;
  printf("%s\n", rlnas_version());
  return 0;
}
