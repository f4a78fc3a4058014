"""What the engine writes, opened by Python's safetensors. Exit code 77: skipped, no such package.

    safetensors_test.py WRITE_SAMPLE    (the program made of write_sample.cpp)
"""
import os
import struct
import subprocess
import sys
import tempfile
import zlib

try:
    import numpy as np
    from safetensors import safe_open
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

EXPECTED = {
    "cells.0.edges.1<-0.3.op.1.weight": np.array([[1, 2, 3], [4, 5, 6.5]], dtype=np.float32),
    "empty": np.zeros((0, 4), dtype=np.float32),
    "scalar": np.array(-0.1, dtype=np.float32),
    "momentum.bias": np.array([1e-40, 3e38, -0.0], dtype=np.float32),
}

with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "sample.safetensors")
    subprocess.run([sys.argv[1], path], check=True)
    with safe_open(path, framework="numpy") as file:
        assert set(file.keys()) == set(EXPECTED), file.keys()
        for name, expected in EXPECTED.items():
            tensor = file.get_tensor(name)
            assert tensor.dtype == np.float32 and tensor.shape == expected.shape, (name, tensor.dtype, tensor.shape)
            assert tensor.tobytes() == expected.tobytes(), (name, tensor)
        metadata = file.metadata()
    with open(path, "rb") as file:
        content = file.read()

assert metadata["step"] == "12" and metadata["note"] == 'quotes " and \u00e9', metadata
assert set(metadata) == {"step", "note", "checksums", "crc32", "header_crc32"}, metadata
# The checksums as others can compute them: over the tensors, and over what is before them with these digits as zeros.
length = struct.unpack("<Q", content[:8])[0]
header, tensors = content[8:8 + length], content[8 + length:]
assert metadata["crc32"] == str(zlib.crc32(tensors)), metadata
digits = metadata["header_crc32"]
zeroed = header.replace(f'"header_crc32":"{digits}"'.encode(), b'"header_crc32":"00000000"')
assert zeroed != header and digits == f"{zlib.crc32(content[:8] + zeroed):08x}", metadata
print("ok")
