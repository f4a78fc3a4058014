"""Exported networks against the engine: onnx's checker, onnxruntime's logits, and those of the PyTorch file with our
safetensors, all to 1e-5 of the largest logit. Exit code 77: skipped, a package is missing.

    export_test.py RLNAS_SEARCH ENGINE_LOGITS SPACES_DIRECTORY    (ENGINE_LOGITS: made of engine_logits.cpp)
"""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime
    import torch
    from safetensors.torch import load_file
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

TOLERANCE = 1e-5
SEARCH, ENGINE, SPACES = sys.argv[1:4]

# What nothing reaches, what leads nowhere, every operation; and a cell that no path runs through.
CELLS = [
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|avg_pool_3x3~0|skip_connect~1|none~2|",
    "|none~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|skip_connect~2|",
    "|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|",
]
GENOTYPE = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 1), ('sep_conv_5x5', 2), "
    "('dil_conv_3x3', 1), ('avg_pool_3x3', 2), ('skip_connect', 0), ('dil_conv_5x5', 4)], normal_concat=range(2, 6), "
    "reduce=[('sep_conv_3x3', 0), ('max_pool_3x3', 1), ('avg_pool_3x3', 0), ('skip_connect', 1), ('skip_connect', 0), "
    "('dil_conv_3x3', 1), ('avg_pool_3x3', 1), ('sep_conv_5x5', 2)], reduce_concat=range(2, 6))")
MOBILENET = "2 0 -1 2 | 2 0 2 4 | 0 4 -1 2 | 4 2 4 2 | 0 -1 0 2 | 2"


def file_space(name):
    return "file:" + os.path.join(SPACES, name + ".json")


def sample(space):
    """An architecture of a space of a file, as a random search prints it."""
    with tempfile.TemporaryDirectory() as directory:
        report = os.path.join(directory, "found.json")
        subprocess.run([SEARCH, "--space", space, "--method", "random", "--score", "params", "--population", "4",
                        "--generations", "1", "--parents", "2", "--mutants", "1", "--crossovers", "1", "--quiet",
                        "--json", report], check=True, stdout=subprocess.DEVNULL)
        with open(report) as file:
            return json.load(file)["best"]["arch"]


# name: space, architecture, kind, image size, channels and cells (0: as published), auxiliary head
CASES = {f"nasbench201 {kind} {i}": ("nasbench201", cell, kind, 16, 0, 0, 0)
         for kind in ("stand_alone", "supernet") for i, cell in enumerate(CELLS)}
CASES |= {
    "darts-cifar": ("darts-cifar", GENOTYPE, "stand_alone", 32, 8, 5, 0),
    "darts-cifar, auxiliary head": ("darts-cifar", GENOTYPE, "stand_alone", 32, 8, 5, 0.4),
    "darts-cifar supernet": ("darts-cifar", GENOTYPE, "supernet", 16, 0, 0, 0),
    "darts-imagenet": ("darts-imagenet", GENOTYPE, "stand_alone", 64, 8, 5, 0),
    "mobilenet": ("mobilenet", MOBILENET, "stand_alone", 64, 0, 0, 0),
    "mobilenet supernet": ("mobilenet", MOBILENET, "supernet", 64, 0, 0, 0),
    "resnet of a file": (file_space("resnet"), None, "stand_alone", 32, 0, 0, 0),
    "fashion of a file": (file_space("fashion"), None, "stand_alone", 32, 0, 0, 0),
}


def imported(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def onnx_logits(path, images):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [o.version for o in model.opset_import] == [17], model.opset_import
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    logits = session.run(["logits"], {"images": images})[0]
    one = session.run(["logits"], {"images": images[:1]})[0]
    assert one.shape == (1, logits.shape[1]) and np.allclose(one, logits[:1], rtol=1e-4, atol=1e-5), path
    return logits


def difference(logits, expected):
    assert logits.shape == expected.shape, (logits.shape, expected.shape)
    return float(np.abs(logits - expected).max() / np.abs(expected).max())


def try_case(name, space, arch, kind, size, channels, cells, auxiliary, directory):
    arch = arch or sample(space)
    run = lambda *command: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    at = lambda file: os.path.join(directory, file)
    run(ENGINE, directory, space, arch, kind, str(size), str(channels), str(cells), str(auxiliary))
    weights = ["--trained", at("latest.safetensors")] if kind == "stand_alone" else ["--supernet", directory]
    run(SEARCH, "--describe", arch, "--space", space, *weights, "--export", "onnx:" + at("a.onnx"),
        "--export", "pytorch:" + at("a.py"))
    expected = np.fromfile(at("logits.f32"), np.float32).reshape(3, -1)
    images = np.fromfile(at("images.f32"), np.float32).reshape(3, -1, size, size)

    source = imported(at("a.py"))
    network = source.load().eval()
    tensors = load_file(at("a.safetensors"))
    assert network.load_state_dict(tensors, strict=True).missing_keys == []
    if kind == "stand_alone":  # the run's own file, as it is
        network.load_state_dict(load_file(at("latest.safetensors")), strict=True)
    # Strict in the other direction: a tensor that is missing is an error.
    name_of_one = next(iter(tensors))
    del tensors[name_of_one]
    try:
        source.Network().load_state_dict(tensors, strict=True)
        raise AssertionError(f"{name_of_one} is missing and nobody says so")
    except RuntimeError:
        pass
    with torch.no_grad():
        by_torch = difference(network(torch.from_numpy(images)).numpy(), expected)
    by_onnx = difference(onnx_logits(at("a.onnx"), images), expected)
    print(f"{name:30} largest difference: onnxruntime {by_onnx:.1e}, PyTorch {by_torch:.1e}", flush=True)
    return max(by_onnx, by_torch)


def try_fresh(directory):
    at = lambda file: os.path.join(directory, file)
    subprocess.run([SEARCH, "--describe", CELLS[0], "--export", "onnx:" + at("fresh.onnx"), "--export",
                    "pytorch:" + at("fresh.py")], check=True, stdout=subprocess.DEVNULL)
    said = subprocess.run([sys.executable, at("fresh.py")], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert " parameters; logits of a blank image: [" in said, said
    images = np.random.default_rng(0).standard_normal((2, 3, 32, 32), dtype=np.float32)
    with torch.no_grad():
        expected = imported(at("fresh.py")).load()(torch.from_numpy(images)).numpy()
    return difference(onnx_logits(at("fresh.onnx"), images), expected)


torch.set_num_threads(2)
wrong = []
for name, case in CASES.items():
    with tempfile.TemporaryDirectory() as directory:
        if not try_case(name, *case, directory) <= TOLERANCE:
            wrong.append(name)
with tempfile.TemporaryDirectory() as directory:
    if not try_fresh(directory) <= TOLERANCE:
        wrong.append("fresh weights")
if wrong:
    sys.exit("differ by more than 1e-5 of the largest logit: " + "; ".join(wrong))
print("ok")
