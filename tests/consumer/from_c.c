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
  if (train_a_network() || time_a_primitive() || search_by_an_indicator() || take_a_shorter_struct())
    return 1;
  printf("%s\n", rlnas_version());
  return 0;
}
