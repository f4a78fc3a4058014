// The kinds of --data: a loader for each, and the table of them all. A loader returns a finished Dataset and
// throws data errors naming the file.
#pragma once

#include "data/dataset.h"

namespace rlnas {

// data_batch_1..5.bin or test_batch.bin: 3073-byte records (label, planar 32x32 RGB); DIR or
// DIR/cifar-10-batches-bin.
Dataset load_cifar10(const DataSpec& spec, const LoadOptions& options);

// train.bin or test.bin: 3074-byte records (coarse label, fine label, planar 32x32 RGB); the fine labels are
// taken.
Dataset load_cifar100(const DataSpec& spec, const LoadOptions& options);

// Files of the layout in data/imagenet16.cpp, one after the other, or one directory that holds exactly one of
// them.
Dataset load_imagenet16(const DataSpec& spec, const LoadOptions& options);

// train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz], or those of t10k; grey images of up to
// 32x32, centred on a black 32x32 square and repeated to three channels.
Dataset load_idx(const DataSpec& spec, const LoadOptions& options);

// JPEG and PNG files in the order of torchvision's ImageFolder: class folders by name, files by name. Without
// class folders the images of the directory itself make one class.
Dataset load_image_folder(const DataSpec& spec, const LoadOptions& options);

// One array of images (uint8 [N,H,W,3], square), then one of labels (integers [N]) where there are any;
// without, all are of one class. Classes: one more than the largest label. The path says which part it is.
Dataset load_npy(const DataSpec& spec, const LoadOptions& options);

// Made, not read: data/synthetic.h. The test images are those of another seed.
Dataset load_synthetic(const DataSpec& spec, const LoadOptions& options);

// Likewise: every value of every image by chance alone. data/noise.cpp.
Dataset load_noise(const DataSpec& spec, const LoadOptions& options);

// What stands behind the colon.
enum class DataArgument { directory, files, count };

struct DataKind {
  const char* name;
  const char* form;  // as it is written, for --help and errors
  DataArgument argument;
  Dataset (*load)(const DataSpec& spec, const LoadOptions& options);
};

inline constexpr DataKind kDataKinds[] = {
    {"cifar10", "cifar10:DIR", DataArgument::directory, load_cifar10},
    {"cifar100", "cifar100:DIR", DataArgument::directory, load_cifar100},
    {"imagenet16", "imagenet16:FILE[,FILE...]", DataArgument::files, load_imagenet16},
    {"idx", "idx:DIR", DataArgument::directory, load_idx},
    {"folder", "folder:DIR", DataArgument::directory, load_image_folder},
    {"npy", "npy:IMAGES[,LABELS]", DataArgument::files, load_npy},
    {"synthetic", "synthetic[:N]", DataArgument::count, load_synthetic},
    {"noise", "noise[:N]", DataArgument::count, load_noise},
};

}  // namespace rlnas
