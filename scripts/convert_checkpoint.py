#!/usr/bin/env python3
"""Converts SuperNet checkpoints between the published PyTorch files (.pth, .pth.tar) and the engine's safetensors.

    scripts/convert_checkpoint.py INPUT OUTPUT [--key KEY] [--trust-pickle] [--verify]
    scripts/convert_checkpoint.py INPUT --verify

    # score the authors' SuperNet here: both ends of its training
    scripts/convert_checkpoint.py epoch_0.pth   runs/theirs/init.safetensors   --verify
    scripts/convert_checkpoint.py epoch_250.pth runs/theirs/latest.safetensors --verify
    # score ours there
    scripts/convert_checkpoint.py runs/a/latest.safetensors ours.pth

The direction follows from INPUT's content: a file that starts like safetensors becomes a .pth, any other is read with
torch.load. A state dict may lie at the top of the .pth or under a key ("state_dict", "model", ...; found by looking
for the entry that maps names to tensors, or given with --key), and its names may begin with "module.".

To safetensors: every tensor becomes float32 under its published name; `arch_parameters` and `num_batches_tracked`,
which the engine has no use for, are left out; a "crc32" entry over all tensor bytes is added, which the engine checks.
To .pth: {"state_dict": ...} with the published names. Only what the network has is written: an optimizer's
momentum (names "momentum.*") is left out; num_batches_tracked (0) is added beside every running_mean, and for
NAS-Bench-201 arch_parameters, [6, 5] zeros (published: 1e-3 * randn, never used or trained).

--verify prints the number of parameter tensors and the CRC-32 of their sorted lines "name d0xd1x...", says which
published network that is, and fails (exit code 3) when it is none. The number of classes may differ: the classifier
is counted with the published one.

Needs Python 3 with NumPy and PyTorch (safetensors files are read and written by this script itself; --verify of a
safetensors file needs NumPy alone). Exit codes: 0 done, 2 usage, 3 bad data.
"""
import argparse
import json
import os
import struct
import sys
import zlib

import numpy as np

PREFIX = "module."
UNUSED = ("arch_parameters", "num_batches_tracked")
STATISTICS = ("running_mean", "running_var")
OPTIMIZER_PREFIX = "momentum."

# CRC-32 of the sorted lines -> network and its published number of classes.
PUBLISHED = {
    0x6C7BEC58: "NAS-Bench-201",
    0x101E6304: "DARTS, CIFAR-10",
    0x1E26D8B1: "DARTS, ImageNet",
    0x49C19E49: "MobileNet",
}
PUBLISHED_CLASSES = (10, 1000)


class DataError(Exception):
    pass


def last_part(name):
    return name.rsplit(".", 1)[-1]


# ---- safetensors ---------------------------------------------------------------------------------------------------

