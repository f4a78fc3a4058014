#include <algorithm>

#include "data/dataset_parts.h"
#include "data/file_io.h"
#include "data/image_codec.h"
#include "data/image_list.h"
#include "data/loaders.h"
#include "data/parallel_for.h"
#include "kernels/check.h"

namespace rlnas {

Dataset load_image_folder(const DataSpec& spec, const LoadOptions& options) {
  const std::string& directory = spec.paths.front();
  RLNAS_CHECK(options.image_size >= 8 && options.image_size <= 1024, usage, "image size ", options.image_size,
              ": 8 to 1024 pixels can be used");
  Dataset dataset;
  dataset.name = "folder";
  dataset.height = dataset.width = options.image_size;
  const ImageList files = ImageList::scan(directory);
  dataset.classes = files.classes();
  dataset.skipped = files.skipped();
  dataset.images.resize(files.size() * dataset.image_bytes());
  std::vector<std::string> reasons(files.size());  // empty: the image is good
  parallel_for(options.threads, files.size(), "loading", [&](std::size_t i) {
    const std::string path = files.path(i);
    try {
      const RgbImage image = decode_image(read_bytes(path), options.image_size);
      resize_to_square(image, options.image_size, dataset.images.data() + i * dataset.image_bytes());
    } catch (const Error& error) {
      reasons[i] = named(path, error);
    }
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!reasons[i].empty()) {
      dataset.skipped.push_back(reasons[i]);
      continue;
    }
    const auto source = dataset.images.begin() + std::ptrdiff_t(i * dataset.image_bytes());
    if (kept != i) {
      std::copy_n(source, dataset.image_bytes(),
                  dataset.images.begin() + std::ptrdiff_t(kept * dataset.image_bytes()));
    }
    dataset.labels.push_back(files.label(i));
    ++kept;
  }
  dataset.images.resize(kept * dataset.image_bytes());
  RLNAS_CHECK(options.bad_files == BadFiles::skip || dataset.skipped.empty(), data, dataset.skipped.front(),
              " (", dataset.skipped.size(), " bad files in all; --strict-data makes them fatal)");
  RLNAS_CHECK(kept > 0, data, directory, ": none of its ", files.size(),
              " images can be read; the first: ", dataset.skipped.front());
  finish_dataset(dataset, directory);
  measure_normalisation(dataset);
  return dataset;
}

}  // namespace rlnas
