/* rlnas for C, and for all that can call C. What each thing means is said in rlnas/kernels.hpp, network.hpp
 * and search.hpp.
 *
 *   rlnas_training* run = NULL;
 *   if (rlnas_training_new("nasbench201", &run) || rlnas_training_set(run, "data", "cifar10:cifar") ||
 *       rlnas_training_set(run, "out", "runs/a") || rlnas_training_run(run, NULL, NULL))
 *     fprintf(stderr, "%s\n", rlnas_last_error());
 *   rlnas_training_free(run);
 *
 * Functions that can fail return a status; RLNAS_OK is 0. Handles are used by one thread at a time, different
 * ones by as many as you like, and freed by their _free, which takes NULL. Strings given out as char** are
 * freed by rlnas_free; a const char* belongs to the handle it came from. Structs begin with their size,
 * sizeof as you compiled it, so that later versions can add fields at their end: RLNAS_INIT. Nothing prints,
 * exits or installs handlers. */
#ifndef RLNAS_H
#define RLNAS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RLNAS_C_API __attribute__((visibility("default")))
/* rlnas_shape shape = RLNAS_INIT(rlnas_shape); all else is 0. */
#ifdef __cplusplus
#define RLNAS_INIT(type)            \
  [] {                              \
    type rlnas_made{};              \
    rlnas_made.size = sizeof(type); \
    return rlnas_made;              \
  }()
#else
#define RLNAS_INIT(type) \
  { .size = sizeof(type) }
#endif

typedef enum rlnas_status {
  RLNAS_OK = 0,
  RLNAS_RUN_FAILED = 1,    /* the computation itself went wrong */
  RLNAS_USAGE = 2,         /* an argument, setting or architecture */
  RLNAS_DATA = 3,          /* a file */
  RLNAS_DEVICE = 4,        /* device, memory, or a library of the backend */
  RLNAS_COMMUNICATION = 5, /* another rank */
  RLNAS_INTERRUPTED = 6    /* a callback said so */
} rlnas_status;

RLNAS_C_API const char* rlnas_version(void);
/* One line on what went wrong in the last call of this thread that failed; until the next that does. */
RLNAS_C_API const char* rlnas_last_error(void);
RLNAS_C_API void rlnas_free(void* text);

typedef struct rlnas_progress {
  size_t size;
  int64_t step, steps;   /* done, of how many: of training; generations; networks measured */
  int64_t evaluated;     /* architectures, of a search */
  int32_t epoch;         /* of training, from 0 */
  double loss, accuracy; /* of training, over the epoch so far */
  double images_per_s;   /* likewise */
  double best_score;     /* of a search's generation */
  const char* best;      /* likewise: its architecture; else NULL */
} rlnas_progress;

/* Each may be NULL. They are called on the thread of the call that they were given to. */
typedef struct rlnas_callbacks {
  size_t size;
  void* user;                         /* passed to all of them */
  int32_t (*should_stop)(void* user); /* not 0: the call ends as soon as it can, with what can be kept */
  void (*progress)(void* user, const rlnas_progress* now);
  void (*log)(void* user, const char* line);
  /* Before the first step or measurement, every 20 ms: "loading" or "listing" files, "planning" memory and a
   * device's kernels, how far in bytes, images or paths; total 0: not known. */
  void (*preparing)(void* user, const char* what, uint64_t done, uint64_t total);
} rlnas_callbacks;

/* ---- training ---------------------------------------------------------------------------------- */
typedef struct rlnas_training rlnas_training;

typedef struct rlnas_training_result {
  size_t size;
  int64_t steps;
  int32_t interrupted; /* should_stop said so: the run can be resumed */
  double loss;         /* of the last epoch */
  double images_per_s;
  double top1; /* of the last test, 0..1; -1: there was none */
} rlnas_training_result;

/* The published recipe of a space. */
RLNAS_C_API rlnas_status rlnas_training_new(const char* space, rlnas_training** training);
RLNAS_C_API void rlnas_training_free(rlnas_training* training);
/* By the name and in the words of a flag of rlnas_train: "epochs", "12". */
RLNAS_C_API rlnas_status rlnas_training_set(rlnas_training* training, const char* name, const char* value);
/* Images [count, side, side, 3] in the caller's memory instead of "data", with labels below `classes`. They
 * are read by rlnas_training_run, and have to stay until then. */
RLNAS_C_API rlnas_status rlnas_training_images(rlnas_training* training, const uint8_t* pixels,
                                               const int32_t* labels, int64_t count, int32_t side,
                                               int32_t classes);
RLNAS_C_API rlnas_status rlnas_training_run(rlnas_training* training, const rlnas_callbacks* callbacks,
                                            rlnas_training_result* result);

