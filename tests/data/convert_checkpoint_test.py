"""Tests scripts/convert_checkpoint.py on state dicts with the published names. Exit code 77: skipped, no PyTorch."""
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import types
import unittest

try:
    import numpy as np
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "convert_checkpoint.py")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(SCRIPT))
import convert_checkpoint  # noqa: E402
EDGES = ("1<-0", "2<-0", "2<-1", "3<-0", "3<-1", "3<-2")


def make_state(classes=10, seed=0):
    """A NAS-Bench-201 SuperNet's state dict in PyTorch's order, filled with random numbers."""
    generator = torch.Generator().manual_seed(seed)
    state = {"arch_parameters": 1e-3 * torch.randn(6, 5, generator=generator)}

    def weight(name, *shape):
        state[name] = torch.randn(*shape, generator=generator)

    def batch_norm(name, channels, affine):
        if affine:
            weight(f"{name}.weight", channels)
            weight(f"{name}.bias", channels)
        weight(f"{name}.running_mean", channels)
        weight(f"{name}.running_var", channels)
        state[f"{name}.num_batches_tracked"] = torch.tensor(97750)

    weight("stem.0.weight", 16, 3, 3, 3)
    batch_norm("stem.1", 16, True)
    channels = 16
    for cell in range(17):
        name = f"cells.{cell}"
        if cell in (5, 11):
            for branch, inputs in (("conv_a", channels), ("conv_b", 2 * channels)):
                weight(f"{name}.{branch}.op.1.weight", 2 * channels, inputs, 3, 3)
                batch_norm(f"{name}.{branch}.op.2", 2 * channels, True)
            weight(f"{name}.downsample.1.weight", 2 * channels, channels, 1, 1)
            channels *= 2
            continue
        for edge in EDGES:
            for op, kernel in ((2, 1), (3, 3)):
                weight(f"{name}.edges.{edge}.{op}.op.1.weight", channels, channels, kernel, kernel)
                batch_norm(f"{name}.edges.{edge}.{op}.op.2", channels, False)
    batch_norm("lastact.0", 64, True)
    weight("classifier.weight", classes, 64)
    weight("classifier.bias", classes)
    return state


