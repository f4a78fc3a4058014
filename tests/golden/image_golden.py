#!/usr/bin/python3
"""Writes image_golden.json: what PIL, OpenCV and NumPy make of small synthetic images, for tests/data.

Run it with a Python that has all three (written with the versions in the file):  python3 image_golden.py
Pixels are hexadecimal, row by row, RGB; of a JPEG every fifth row. Source images are of the formula below, which the test repeats.
"""
import base64
import io
import json
import pathlib

import cv2
import numpy as np
import PIL
from PIL import Image, features


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


def lighting_cases():
    vectors = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]],
                       np.float32)
    values = np.array([0.2175, 0.0188, 0.0045], np.float32)
    for amounts in [(0.0, 0.0, 0.0), (0.05, -0.02, 0.1), (-0.31, 0.12, 0.03), (2.5, 0.0, -1.0)]:
        change = (vectors @ (values * np.array(amounts))).reshape(1, 1, -1)
        image = np.repeat(np.arange(256, dtype=np.float32), 3).reshape(1, 256, 3) / 255
        image += change
        image = image * 255
        image.clip(0, 255, out=image)
        yield dict(change=[float(v) for v in change.reshape(-1)], pixels=text(np.uint8(image)))


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


def main():
    golden = dict(versions=dict(pil=PIL.__version__, libjpeg_turbo=features.version_feature("libjpeg_turbo"),
                                opencv=cv2.__version__, numpy=np.__version__),
                  pattern=text(pattern(6, 16)), resize=list(resize_cases()), lighting=list(lighting_cases()),
                  jpeg=list(jpeg_cases()))
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, "bytes")


main()