/* ---- architectures and angles ------------------------------------------------------------------ */
/* JSON texts: ["nasbench201", ...]; a fixed sample of architectures; what one is, as rlnas_search --describe
 * --json;
 * [{"name", "help", "needs_supernet", "needs_images"}, ...]; [{"name", "shape"}, ...] of all trained tensors.
 */
RLNAS_C_API rlnas_status rlnas_spaces(char** json);
RLNAS_C_API rlnas_status rlnas_sample(const char* space, int32_t count, char** json);
/* classes, image_size: of the network that is counted; 0: as published. */
RLNAS_C_API rlnas_status rlnas_describe(const char* space, const char* arch, int32_t classes,
                                        int32_t image_size, char** json);
RLNAS_C_API rlnas_status rlnas_indicators(char** json);
RLNAS_C_API rlnas_status rlnas_supernet_tensors(const char* space, int32_t classes, char** json);

/* Radians, [count], of the SuperNet in a run directory. */
RLNAS_C_API rlnas_status rlnas_angles_of_run(const char* run_directory, const char* const* archs,
                                             size_t count, double* angles);
/* The same of weights in memory, of each tensor of the SuperNet: [tensors] names, pointers, sizes. */
RLNAS_C_API rlnas_status rlnas_angles_of_weights(const char* space, int32_t classes, const char* const* names,
                                                 const float* const* initial, const float* const* trained,
                                                 const int64_t* counts, size_t tensors,
                                                 const char* const* archs, size_t count, double* angles);
/* Of any network: w0.w1, |w0|^2 and |w1|^2 of each tensor of two float arrays, sums [tensors][3]. offsets,
 * counts: in floats. */
RLNAS_C_API rlnas_status rlnas_angle_sums(const float* w0, const float* w1, const int64_t* offsets,
                                          const int64_t* counts, size_t tensors, double* sums);
/* Of such sums, or of several added up; radians. */
RLNAS_C_API double rlnas_angle_of_sums(const double sums[3]);

/* ---- searches ---------------------------------------------------------------------------------- */
typedef struct rlnas_search rlnas_search;
typedef struct rlnas_report rlnas_report;

typedef struct rlnas_found {
  size_t size;
  const char* arch;     /* the report's */
  const double* values; /* the report's: of its indicators */
  size_t value_count;
  double score;
  int32_t rank, generation; /* from 1 */
  int32_t benchmark_index;  /* -1: none */
} rlnas_found;

/* The published search of a space; NULL: of the default one, until "space" or "supernet" says otherwise. */
RLNAS_C_API rlnas_status rlnas_search_new(const char* space, rlnas_search** search);
RLNAS_C_API void rlnas_search_free(rlnas_search* search);
/* By the name and in the words of a flag of rlnas_search: "supernet", "runs/a". */
RLNAS_C_API rlnas_status rlnas_search_set(rlnas_search* search, const char* name, const char* value);
/* One of your own, which "score" can then name. Writes the value of an architecture; not 0: the search is to
 * end. */
RLNAS_C_API rlnas_status rlnas_search_indicator(rlnas_search* search, const char* name,
                                                int32_t (*value)(void* user, const char* arch, double* value),
                                                void* user);
/* RLNAS_INTERRUPTED, and no report, when a callback says so. */
RLNAS_C_API rlnas_status rlnas_search_run(rlnas_search* search, const rlnas_callbacks* callbacks,
                                          rlnas_report** report);
/* How many values the score has, and these of some architectures without a search: values [count][terms]. */
RLNAS_C_API rlnas_status rlnas_search_terms(const rlnas_search* search, size_t* terms);
RLNAS_C_API rlnas_status rlnas_search_scores(rlnas_search* search, const char* const* archs, size_t count,
                                             const rlnas_callbacks* callbacks, double* values);

RLNAS_C_API void rlnas_report_free(rlnas_report* report);
RLNAS_C_API size_t
rlnas_report_evaluated(const rlnas_report* report); /* architectures, in order of evaluation */
RLNAS_C_API size_t rlnas_report_indicators(const rlnas_report* report);
RLNAS_C_API const char* rlnas_report_indicator(const rlnas_report* report, size_t indicator);
/* By its place among the evaluated, or by its rank (from 1). */
RLNAS_C_API rlnas_status rlnas_report_get(const rlnas_report* report, size_t place, rlnas_found* found);
RLNAS_C_API rlnas_status rlnas_report_rank(const rlnas_report* report, size_t rank, rlnas_found* found);
/* As rlnas_search writes it, of kind "text", "json" or "csv", or "profile" (empty unless "profile" was set);
 * NULL for another. */
RLNAS_C_API const char* rlnas_report_text(const rlnas_report* report, const char* kind);

