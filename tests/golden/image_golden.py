#!/usr/bin/python3
"""Writes image_golden.json: what PIL, OpenCV and NumPy make of small synthetic images, for tests/data.

Run it with a Python that has all three (written with the versions in the file):  python3 image_golden.py
Pixels are hexadecimal, row by row, RGB; of a JPEG every fifth row; tensors are float32, base64. Source images are of
the formula below, which the test repeats.
"""
import base64
import io
import json
import pathlib

import cv2
import numpy as np
import PIL
from PIL import Image, ImageOps, features


def pattern(height, width):
    """Edges, ramps and noise: a hash of the place in parts of the image, smooth in others."""
    y, x = np.mgrid[0:height, 0:width].astype(np.uint32)
    planes = []
    for c in range(3):
        mixed = (x * 73856093) ^ (y * 19349663) ^ np.uint32(c * 83492791)
        noise = (mixed * 2654435761 >> 24) & 255
        smooth = (x * (3 + c) + y * (5 - c)) & 255
        planes.append(np.where((x // 7 + y // 5) % 3 == 0, noise, smooth))
    return np.stack(planes, -1).astype(np.uint8)


def text(pixels):
    return np.ascontiguousarray(np.asarray(pixels, np.uint8)).tobytes().hex()


def resize_cases():
    # height, width of the image; top, left, height, width of the crop; height, width of the output
    for image, crop, output in [
        ((40, 30), (0, 0, 40, 30), (12, 9)),
        ((40, 30), (3, 5, 20, 20), (8, 8)),
        ((40, 30), (7, 2, 11, 13), (24, 24)),
        ((33, 47), (1, 0, 31, 47), (31, 16)),
        ((33, 47), (0, 4, 33, 40), (16, 40)),
        ((90, 120), (11, 17, 71, 97), (10, 10)),
        ((24, 24), (4, 4, 16, 16), (8, 8)),
        ((5, 4), (1, 1, 1, 1), (6, 6)),
    ]:
        pixels = pattern(*image)
        top, left, height, width = crop
        part = np.ascontiguousarray(pixels[top:top + height, left:left + width])
        pil = Image.fromarray(pixels).crop((left, top, left + width, top + height))
        yield dict(image=image, crop=crop, output=output,
                   pil=text(pil.resize((output[1], output[0]), Image.BILINEAR)),
                   opencv=text(cv2.resize(part, (output[1], output[0]), interpolation=cv2.INTER_LINEAR)))


def lighting_change(amounts):
    vectors = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]],
                       np.float32)
    values = np.array([0.2175, 0.0188, 0.0045], np.float32)
    return vectors @ (values * np.array(amounts))


def lit(pixels, change):
    image = pixels.astype(np.float32) / 255
    image += change.reshape(1, 1, -1)
    image = image * 255
    image.clip(0, 255, out=image)
    return np.uint8(image)


def lighting_cases():
    levels = np.repeat(np.arange(256), 3).reshape(1, 256, 3)
    for amounts in [(0.0, 0.0, 0.0), (0.05, -0.02, 0.1), (-0.31, 0.12, 0.03), (2.5, 0.0, -1.0)]:
        change = lighting_change(amounts)
        yield dict(change=[float(v) for v in change], pixels=text(lit(levels, change)))


def jpeg_cases():
    smooth = Image.fromarray(pattern(12, 9)).resize((61, 45), Image.BICUBIC)
    for name, mode, options in [
        ("4:4:4", "RGB", dict(subsampling=0)),
        ("4:2:2", "RGB", dict(subsampling=1)),
        ("4:2:0", "RGB", dict(subsampling=2)),
        ("4:2:0 progressive", "RGB", dict(subsampling=2, progressive=True)),
        ("grey", "L", {}),
        ("four inks", "CMYK", {}),
        ("EXIF says turned", "RGB", dict(exif=turned())),
    ]:
        file = io.BytesIO()
        smooth.convert(mode).save(file, "JPEG", quality=75, **options)
        image = Image.open(io.BytesIO(file.getvalue())).convert("RGB")
        width, height = image.size
        # torchvision's Resize(16) and CenterCrop(14): evaluation at 14 pixels
        resized = image.resize((int(16 * width / height), 16), Image.BILINEAR)
        top, left = round((16 - 14) / 2), round((resized.size[0] - 14) / 2)
        yield dict(name=name, file=base64.b64encode(file.getvalue()).decode(), height=height, width=width,
                   pixels=text(np.asarray(image)[::5]), evaluation=text(resized.crop((left, top, left + 14, top + 14))))


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def floats(tensor):
    return base64.b64encode(np.ascontiguousarray(tensor, "<f4").tobytes()).decode()


# torchvision's ToTensor and Normalize, in its order of operations and in float32; its images stay HWC here.
def normalised(pixels, mean, std):
    tensor = np.asarray(pixels, np.float32) / np.float32(255)
    return (tensor - np.float32(mean)) / np.float32(std)


