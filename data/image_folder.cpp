#include <algorithm>
#include <cctype>
#include <filesystem>

#include "data/dataset_parts.h"
#include "data/file_io.h"
#include "data/image_codec.h"
#include "data/loaders.h"
#include "data/parallel_for.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

namespace fs = std::filesystem;

struct ImageFile {
  std::string folder;  // sorted by folder first, as sorted(os.walk()) does
  std::string name;
  int label = 0;

  std::string path() const { return folder + "/" + name; }
  friend auto operator<=>(const ImageFile& a, const ImageFile& b) {
    const auto by_folder = a.folder <=> b.folder;
    return by_folder != 0 ? by_folder : a.name <=> b.name;
  }
};

bool is_image_name(const std::string& name) {
  if (name.empty() || name.front() == '.') return false;  // ._x.jpg are notes of another system
  std::string extension = fs::path(name).extension().string();
  for (char& c : extension) c = char(std::tolower(static_cast<unsigned char>(c)));
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

void list_images(const std::string& folder, int label, std::vector<ImageFile>& files) {
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::follow_directory_symlink, error);
  std::vector<ImageFile> found;
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code type_error;  // a dangling link counts as a file: it is reported as unreadable
    if (is_image_name(name) && !entry->is_directory(type_error)) {
      found.push_back({entry->path().parent_path().string(), name, label});
    }
  }
  RLNAS_CHECK(!error, data, folder, ": cannot be listed: ", error.message());
  RLNAS_CHECK(!found.empty(), data, folder, ": holds no .jpg, .jpeg or .png file");
  std::sort(found.begin(), found.end());
  files.insert(files.end(), found.begin(), found.end());
}

// Fills in dataset.classes, and dataset.skipped with images that no class folder holds.
std::vector<ImageFile> list_folder(const std::string& directory, Dataset& dataset) {
  check_directory(directory);
  std::vector<std::string> class_folders, loose;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    std::error_code error;
    if (entry.is_directory(error)) {
      if (name.front() != '.') class_folders.push_back(name);
    } else if (is_image_name(name)) {
      loose.push_back(name);
    }
  }
  std::sort(class_folders.begin(), class_folders.end());
  std::sort(loose.begin(), loose.end());
  std::vector<ImageFile> files;
  if (class_folders.empty()) {
    for (const std::string& name : loose) files.push_back({directory, name, 0});
    RLNAS_CHECK(!files.empty(), data, directory, ": holds no .jpg, .jpeg or .png file");
    dataset.classes = 1;
    return files;
  }
  for (const std::string& name : loose) {
    dataset.skipped.push_back(directory + "/" + name + ": lies outside of the class folders");
  }
  for (const std::string& name : class_folders) list_images(directory + "/" + name, dataset.classes++, files);
  return files;
}

}  // namespace

Dataset load_image_folder(const std::string& directory, const LoadOptions& options) {
  RLNAS_CHECK(options.image_size >= 8 && options.image_size <= 1024, usage, "image size ", options.image_size,
              ": 8 to 1024 pixels can be used");
  Dataset dataset;
  dataset.name = "folder";
  dataset.height = dataset.width = options.image_size;
  const std::vector<ImageFile> files = list_folder(directory, dataset);
  dataset.images.resize(files.size() * dataset.image_bytes());
  std::vector<std::string> reasons(files.size());  // empty: the image is good
  parallel_for(files.size(), options.threads, [&](std::size_t i) {
    const std::string path = files[i].path();
    try {
      const RgbImage image = decode_image(read_bytes(path), options.image_size);
      resize_to_square(image, options.image_size, dataset.images.data() + i * dataset.image_bytes());
    } catch (const Error& error) {
      const std::string reason = error.what();
      reasons[i] = reason.starts_with(path) ? reason : path + ": " + reason;
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
    dataset.labels.push_back(files[i].label);
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
