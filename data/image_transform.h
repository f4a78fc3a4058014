// What happens to one decoded image on its way into a batch, by the definitions of the published code:
//   area crop    SuperNets on ImageNet and the retraining of DARTS (method.md 5): a square of a part
//                U(0.08, 1) of the image's area, black where it leaves the image, OpenCV's bilinear resize,
//                PCA lighting, flip; pixels over 255.
//   resized crop torchvision's RandomResizedCrop(size) and flip, ImageNet's normalisation: the retraining of
//                MobileNet (method.md 10).
//   centre crop  evaluation: shorter side to 256 of 224, PIL's bilinear, the middle.
// Every draw is from the stream of (seed, epoch, image); the flip itself is left to the device.
#pragma once

#include <array>
#include <cstdint>

#include "data/batch_source.h"
#include "data/image_codec.h"
#include "data/resample.h"
#include "engine/philox.h"

namespace rlnas {

enum class Crop { area, resized, center };
enum class Lighting { none, pca };
enum class Flip { none, random };
// Whether a JPEG four times as large as needed, or more, may be reduced by 2, 4 or 8 as it is decoded, before
// PIL's filter. That is not quite PIL's result: less than 1.5 levels off in the mean over an image.
enum class JpegReduction { never, allowed };

struct ImageTransform {
  Crop crop = Crop::area;
  int size = 224;  // of the output, both ways
  ResizeFilter filter = ResizeFilter::opencv_bilinear;
  Lighting lighting = Lighting::pca;
  Flip flip = Flip::random;
  Normalisation normalisation = kUnitRange;
  JpegReduction reduction = JpegReduction::never;
};

ImageTransform published_training_transform(int size);
ImageTransform standard_training_transform(int size);
ImageTransform evaluation_transform(int size, const Normalisation& normalisation);

// A part of the image, possibly reaching outside, that is resized to height x width; of the result the
// transform's size x size pixels from (top, left) on are wanted.
struct CropPlan {
  PixelBox box;
  int height = 0;
  int width = 0;
  int top = 0;
  int left = 0;
};

CropPlan draw_crop(const ImageTransform& transform, ImageSize image, RandomStream& random);

// What the lighting adds to red, green and blue, on the scale 0..1.
std::array<double, 3> draw_lighting(RandomStream& random);
void add_lighting(const std::array<double, 3>& change, std::uint8_t* pixels, std::size_t count);

// Reused from image to image.
struct TransformScratch {
  RgbImage decoded;
  RgbImage padded;
  ResizeScratch resize;
};

// All that is random about one image.
struct ImageDraws {
  ImageSize image = {};  // its size
  CropPlan crop = {};
  std::array<double, 3> lighting{};  // with Lighting::pca
  AugmentParams params = {};
};

ImageDraws draw_transform(const ImageTransform& transform, ImageSize image, RandomStream& random);

// Decodes what of the file is needed, and leaves draws.params to the device. Shapes: output [size, size, 3].
// Errors: data, with the reason but not the file's name.
void apply_transform(ImageBytes file, const ImageTransform& transform, const ImageDraws& draws,
                     TransformScratch& scratch, std::uint8_t* output);

// Both of them. Determinism: a function of file, transform and stream.
AugmentParams transform_image(ImageBytes file, const ImageTransform& transform, RandomStream& random,
                              TransformScratch& scratch, std::uint8_t* output);

}  // namespace rlnas
