// The files of an image folder in the order of torchvision's ImageFolder: class folders by name, inside of
// one the files by folder and then by name. Only names are kept, packed: about 24 bytes a file of ImageNet
// (31 MB for its 1.28 million), where a std::string each would take 150.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/fingerprint.h"

namespace rlnas {

class ImageList {
 public:
  // Images are what torchvision takes for such by their names (.jpg .jpeg .png .ppm .bmp .pgm .tif .tiff
  // .webp in any case): those that are neither JPEG nor PNG are bad files when their turn comes. Names that
  // begin with a dot are left out. Without class folders the images of the directory itself make one class.
  // Errors: data for a directory that cannot be listed, or a class without images.
  static ImageList scan(const std::string& directory);

  std::size_t size() const { return name_ends_.size(); }
  int classes() const { return int(class_names_.size()); }
  const std::vector<std::string>& class_names() const {
    return class_names_;
  }  // one empty name: a flat folder
  const std::string& directory() const { return directory_; }
  // Images next to the class folders, which have no class ("PATH: why").
  const std::vector<std::string>& skipped() const { return skipped_; }

  std::string path(std::size_t index) const { return directory_ + "/" + relative_path(index); }
  std::int32_t label(std::size_t index) const { return folder_of(index).label; }
  std::vector<std::int32_t> labels() const;
  // Of the relative paths and labels of all files, and of the size and bytes of kSampledFiles of them, evenly
  // spaced, or of all if they are no more: of ImageNet 110 MB to read instead of 140 GB. A file that cannot
  // be read counts as such. Determinism: the same for any number of threads.
  static constexpr std::size_t kSampledFiles = 1024;
  DataFingerprint fingerprint(int threads) const;
  std::size_t memory_bytes() const;

 private:
  struct Folder {
    std::string name;       // relative to the directory; empty: itself
    std::size_t begin = 0;  // its first image
    std::int32_t label = 0;
  };
  const Folder& folder_of(std::size_t index) const;
  std::string relative_path(std::size_t index) const;
  std::uint32_t listing_crc() const;
  std::string_view name(std::size_t index) const;
  void add_class(const std::string& name);
  void add_file(const std::string& folder, std::string_view name, std::int32_t label);

  std::string directory_;
  std::vector<std::string> class_names_;
  std::vector<std::string> skipped_;
  std::vector<Folder> folders_;  // with images, in order
  std::string names_;            // one after the other
  std::vector<std::uint32_t> name_ends_;
};

// Errors: data, naming the first class that only one of them has: `evaluation` is to be of the same classes.
void check_same_classes(const ImageList& training, const ImageList& evaluation);

}  // namespace rlnas
