#!/usr/bin/env python3
"""Converts the ImageNet16 pickles (Chrabaszcz et al. 2017) into the file that `--data imagenet16:FILE` reads.

    scripts/convert_imagenet16.py DIR OUTPUT [--classes K]

    scripts/convert_imagenet16.py ~/ImageNet16 imagenet16-120.rlnas16
    rlnas_train --data imagenet16:imagenet16-120.rlnas16 ...

DIR holds train_data_batch_1 .. train_data_batch_10: dicts with 'data', uint8 [n, 768] (planar 16x16 RGB), and
'labels', 1-based. Images with labels 1..K are kept, in file order (K = 120 gives ImageNet16-120, 151,700 images).

Layout of OUTPUT, all numbers little-endian (the same text stands in data/imagenet16.cpp):
    offset  bytes  what
         0      8  magic "RLNASI16"
         8      4  version = 1
        12      4  count N
        16      4  height H (16)
        20      4  width W (16)
        24      4  classes K, 1..65536
        28      4  CRC-32 of the bytes 0..27, the labels and the images
        32     2N  labels, uint16, 0-based
   32 + 2N  3NHW  images, uint8 [N, H, W, 3]

Needs Python 3 and NumPy. Unpickling runs what the file says, so only NumPy arrays and plain containers are let in.
Exit codes: 0 done, 2 usage, 3 bad data. OUTPUT appears whole or not at all.
"""
import argparse
import os
import pickle
import struct
import sys
import zlib

import numpy as np

SIDE = 16
BATCHES = 10


class DataError(Exception):
    pass


class ArrayUnpickler(pickle.Unpickler):
    """Refuses every global that a pickled NumPy array does not need."""

    ALLOWED = {
        ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
        ("numpy.core.multiarray", "_reconstruct"), ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"),
        ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"),
    }

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise DataError(f"refuses to load {module}.{name}")
        return super().find_class(module, name)


def read_batch(path):
    """Returns images uint8 [n, 768] and labels int64 [n] of one pickle."""
    try:
        with open(path, "rb") as file:
            batch = ArrayUnpickler(file, encoding="latin1").load()
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror}") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except Exception as error:
        raise DataError(f"{path}: not a whole pickle: {error}") from error
    if not isinstance(batch, dict) or "data" not in batch or "labels" not in batch:
        raise DataError(f"{path}: expected a dict with 'data' and 'labels'")
    data, labels = np.asarray(batch["data"]), np.asarray(batch["labels"], dtype=np.int64)
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3 * SIDE * SIDE:
        raise DataError(f"{path}: 'data' is {data.dtype} {list(data.shape)}, expected uint8 [n, {3 * SIDE * SIDE}]")
    if labels.shape != (len(data),):
        raise DataError(f"{path}: {labels.size} labels for {len(data)} images")
    if labels.size and labels.min() < 1:
        raise DataError(f"{path}: record {int(labels.argmin())} has label {labels.min()}; labels start at 1")
    return data, labels


def convert(directory, output, classes):
    """Writes the converted file and returns the number of images in each class."""
    images, labels = [], []
    for number in range(1, BATCHES + 1):
        batch_images, batch_labels = read_batch(os.path.join(directory, f"train_data_batch_{number}"))
        keep = batch_labels <= classes
        planar = batch_images[keep].reshape(-1, 3, SIDE, SIDE)
        images.append(np.ascontiguousarray(planar.transpose(0, 2, 3, 1)))
        labels.append((batch_labels[keep] - 1).astype("<u2"))
    images, labels = np.concatenate(images), np.concatenate(labels)
    if len(labels) == 0:
        raise DataError(f"{directory}: no image has a label in 1..{classes}")
    header = struct.pack("<8sIIIII", b"RLNASI16", 1, len(labels), SIDE, SIDE, classes)
    crc = zlib.crc32(images, zlib.crc32(labels, zlib.crc32(header)))
    temporary = f"{output}.tmp{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            for part in (header, struct.pack("<I", crc), labels, images):
                file.write(part)
        os.replace(temporary, output)
    except OSError as error:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise DataError(f"{output}: cannot be written: {error.strerror}") from error
    return np.bincount(labels, minlength=classes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="folder with train_data_batch_1..10")
    parser.add_argument("output", help="file to write, usually *.rlnas16")
    parser.add_argument("--classes", type=int, default=120, help="keep labels 1..K (default 120)")
    arguments = parser.parse_args()
    if not 1 <= arguments.classes <= 1000:
        parser.error("--classes: 1 to 1000")
    try:
        counts = convert(arguments.directory, arguments.output, arguments.classes)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    print(f"{arguments.output}: {counts.sum()} images in {len(counts)} classes "
          f"({counts.min()} to {counts.max()} each)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