/* ---- exports ----------------------------------------------------------------------------------- */
typedef struct rlnas_export_options {
  size_t size;
  const char *space, *arch; /* space NULL: that of the weights, or the default one */
  const char *trained,
      *supernet;               /* a file of a stand-alone run, or a run directory; both NULL: fresh weights */
  int32_t classes, image_size; /* 0: those of the weights, or as published */
} rlnas_export_options;
/* file: KIND:FILE, of kind onnx, pytorch, dot, json or svg. */
RLNAS_C_API rlnas_status rlnas_export(const rlnas_export_options* options, const char* file);

/* ---- kernels ----------------------------------------------------------------------------------- */
typedef struct rlnas_shape {
  size_t size;
  int32_t batch, channels, height, width; /* of the input; a matrix has height and width 1 */
  int32_t out_channels;                   /* of convolutions, linear layers; of copy_channels, 0: all */
  int32_t kernel, stride, padding;        /* 0: 1, 1, 0 */
  int32_t dilation, groups;               /* 0: 1 */
} rlnas_shape;

typedef struct rlnas_timing {
  size_t size;
  double min_ms, median_ms;
  uint64_t flops, bytes; /* on paper: every operand once */
} rlnas_timing;

/* ["conv_forward", ...]: all of rlnas/primitives.hpp. Sizes of a shape that one has no use for are ignored;
 * passes over the weight buffer (sgd_step, gradient_norm, angle_sums) are over `batch` tensors of [channels,
 * height, width], and augment_images has 3 channels. */
RLNAS_C_API rlnas_status rlnas_primitives(char** json);
/* device: auto, cpu, cuda[:N]; threads: 0: all cores. */
RLNAS_C_API rlnas_status rlnas_time_primitive(const char* primitive, const rlnas_shape* shape,
                                              const char* device, int32_t threads, int32_t repeats,
                                              rlnas_timing* timing);

/* ---- networks of your own ---------------------------------------------------------------------- */
typedef struct rlnas_graph rlnas_graph;
typedef struct rlnas_network rlnas_network;

typedef struct rlnas_layer {
  size_t size;
  int32_t out_channels;            /* of conv, linear, slice */
  int32_t kernel, stride, padding; /* of conv and pools; 0: 1, 1, 0 */
  int32_t dilation, groups;        /* of conv, channel_shuffle; 0: 1 */
  int32_t first_channel;           /* of slice */
} rlnas_layer;

RLNAS_C_API rlnas_status rlnas_graph_new(int32_t channels, int32_t height, int32_t width,
                                         rlnas_graph** graph);
RLNAS_C_API void rlnas_graph_free(rlnas_graph* graph);
/* kind: conv, batch_norm, relu, relu6, sum, concat, slice, channel_shuffle, avg_pool, max_pool,
 * global_avg_pool, linear, dropout, drop_path. Nodes are numbers; 0 is the images. name: of conv, batch_norm,
 * linear and the last two, else NULL. layer: NULL where the kind needs none. */
RLNAS_C_API rlnas_status rlnas_graph_add(rlnas_graph* graph, const char* kind, const char* name,
                                         const int32_t* inputs, size_t input_count, const rlnas_layer* layer,
                                         int32_t* node);
RLNAS_C_API rlnas_status rlnas_graph_output(rlnas_graph* graph, int32_t logits);
/* Of a node's value for one image, [height, width, channels]. */
RLNAS_C_API rlnas_status rlnas_graph_shape(const rlnas_graph* graph, int32_t node, int32_t shape[3]);
RLNAS_C_API int32_t rlnas_graph_classes(const rlnas_graph* graph); /* of the output; 0: there is none */
RLNAS_C_API int64_t rlnas_graph_macs(const rlnas_graph* graph);
RLNAS_C_API int64_t rlnas_graph_parameters(const rlnas_graph* graph);

typedef struct rlnas_fit_options {
  size_t size;
  int32_t epochs, batch;
  double learning_rate, min_learning_rate, momentum, weight_decay, label_smoothing;
} rlnas_fit_options;

typedef struct rlnas_loss {
  size_t size;
  double sum; /* of cross-entropies */
  int64_t correct, images;
} rlnas_loss;

typedef struct rlnas_network_options {
  size_t size;
  const char* device; /* auto, cpu, cuda[:N]; NULL: auto */
  int32_t threads;    /* 0: all cores */
  int32_t batch;      /* images that memory is reserved for; 0: 64 */
  uint64_t seed;
  double dropout, drop_path; /* probabilities, where the graph has such nodes */
} rlnas_network_options;

RLNAS_C_API rlnas_status rlnas_network_new(const rlnas_graph* graph, const char* device, int32_t threads,
                                           uint64_t seed, rlnas_network** network);