class ConvertCheckpoint(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_script(self, *arguments):
        """Runs the script's main() in this process: importing PyTorch for every call would take most of the time."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = convert_checkpoint.main(list(arguments))
            except SystemExit as stop:
                code = stop.code
        return types.SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())

    def save(self, name, content):
        torch.save(content, self.path(name))
        return self.path(name)

    def check_error(self, result, code, *parts):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)

    def round_trip(self, content, state, *flags):
        there, back = self.path("a.safetensors"), self.path("back.pth")
        source = self.save("a.pth", content)
        result = self.run_script(source, there, "--verify", *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("201 parameter tensors", result.stdout)
        self.assertIn("NAS-Bench-201", result.stdout)
        result = self.run_script(there, back, "--verify")
        self.assertEqual(result.returncode, 0, result.stderr)
        returned = torch.load(back)["state_dict"]
        self.assertEqual(list(returned), list(state))  # names in the same order
        for name, tensor in state.items():
            self.assertEqual(returned[name].dtype, tensor.dtype, name)
            self.assertEqual(returned[name].shape, tensor.shape, name)
            if name == "arch_parameters" or name.endswith("num_batches_tracked"):
                self.assertEqual(float(returned[name].abs().sum()), 0.0)
            else:
                self.assertTrue(torch.equal(returned[name], tensor), name)
        return self.run_script(there, "--verify").stdout

    def test_published_names_and_crc(self):
        self.assertIn("CRC-32 6c7bec58", self.round_trip(make_state(), make_state()))

    def test_nested_and_prefixed(self):
        state = make_state(classes=100)
        prefixed = {f"module.{name}": tensor for name, tensor in state.items()}
        optimizer = {"state": {}, "param_groups": []}
        text = self.round_trip({"epoch": 250, "supernet": prefixed, "optimizer": optimizer}, state)
        self.assertIn("100 classes", text)
        other = make_state(classes=100, seed=1)
        content = {"ema": other, "state_dict": state}
        self.check_error(self.run_script(self.save("b.pth", content), self.path("b.safetensors")), 3, "--key")
        self.round_trip(content, state, "--key", "state_dict")

    def test_safetensors_package_agrees(self):
        try:
            from safetensors.numpy import load_file
        except ImportError:
            self.skipTest("the safetensors package is not installed")
        state = make_state()
        self.round_trip(state, state)
        loaded = load_file(self.path("a.safetensors"))
        self.assertEqual(len(loaded), sum(not name.endswith(("tracked", "arch_parameters")) for name in state))
        self.assertTrue(np.array_equal(loaded["stem.0.weight"], state["stem.0.weight"].numpy()))

    def test_momentum_is_left_out(self):
        arrays = {"a.weight": np.ones((2, 3), "<f4"), "momentum.a.weight": np.ones((2, 3), "<f4")}
        convert_checkpoint.write_safetensors(self.path("m.safetensors"), arrays, {})
        self.assertEqual(self.run_script(self.path("m.safetensors"), self.path("m.pth")).returncode, 0)
        self.assertEqual(list(torch.load(self.path("m.pth"))["state_dict"]), ["a.weight"])

    def test_as_a_program(self):
        source = self.save("a.pth", make_state())
        command = [sys.executable, SCRIPT, source, self.path("a.safetensors"), "--verify"]
        result = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("6c7bec58: NAS-Bench-201, 10 classes", result.stdout)

    def test_bad_input(self):
        output = self.path("x.safetensors")
        self.check_error(self.run_script(self.path("nowhere.pth"), output), 3, "nowhere.pth", "cannot be opened")
        with open(self.path("text.pth"), "w", encoding="ascii") as file:
            file.write("not a checkpoint at all")
        self.check_error(self.run_script(self.path("text.pth"), output), 3, "text.pth", "torch.load failed")
        self.check_error(self.run_script(self.save("empty.pth", {"epoch": 1}), output), 3, "holds no state dict", "epoch")
        state = make_state()
        del state["lastact.0.bias"]
        result = self.run_script(self.save("short.pth", state), output, "--verify")
        self.check_error(result, 3, "short.pth", "no published network")
        state = make_state()
        state["stem.0.weight"][0, 0, 0, 0] = float("nan")
        self.check_error(self.run_script(self.save("nan.pth", state), output, "--verify"), 3, "stem.0.weight", "finite")
        self.assertFalse(os.path.exists(output))
        self.assertEqual(self.run_script(self.path("nan.pth")).returncode, 2)

    def test_damaged_safetensors(self):
        path = self.path("d.safetensors")
        self.assertEqual(self.run_script(self.save("d.pth", make_state()), path).returncode, 0)
        with open(path, "rb") as file:
            content = file.read()
        for damaged, reason in ((content[:-1], "truncated"),
                                (content[:-5] + bytes([content[-5] ^ 1]) + content[-4:], "CRC-32"),
                                (content[:8] + b"{" + b"!" * 20 + content[29:], "header")):
            with open(path, "wb") as file:
                file.write(damaged)
            self.check_error(self.run_script(path, self.path("d2.pth")), 3, "d.safetensors", reason)
            self.assertFalse(os.path.exists(self.path("d2.pth")))

    def test_arbitrary_objects_need_trust(self):
        import argparse
        content = {"args": argparse.Namespace(seed=0), "state_dict": make_state()}
        path = self.save("args.pth", content)
        self.check_error(self.run_script(path, self.path("t.safetensors")), 3, "--trust-pickle")
        self.assertEqual(self.run_script(path, self.path("t.safetensors"), "--trust-pickle").returncode, 0)


if __name__ == "__main__":
    unittest.main()
