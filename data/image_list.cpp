#include "data/image_list.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <limits>

#include "data/file_io.h"
#include "data/parallel_for.h"
#include "engine/crc32.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

namespace fs = std::filesystem;

struct FoundFile {
  std::string folder;  // sorted by folder first, as sorted(os.walk()) does
  std::string name;

  friend auto operator<=>(const FoundFile&, const FoundFile&) = default;
};

bool is_image_name(const std::string& name) {
  static constexpr const char* kExtensions[] = {".jpg", ".jpeg", ".png",  ".ppm", ".bmp",
                                                ".pgm", ".tif",  ".tiff", ".webp"};
  if (name.empty() || name.front() == '.') return false;  // ._x.jpg are notes of another system
  std::string extension = fs::path(name).extension().string();
  for (char& c : extension) c = char(std::tolower(static_cast<unsigned char>(c)));
  return std::find(std::begin(kExtensions), std::end(kExtensions), extension) != std::end(kExtensions);
}

std::vector<FoundFile> find_images(const std::string& folder) {
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::follow_directory_symlink, error);
  std::vector<FoundFile> found;
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    check_interruption({"listing", found.size()});
    const std::string name = entry->path().filename().string();
    std::error_code type_error;  // a dangling link counts as a file: it is reported as unreadable
    if (is_image_name(name) && !entry->is_directory(type_error))
      found.push_back({entry->path().parent_path().string(), name});
  }
  RLNAS_CHECK(!error, data, folder, ": cannot be listed: ", error.message());
  RLNAS_CHECK(!found.empty(), data, folder, ": holds no .jpg, .jpeg or .png file");
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

void ImageList::add_file(const std::string& folder, std::string_view name, std::int32_t label) {
  if (folders_.empty() || folders_.back().label != label || folders_.back().name != folder)
    folders_.push_back({folder, size(), label});
  names_ += name;
  RLNAS_CHECK(names_.size() <= std::numeric_limits<std::uint32_t>::max(), data, directory_,
              ": too many images");
  name_ends_.push_back(std::uint32_t(names_.size()));
}

void ImageList::add_class(const std::string& name) {
  const std::int32_t label = classes();
  class_names_.push_back(name);
  const std::size_t prefix = directory_.size() + 1;
  for (const FoundFile& file : find_images(directory_ + "/" + name))
    add_file(file.folder.substr(prefix), file.name, label);
}

ImageList ImageList::scan(const std::string& directory) {
  check_directory(directory);
  ImageList list;
  list.directory_ = directory;
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
  if (class_folders.empty()) {
    RLNAS_CHECK(!loose.empty(), data, directory, ": holds no .jpg, .jpeg or .png file");
    list.class_names_.emplace_back();
    for (const std::string& name : loose) list.add_file("", name, 0);
  } else {
    for (const std::string& name : loose)
      list.skipped_.push_back(directory + "/" + name + ": lies outside of the class folders");
    for (const std::string& name : class_folders) list.add_class(name);
  }
  list.names_.shrink_to_fit();
  list.name_ends_.shrink_to_fit();
  return list;
}

const ImageList::Folder& ImageList::folder_of(std::size_t index) const {
  const auto after = std::upper_bound(folders_.begin(), folders_.end(), index,
                                      [](std::size_t i, const Folder& folder) { return i < folder.begin; });
  return *(after - 1);
}

std::string_view ImageList::name(std::size_t index) const {
  const std::size_t begin = index == 0 ? 0 : name_ends_[index - 1];
  return std::string_view(names_).substr(begin, name_ends_[index] - begin);
}

std::string ImageList::relative_path(std::size_t index) const {
  const std::string& folder = folder_of(index).name;
  return (folder.empty() ? folder : folder + "/") + std::string(name(index));
}

std::vector<std::int32_t> ImageList::labels() const {
  std::vector<std::int32_t> labels(size());
  for (std::size_t f = 0; f < folders_.size(); ++f) {
    const std::size_t end = f + 1 < folders_.size() ? folders_[f + 1].begin : size();
    std::fill(labels.begin() + std::ptrdiff_t(folders_[f].begin), labels.begin() + std::ptrdiff_t(end),
              folders_[f].label);
  }
  return labels;
}

std::uint32_t ImageList::listing_crc() const {
  std::uint32_t crc = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    const std::string line = relative_path(i) + "\n" + std::to_string(label(i)) + "\n";
    crc = crc32_of(line.data(), line.size(), crc);
  }
  return crc;
}

DataFingerprint ImageList::fingerprint(int threads) const {
  struct Sampled {
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
    std::uint32_t readable = 0;
  };
  static_assert(sizeof(Sampled) == 16);  // it is hashed as it lies
  std::vector<Sampled> sample(std::min(size(), kSampledFiles));
  parallel_for(threads, sample.size(), "loading", [&](std::size_t i) {
    try {
      const std::vector<std::uint8_t> file = read_bytes(path(i * size() / sample.size()));
      sample[i] = {.bytes = file.size(), .crc = crc32_of(file.data(), file.size()), .readable = 1};
    } catch (const Error&) {
      // Training may skip it, or says what is wrong with it.
    }
  });
  const std::uint32_t listing = listing_crc();
  return {.images = size(),
          .listing = listing,
          .contents = crc32_of(sample.data(), sample.size() * sizeof(Sampled), listing)};
}

std::size_t ImageList::memory_bytes() const {
  std::size_t bytes = names_.capacity() + name_ends_.capacity() * sizeof(std::uint32_t);
  for (const Folder& folder : folders_) bytes += sizeof folder + folder.name.capacity();
  return bytes;
}

void check_same_classes(const ImageList& training, const ImageList& evaluation) {
  std::vector<std::string> odd;
  std::set_symmetric_difference(training.class_names().begin(), training.class_names().end(),
                                evaluation.class_names().begin(), evaluation.class_names().end(),
                                std::back_inserter(odd));
  RLNAS_CHECK(odd.empty(), data, evaluation.directory(), " and ", training.directory(),
              ": not the same classes, the first that only one has: ", odd.empty() ? "" : odd.front());
}

}  // namespace rlnas
