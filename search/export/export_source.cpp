#include "search/export/export_source.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "kernels/check.h"
#include "kernels/words.h"
#include "ops/network_layout.h"
#include "search/checkpoint.h"
#include "search/checkpoint_angles.h"
#include "search/run_directory.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

constexpr const char* kAuxiliaryPrefix = "auxiliary_head.";

std::string directory_of(const std::string& file) {
  const std::string directory = std::filesystem::path(file).parent_path().string();
  return directory.empty() ? "." : directory;
}

bool has_auxiliary_head(const TensorFile& file) {
  return std::ranges::any_of(file.tensors,
                             [](const NamedTensor& t) { return t.name.starts_with(kAuxiliaryPrefix); });
}

class Reader {
 public:
  explicit Reader(const ExportSource& source) : source_(source) {}

  ExportNetwork read() {
    RLNAS_CHECK(source_.trained.empty() || source_.supernet.empty(), usage,
                "--export: the weights are those of --trained FILE, a network trained by itself, or those of "
                "--supernet DIR; name one of them");
    if (!source_.trained.empty())
      trained();
    else if (!source_.supernet.empty())
      supernet();
    else
      fresh();
    return std::move(network_);
  }

 private:
  void open(const std::string& space) {
    space_ = &find_space(space);
    genes_ = space_->parse(source_.arch);
    RLNAS_CHECK(space_->valid(genes_), usage, "--describe: ", space_->rule());
    network_.space = space_->name();
    network_.arch = space_->text(genes_);
  }

  // What a checkpoint says of itself; its space is known from here on.
  CheckpointKind kind_of(const std::string& path) const {
    const CheckpointKind kind = checkpoint_kind(path, source_.space);
    RLNAS_CHECK(source_.classes == 0 || source_.classes == kind.classes, usage, "--classes ", source_.classes,
                ": ", path, " has ", kind.classes, "; leave out --classes");
    return kind;
  }

  int image_size_of(const std::optional<RecordedRun>& run) const {
    if (source_.image_size > 0) return source_.image_size;
    return run ? run->config.data.image_size : search_defaults(space_->name()).image_size;
  }

  void fresh() {
    open(source_.space.empty() ? default_space().name() : source_.space);
    const SearchDefaults defaults = search_defaults(space_->name());
    build(space_->published_stand_alone(source_.classes > 0 ? source_.classes : defaults.classes,
                                        image_size_of({})));
    const Initializer initializer = space_->retrain_recipe().recipe.initializer;
    const NetworkLayout layout(network_.graph, initializer);
    append_tensors(network_.tensors, layout.tensors().parameters(), layout.tensors().initial_parameters(0),
                   "");
    append_tensors(network_.tensors, layout.tensors().statistics(), layout.tensors().initial_statistics(),
                   "");
    network_.weights = std::string("fresh, not trained (initializer ") + word_of(initializer) + ", seed 0)";
  }

  void trained() {
    const std::string& path = source_.trained;
    const std::optional<RecordedRun> run = RunDirectory(directory_of(path)).recorded();
    const CheckpointKind kind = kind_of(path);
    open(kind.space);
    RLNAS_CHECK(!run || !run->config.network.arch.empty(), usage, "--trained ", path,
                ": of a SuperNet; its path is exported by --supernet ", directory_of(path));
    RLNAS_CHECK(!run || space_->parse(run->config.network.arch) == genes_, usage, "--trained ", path,
                ": was trained as another architecture, --arch ", run->config.network.arch);
    NetworkOptions options = space_->published_stand_alone(kind.classes, image_size_of(run));
    if (run) {
      options.channels = run->config.network.channels;
      options.cells = run->config.network.cells;
    }
    const TensorFile file = read_safetensors(path);
    options.auxiliary_weight = has_auxiliary_head(file) ? 1.0 : 0.0;
    build(options);
    take_tensors(file, path);
    network_.weights = "trained, " + path;
  }

  void supernet() {
    const RunDirectory directory(source_.supernet);
    RLNAS_CHECK(directory.exists(), data, "--supernet ", source_.supernet, ": no such directory");
    const std::optional<RecordedRun> run = directory.recorded();
    RLNAS_CHECK(!run || run->config.network.arch.empty(), usage, "--supernet ", source_.supernet,
                ": of a network trained by itself; name its weights by --trained ", directory.latest_file());
    const std::string path = directory.latest_file();
    const CheckpointKind kind = kind_of(path);
    open(kind.space);
    build({.kind = NetworkKind::supernet, .classes = kind.classes, .image_size = image_size_of(run)});
    take_tensors(read_safetensors(path), path);
    network_.weights =
        "inherited from the SuperNet, " + path + " (whose running statistics are of no one path)";
  }

  void build(const NetworkOptions& options) {
    network_.classes = options.classes;
    network_.graph = space_->network(options, {&genes_, 1});
    network_.nodes = nodes_that_run(network_.graph);
  }

  void take_tensors(const TensorFile& file, const std::string& path) {
    const NetworkLayout layout(network_.graph, Initializer::pytorch);
    for (const SegmentTable* table : {&layout.tensors().parameters(), &layout.tensors().statistics()}) {
      const std::vector<float> values = read_tensors(file, path, *table, "");
      RLNAS_CHECK(all_finite(values), data, path, ": holds NaN or infinite weights");
      append_tensors(network_.tensors, *table, values, "");
    }
  }

  const ExportSource& source_;
  const Space* space_ = nullptr;
  Genes genes_;
  ExportNetwork network_;
};

}  // namespace

ExportNetwork read_export_network(const ExportSource& source) {
  return Reader(source).read();
}

}  // namespace rlnas
