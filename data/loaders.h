// One loader for each kind of --data. Each returns a finished Dataset and throws data errors naming the file.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"

namespace rlnas {

// data_batch_1..5.bin or test_batch.bin: 3073-byte records (label, planar 32x32 RGB); DIR or
// DIR/cifar-10-batches-bin.
Dataset load_cifar10(const std::string& directory, const LoadOptions& options);

// train.bin or test.bin: 3074-byte records (coarse label, fine label, planar 32x32 RGB); the fine labels are
// taken.
Dataset load_cifar100(const std::string& directory, const LoadOptions& options);

// Files of data/imagenet16.h, one after the other, or one directory that holds exactly one of them.
Dataset load_imagenet16(const std::vector<std::string>& paths);

// train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz], or those of t10k; grey images of up to
// 32x32, centred on a black 32x32 square and repeated to three channels.
Dataset load_idx(const std::string& directory, const LoadOptions& options);

// JPEG and PNG files in the order of torchvision's ImageFolder: class folders by name, files by name. Without
// class folders the images of the directory itself make one class.
Dataset load_image_folder(const std::string& directory, const LoadOptions& options);

}  // namespace rlnas