def looks_like_safetensors(path):
    with open(path, "rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and struct.unpack("<Q", start[:8])[0] <= os.path.getsize(path)


def read_safetensors(path):
    """Returns {name: float32 array} in file order."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        header_bytes = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:8 + header_bytes])
        payload = content[8 + header_bytes:]
        metadata = header.pop("__metadata__", {})
        tensors = {}
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            if entry["dtype"] != "F32":
                raise DataError(f"{path}: {name} is {entry['dtype']}; only F32 can be converted")
            begin, end = entry["data_offsets"]
            if end > len(payload):
                raise DataError(f"{path}: truncated: {name} ends at byte {end} of {len(payload)}")
            tensors[name] = np.frombuffer(payload[begin:end], dtype="<f4").reshape(entry["shape"])
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise DataError(f"{path}: damaged safetensors header: {error}") from error
    if "crc32" in metadata and metadata["crc32"] != str(zlib.crc32(payload)):
        raise DataError(f"{path}: damaged: its CRC-32 does not match")
    return tensors


def write_safetensors(path, tensors, metadata):
    header, offset, crc = {}, 0, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
        crc = zlib.crc32(array.tobytes(), crc)
    text = json.dumps({"__metadata__": {**metadata, "crc32": str(crc)}, **header}).encode()
    text += b" " * (-len(text) % 8)

    def write(file):
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for array in tensors.values():
            file.write(array.tobytes())

    write_whole(path, write)


def write_whole(path, write):
    """Calls write(file) so that `path` appears whole or not at all."""
    temporary = f"{path}.tmp{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


# ---- PyTorch -------------------------------------------------------------------------------------------------------

def import_torch():
    try:
        import torch
    except ImportError as error:
        raise DataError(f"PyTorch is needed for .pth files: {error}") from error
    return torch


def find_state_dict(checkpoint, key, path, torch):
    """The entry that maps names to tensors, with names of weights among them."""
    if key is not None:
        if not isinstance(checkpoint, dict) or key not in checkpoint:
            raise DataError(f"{path}: has no entry '{key}' (--key)")
        checkpoint = checkpoint[key]

    def is_state_dict(value):
        return (isinstance(value, dict) and any(str(name).endswith(".weight") for name in value)
                and all(torch.is_tensor(tensor) for tensor in value.values()))

    if is_state_dict(checkpoint):
        return checkpoint
    candidates = [name for name, value in checkpoint.items() if is_state_dict(value)] \
        if isinstance(checkpoint, dict) else []
    if len(candidates) == 1:
        return checkpoint[candidates[0]]
    if candidates:
        raise DataError(f"{path}: several state dicts ({', '.join(map(str, candidates))}): choose one with --key")
    raise DataError(f"{path}: holds no state dict" +
                    (f"; its entries: {', '.join(map(str, checkpoint))}" if isinstance(checkpoint, dict) else ""))


def read_pth(path, key, trust_pickle):
    """Returns {name: float32 array}, without the tensors the engine does not know."""
    torch = import_torch()
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=not trust_pickle)
    except Exception as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        hint = "" if trust_pickle else " (a file that holds more than tensors needs --trust-pickle; it can run code)"
        raise DataError(f"{path}: torch.load failed: {first_line}{hint}") from error
    tensors = {}
    for name, tensor in find_state_dict(checkpoint, key, path, torch).items():
        name = name[len(PREFIX):] if name.startswith(PREFIX) else name
        if last_part(name) in UNUSED:
            continue
        tensors[name] = np.ascontiguousarray(tensor.detach().to(torch.float32).numpy(), dtype="<f4")
    return tensors


def write_pth(path, tensors):
    torch = import_torch()
    state = {}
    if identify(tensors)[2] == "NAS-Bench-201":
        state["arch_parameters"] = torch.zeros(6, 5)
    for name, array in tensors.items():
        state[name] = torch.from_numpy(array.astype(np.float32, copy=True))
        if last_part(name) == "running_var":  # PyTorch's order: mean, var, count
            state[name[:-len("running_var")] + "num_batches_tracked"] = torch.tensor(0)
    write_whole(path, lambda file: torch.save({"state_dict": state}, file))


# ---- what network it is --------------------------------------------------------------------------------------------

def identify(tensors):
    """Number of parameter tensors, CRC-32 of their names and shapes, and the published network or None."""
    shapes = {name: list(array.shape) for name, array in tensors.items() if last_part(name) not in STATISTICS}

    def crc_of(classes):
        lines = []
        for name, shape in shapes.items():
            if classes is not None and name.startswith("classifier."):
                shape = [classes] + shape[1:]
            lines.append(f"{name} {'x'.join(map(str, shape))}")
        return zlib.crc32("\n".join(sorted(lines)).encode())

    network = next((PUBLISHED[crc] for crc in map(crc_of, PUBLISHED_CLASSES) if crc in PUBLISHED), None)
    return len(shapes), crc_of(None), network


def verify(path, tensors):
    count, crc, network = identify(tensors)
    classes = next((array.shape[0] for name, array in tensors.items() if name.startswith("classifier.")), "?")
    print(f"{path}: {count} parameter tensors, CRC-32 {crc:08x}: {network or 'no published network'}, {classes} classes")
    bad = [name for name, array in tensors.items() if not np.isfinite(array).all()]
    if bad:
        raise DataError(f"{path}: {bad[0]} holds values that are not finite")
    if network is None:
        raise DataError(f"{path}: names and shapes fit no published network")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", help="a .pth or .safetensors file")
    parser.add_argument("output", nargs="?", help="file to write, of the other kind")
    parser.add_argument("--key", help="entry of the .pth that holds the state dict")
    parser.add_argument("--trust-pickle", action="store_true", help="load a .pth with arbitrary objects (it can run code)")
    parser.add_argument("--verify", action="store_true", help="check names and shapes against the published networks")
    arguments = parser.parse_args(argv)
    if arguments.output is None and not arguments.verify:
        parser.error("an OUTPUT file or --verify is needed")
    try:
        to_pth = looks_like_safetensors(arguments.input)
        if to_pth:
            tensors = {name: array for name, array in read_safetensors(arguments.input).items()
                       if not name.startswith(OPTIMIZER_PREFIX)}
        else:
            tensors = read_pth(arguments.input, arguments.key, arguments.trust_pickle)
        if arguments.verify:
            verify(arguments.input, tensors)
        if arguments.output is not None and to_pth:
            write_pth(arguments.output, tensors)
        elif arguments.output is not None:
            metadata = {"space": "nasbench201"} if identify(tensors)[2] == "NAS-Bench-201" else {}
            write_safetensors(arguments.output, tensors, metadata)
        if arguments.output is not None:
            print(f"{arguments.output}: {len(tensors)} tensors")
    except OSError as error:
        print(f"error: {arguments.input}: cannot be opened: {error.strerror}", file=sys.stderr)
        return 3
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