/* The same with more to say. Of the callbacks should_stop is asked, while memory is planned:
 * RLNAS_INTERRUPTED. */
RLNAS_C_API rlnas_status rlnas_network_make(const rlnas_graph* graph, const rlnas_network_options* options,
                                            const rlnas_callbacks* callbacks, rlnas_network** network);
RLNAS_C_API void rlnas_network_free(rlnas_network* network);
/* images [count, height, width, channels], labels [count]; only read. RLNAS_OK also when should_stop ended
 * it. */
RLNAS_C_API rlnas_status rlnas_network_fit(rlnas_network* network, const float* images, const int32_t* labels,
                                           size_t count, const rlnas_fit_options* options,
                                           const rlnas_callbacks* callbacks, rlnas_loss* last_epoch);
RLNAS_C_API rlnas_status rlnas_network_evaluate(rlnas_network* network, const float* images,
                                                const int32_t* labels, size_t count,
                                                const rlnas_callbacks* callbacks, rlnas_loss* loss);
/* By running statistics. logit_count: floats that logits has room for, count * classes. */
RLNAS_C_API rlnas_status rlnas_network_forward(rlnas_network* network, const float* images, size_t count,
                                               float* logits, size_t logit_count);

/* Step by step: a pass, the way back through it or from a loss, an update. What batch norms normalise by: */
typedef enum rlnas_statistics {
  RLNAS_STATISTICS_RUNNING = 0, /* the running ones: evaluation */
  RLNAS_STATISTICS_BATCH = 1,   /* the batch's own */
  RLNAS_STATISTICS_FOLLOW = 2   /* the batch's own, which the running ones follow: training */
} rlnas_statistics;

typedef struct rlnas_pass {
  size_t size;
  rlnas_statistics statistics;
  int32_t gradients;   /* not 0: rlnas_network_backward can follow */
  const int32_t* taps; /* nodes whose values are wanted besides the logits; with gradients no activations */
  size_t tap_count;
} rlnas_pass;

typedef struct rlnas_sgd {
  size_t size;
  double learning_rate, momentum, weight_decay;
  double max_gradient_norm; /* L2, over all weights; 0: any */
  int32_t nesterov;
} rlnas_sgd;

RLNAS_C_API rlnas_status rlnas_network_pass(rlnas_network* network, const float* images, size_t count,
                                            const rlnas_pass* pass, float* logits, size_t logit_count);
/* Back from d loss / d logits, [count, classes], through the last pass, which had gradients. What reaches the
 * weights adds up until rlnas_network_step. */
RLNAS_C_API rlnas_status rlnas_network_backward(rlnas_network* network, const float* seed, size_t count);
/* Of the last rlnas_network_pass, by a tap's place in its list: the node's values, [count, height, width,
 * channels], and after rlnas_network_backward d loss / d value; RLNAS_USAGE where none arrived. */
RLNAS_C_API rlnas_status rlnas_network_tap(const rlnas_network* network, size_t tap, float* values,
                                           size_t count);
RLNAS_C_API rlnas_status rlnas_network_tap_gradient(const rlnas_network* network, size_t tap, float* values,
                                                    size_t count);
/* Forward and back from the mean cross-entropy. */
RLNAS_C_API rlnas_status rlnas_network_gradients(rlnas_network* network, const float* images,
                                                 const int32_t* labels, size_t count, double label_smoothing,
                                                 rlnas_loss* loss);
/* The update by the gradients since the last one; rlnas_network_gradient gives them out before it. */
RLNAS_C_API rlnas_status rlnas_network_step(rlnas_network* network, const rlnas_sgd* sgd);
RLNAS_C_API rlnas_status rlnas_network_gradient(const rlnas_network* network, const char* name, float* values,
                                                size_t count);
RLNAS_C_API rlnas_status rlnas_network_forget_gradients(rlnas_network* network);

/* [{"name", "shape", "trained"}, ...]; running statistics are not trained. */
RLNAS_C_API rlnas_status rlnas_network_tensors(const rlnas_network* network, char** json);
RLNAS_C_API rlnas_status rlnas_network_get(const rlnas_network* network, const char* name, float* values,
                                           size_t count);
RLNAS_C_API rlnas_status rlnas_network_set(rlnas_network* network, const char* name, const float* values,
                                           size_t count);
/* How far all its weights turned since they were made, or since the last rlnas_network_mark_initial; radians.
 */
RLNAS_C_API rlnas_status rlnas_network_angle(rlnas_network* network, double* angle);
RLNAS_C_API rlnas_status rlnas_network_mark_initial(rlnas_network* network);

#ifdef __cplusplus
}
#endif

#endif /* RLNAS_H */