def published_crop(image, top, left, side, change, flip, size):
    """The training transform of the published ImageNet SuperNets, with its draws given (method.md 5)."""
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    part = np.zeros((side, side, 3), np.uint8)
    for y in range(side):
        for x in range(side):
            if 0 <= top + y < height and 0 <= left + x < width:
                part[y, x] = pixels[top + y, left + x]
    pixels = lit(cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR), change)
    return (pixels[:, ::-1] if flip else pixels).astype(np.float32) / np.float32(255)


def random_resized_crop(image, top, left, height, width, flip, size):
    """torchvision's RandomResizedCrop, RandomHorizontalFlip, ToTensor and Normalize, with their draws given."""
    image = image.crop((left, top, left + width, top + height)).resize((size, size), Image.BILINEAR)
    image = image.transpose(Image.FLIP_LEFT_RIGHT) if flip else image
    return normalised(image, (.485, .456, .406), (.229, .224, .225))


def center_crop(image, size):
    """torchvision's Resize(256 of 224), CenterCrop(224), ToTensor and Normalize, at another size."""
    shorter = round(size * 256 / 224)
    width, height = image.size
    wide = (shorter, int(shorter * height / width)) if width <= height else (int(shorter * width / height), shorter)
    image = image.resize(wide, Image.BILINEAR)
    left, top = round((wide[0] - size) / 2), round((wide[1] - size) / 2)
    return normalised(image.crop((left, top, left + size, top + size)), (.485, .456, .406), (.229, .224, .225))


def pipeline_cases(jpegs):
    """From the bytes of a file to the tensor that the network sees."""
    change = lighting_change((0.13, -0.07, 0.21))
    for name, crop, flip, size in [
        ("4:2:0", (5, 9, 31, 31), 1, 10),
        ("4:2:0 progressive", (-4, 3, 52, 52), 0, 11),  # taller than the image: black above and below
        ("4:4:4", (27, 40, 11, 11), 1, 13),             # stretched
    ]:
        image = jpegs[name]
        yield dict(kind="area", file=name, crop=crop, flip=flip, size=size, change=[float(v) for v in change],
                   tensor=floats(published_crop(image, crop[0], crop[1], crop[2], change, flip, size)))
    for name, crop, flip, size in [
        ("4:2:0", (3, 11, 33, 29), 1, 10),
        ("4:2:2", (0, 0, 45, 60), 0, 11),
        ("grey", (20, 30, 9, 12), 1, 13),
    ]:
        yield dict(kind="resized", file=name, crop=crop, flip=flip, size=size,
                   tensor=floats(random_resized_crop(jpegs[name], *crop, flip, size)))
    for name, size in [("4:2:0", 10), ("four inks", 11)]:
        yield dict(kind="center", file=name, size=size, tensor=floats(center_crop(jpegs[name], size)))


def shift_cases():
    """torchvision's RandomCrop(10, padding=2) and flip, in either order, of an image of the formula; cutout last."""
    image = Image.fromarray(pattern(10, 10))
    imagenet16 = dict(mean=(122.68, 116.66, 104.01), std=(63.22, 61.26, 65.09))
    darts = dict(mean=(.49139968 * 255, .48215827 * 255, .44653124 * 255),
                 std=(.24703233 * 255, .24348505 * 255, .26158768 * 255))
    # top, left: of the crop in the padded image
    for first, top, left, flip, cutout, constants in [
        ("flip", 0, 3, 1, None, imagenet16),
        ("flip", 4, 1, 0, None, imagenet16),
        ("crop", 3, 0, 1, (8, 3), darts),
        ("crop", 1, 4, 0, (5, 0), darts),
    ]:
        changed = image
        for step in (("flip", "crop") if first == "flip" else ("crop", "flip")):
            if step == "crop":
                padded = ImageOps.expand(changed, border=2, fill=0)
                changed = padded.crop((left, top, left + 10, top + 10))
            elif flip:
                changed = changed.transpose(Image.FLIP_LEFT_RIGHT)
        tensor = normalised(changed, np.array(constants["mean"]) / 255, np.array(constants["std"]) / 255)
        if cutout:  # the published Cutout, 6 wide, with the centre it drew
            rows = slice(*np.clip((cutout[0] - 3, cutout[0] + 3), 0, 10))
            columns = slice(*np.clip((cutout[1] - 3, cutout[1] + 3), 0, 10))
            tensor[rows, columns] = 0
        yield dict(first=first, top=top, left=left, flip=flip, cutout=cutout, **constants, tensor=floats(tensor))


def main():
    jpegs = list(jpeg_cases())
    decoded = {case["name"]: Image.open(io.BytesIO(base64.b64decode(case["file"]))).convert("RGB") for case in jpegs}
    golden = dict(versions=dict(pil=PIL.__version__, libjpeg_turbo=features.version_feature("libjpeg_turbo"),
                                opencv=cv2.__version__, numpy=np.__version__),
                  pattern=text(pattern(6, 16)), resize=list(resize_cases()), lighting=list(lighting_cases()),
                  jpeg=jpegs, pipeline=list(pipeline_cases(decoded)), shift=list(shift_cases()))
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, "bytes")


main()
