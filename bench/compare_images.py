#!/usr/bin/env python3
"""The image pipeline against PIL's on the same files: a markdown table of images a second, taking turns.

PIL's side is what a PyTorch data loader's worker does for each image: open, decode, convert("RGB"), crop,
resize by BILINEAR and flip as torchvision's RandomResizedCrop and RandomHorizontalFlip do (torchvision calls
the same PIL functions), or Resize(256) and CenterCrop(224). The published area crop is made of NumPy and, where
it is installed, OpenCV, as in the published code; else PIL resizes. Neither side makes floats of the pixels:
the device does. Several threads are several processes on PIL's side, as in PyTorch.

  bench/compare_images.py --bench build/dev/bench/rlnas_bench_images DIR
"""
import argparse
import json
import math
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time

import numpy as np
import PIL
from PIL import Image

try:
    import cv2
    cv2.setNumThreads(1)
except ImportError:
    cv2 = None

SIZE, SHORTER, TRIES = 224, 256, 10
EIGENVALUES = np.array([0.2175, 0.0188, 0.0045], np.float32)
EIGENVECTORS = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]],
                        np.float32)


def flip(image):
    return image.transpose(Image.FLIP_LEFT_RIGHT) if random.random() < 0.5 else image


def standard(image):
    width, height = image.size
    for _ in range(TRIES):
        area = width * height * random.uniform(0.08, 1)
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = random.randint(0, width - w), random.randint(0, height - h)
            break
    else:
        w = h = min(width, height)
        left, top = (width - w) // 2, (height - h) // 2
    return flip(image.crop((left, top, left + w, top + h)).resize((SIZE, SIZE), Image.BILINEAR))


def published(image):
    width, height = image.size
    for _ in range(TRIES):
        edge = round(math.sqrt(width * height * random.uniform(0.08, 1)))
        left = random.randint(min(width - edge, 0), max(width - edge, 0))
        top = random.randint(min(height - edge, 0), max(height - edge, 0))
        if edge <= width and edge <= height:
            break
    box = left, top, left + edge, top + edge  # PIL fills up with black
    if cv2:
        pixels = np.asarray(image.crop(box) if edge > min(width, height) else image)
        if edge <= min(width, height):
            pixels = np.ascontiguousarray(pixels[top:top + edge, left:left + edge])
        pixels = cv2.resize(pixels, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    else:
        pixels = np.asarray(image.crop(box).resize((SIZE, SIZE), Image.BILINEAR))
    lit = pixels.astype(np.float32) / 255
    lit += EIGENVECTORS @ (EIGENVALUES * np.random.normal(scale=0.1, size=3).astype(np.float32))
    lit *= 255
    return flip(Image.fromarray(np.uint8(lit.clip(0, 255, out=lit))))


def evaluation(image):
    width, height = image.size
    if width < height:
        size = SHORTER, int(SHORTER * height / width)
    else:
        size = int(SHORTER * width / height), SHORTER
    image = image.resize(size, Image.BILINEAR)
    left, top = round((size[0] - SIZE) / 2), round((size[1] - SIZE) / 2)
    return image.crop((left, top, left + SIZE, top + SIZE))


PIPELINES = {"published": published, "standard": standard, "evaluation": evaluation}


def make(task):
    path, name = task
    with open(path, "rb") as file:
        return np.asarray(PIPELINES[name](Image.open(file).convert("RGB"))).shape[0]


def list_files(directory):
    return sorted(os.path.join(root, name) for root, _, names in os.walk(directory) for name in names
                  if name.lower().endswith((".jpg", ".jpeg", ".png")))


def pil_rate(pool, files, name):
    start = time.perf_counter()
    tasks = [(path, name) for path in files]
    for _ in pool.imap_unordered(make, tasks, 16) if pool else map(make, tasks):
        pass
    return len(files) / (time.perf_counter() - start)


def own_rate(bench, directory, name, threads, seconds):
    command = [bench, directory, f"--benchmark_filter=^{name}/threads:{threads}/", "--benchmark_format=json",
               f"--benchmark_min_time={seconds}"]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    return result["benchmarks"][0]["items_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="an image folder")
    parser.add_argument("--bench", required=True, help="rlnas_bench_images")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one turn of rlnas_bench_images")
    arguments = parser.parse_args()
    files = list_files(arguments.directory)
    if not files:
        sys.exit(f"{arguments.directory}: no images")
    print(f"{len(files)} images; PIL {PIL.__version__}, OpenCV {cv2.__version__ if cv2 else 'not installed'}; "
          f"medians of {arguments.rounds} turns\n")
    print("| pipeline | threads | rlnas img/s | PIL img/s | ratio (least..most) |\n|---|---|---|---|---|")
    for name in PIPELINES:
        for threads in arguments.threads:
            pool = multiprocessing.Pool(threads) if threads > 1 else None
            own, pil = [], []
            pil_rate(pool, files[:32], name)
            for _ in range(arguments.rounds):
                own.append(own_rate(arguments.bench, arguments.directory, name, threads, arguments.seconds))
                pil.append(pil_rate(pool, files, name))
            if pool:
                pool.terminate()
            ratios = sorted(a / b for a, b in zip(own, pil))
            print(f"| {name} | {threads} | {statistics.median(own):.0f} | {statistics.median(pil):.0f} | "
                  f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}..{ratios[-1]:.2f}) |", flush=True)


main()
