"""The Python package over the library that was just built. Run by the CTest test "python"."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

try:
    import numpy as np
except ImportError:
    print("rlnas-skipped: no NumPy (Debian: python3-numpy)")
    sys.exit(77)

import rlnas


def noise_images(count=32, side=8, classes=4):
    random = np.random.default_rng(3)
    return random.integers(0, 256, (count, side, side, 3), dtype=np.uint8), np.arange(count, dtype=np.int32) % classes


class WithRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.run_directory = os.path.join(cls.directory.name, "run")
        images, labels = noise_images()
        cls.seen, cls.lines = [], []
        cls.result = rlnas.train(out=cls.run_directory, images=images, labels=labels, epochs=2, batch_size=8,
                                 device="cpu", threads=1, progress=cls.seen.append, log=cls.lines.append)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def test_training(self):
        self.assertEqual(self.result.steps, 8)
        self.assertFalse(self.result.interrupted)
        self.assertEqual([now.step for now in self.seen if now.step][-1], 8)
        self.assertTrue(any("32 images" in line for line in self.lines), self.lines)

    def test_angles_of_a_run_and_of_its_weights_elsewhere(self):
        archs = ["#1462", "#17", "#900"]
        of_run = rlnas.angles(self.run_directory, archs)
        self.assertEqual(of_run.shape, (3,))
        state = [read_safetensors(os.path.join(self.run_directory, name + ".safetensors"))
                 for name in ("init", "latest")]
        np.testing.assert_allclose(rlnas.angles_of_weights("nasbench201", *state, archs, classes=4), of_run,
                                   rtol=1e-12)
        name = next(iter(rlnas.supernet_tensors("nasbench201", 4)))
        with self.assertRaisesRegex(rlnas.UsageError, name):
            rlnas.angles_of_weights("nasbench201", {**state[0], name: np.zeros(3)}, state[1], archs, classes=4)
        # Whole networks, whatever their shape.
        shapes = rlnas.supernet_tensors("nasbench201", 4)
        first, second = ({n: one[n] for n in shapes} for one in state)
        flat = [np.concatenate([one[n].reshape(-1) for n in shapes]).astype(np.float64) for one in (first, second)]
        expected = np.arccos(flat[0] @ flat[1] / np.linalg.norm(flat[0]) / np.linalg.norm(flat[1]))
        self.assertAlmostEqual(rlnas.angle(first, second), expected, places=6)

    def test_search_by_functions_of_ones_own(self):
        report = rlnas.search("nasbench201", supernet=self.run_directory, score="angle+light",
                              indicators={"light": lambda arch: -rlnas.describe(arch)["macs"]},
                              population=12, mutants=6, crossovers=6, generations=2, threads=1)
        self.assertEqual(len(report), 24)
        self.assertEqual(report.best.rank, 1)
        self.assertEqual(report.best.values["light"], -rlnas.describe(report.best.arch)["macs"])
        self.assertEqual(report.best.values["angle"], rlnas.angles(self.run_directory, [report.best.arch])[0])
        self.assertEqual([one.rank for one in report.top(5)], [1, 2, 3, 4, 5])
        self.assertEqual(len(report.evaluated), 24)
        self.assertEqual(report.json["best"]["arch"], report.best.arch)
        self.assertIn("light", report.csv)
        self.assertIn(report.best.arch, report.text)

    def test_exact_search(self):
        report = rlnas.search(supernet=self.run_directory, method="exact")
        everything = rlnas.search(supernet=self.run_directory, method="exhaustive")
        self.assertEqual(len(everything), 15625)
        self.assertEqual(report.best.arch, everything.best.arch)

    def test_exports(self):
        file = os.path.join(self.directory.name, "net.onnx")
        rlnas.export("onnx:" + file, "#11", supernet=self.run_directory)
        self.assertGreater(os.path.getsize(file), 1000)

    def test_resuming_after_a_stop(self):
        out = os.path.join(self.directory.name, "stopped")
        images, labels = noise_images()
        steps = []
        settings = dict(out=out, images=images, labels=labels, epochs=2, batch_size=8, device="cpu", threads=1)
        stopped = rlnas.train(**settings, progress=lambda now: steps.append(now.step),
                              should_stop=lambda: len(steps) >= 3)
        self.assertTrue(stopped.interrupted)
        self.assertEqual(stopped.steps, 3)
        self.assertEqual(rlnas.train(**settings, resume="auto").steps, 8)
        np.testing.assert_array_equal(rlnas.angles(out, ["#17"]), rlnas.angles(self.run_directory, ["#17"]))


def read_safetensors(path):
    import json
    data = pathlib.Path(path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    return {name: np.frombuffer(data, np.float32, (of["data_offsets"][1] - of["data_offsets"][0]) // 4,
                                8 + size + of["data_offsets"][0]).reshape(of["shape"])
            for name, of in header.items() if name != "__metadata__"}


class Architectures(unittest.TestCase):
    def test_what_there_is(self):
        self.assertEqual(rlnas.spaces()[0], "nasbench201")
        self.assertIn("naswot", [one.name for one in rlnas.indicators()])
        self.assertEqual(rlnas.describe("#1462")["index"], 1462)
        self.assertEqual(len(rlnas.sample("darts-cifar", 4)), 4)
        self.assertRegex(rlnas.version(), r"^\d+\.\d+\.\d+ \(git ")

    def test_scores_of_fresh_networks(self):
        values = rlnas.scores(["#1462", "#0"], "naswot+params", "nasbench201", probe_batch=8, threads=1)
        self.assertEqual(values.shape, (2, 2))
        self.assertEqual(values[0, 1], rlnas.describe("#1462")["params"])

    def test_sums_where_the_arrays_lie(self):
        w0, w1 = np.arange(40, dtype=np.float32), np.ones(40, np.float32)
        sums = rlnas.angle_sums(w0, w1, [3, 20], [4, 7])
        for row, part in zip(sums, (slice(3, 7), slice(20, 27))):
            np.testing.assert_allclose(row, [w0[part].sum(), (w0[part] ** 2).sum(), part.stop - part.start])
        with self.assertRaises(rlnas.UsageError):
            rlnas.angle_sums(w0, w1, [38], [4])

    def test_errors(self):
        with self.assertRaisesRegex(rlnas.UsageError, "nonsense"):
            rlnas.describe("|nonsense~0|")
        with self.assertRaises(rlnas.DataError):
            rlnas.angles("/nowhere", ["#1"])
        with self.assertRaisesRegex(ValueError, "no setting 'colour'"):
            rlnas.search("nasbench201", colour="red")
        with self.assertRaisesRegex(rlnas.UsageError, "side"):
            rlnas.train(out="/nowhere", images=np.zeros((2, 4, 5, 3)), labels=[0, 1])


class Callbacks(unittest.TestCase):
    def test_what_a_function_raises_comes_back(self):
        def fails(arch):
            raise ZeroDivisionError(arch)
        with self.assertRaises(ZeroDivisionError):
            rlnas.search("nasbench201", indicators={"fails": fails})
        with self.assertRaises(ZeroDivisionError):
            rlnas.search("nasbench201", score="params", progress=fails, generations=2)

    def test_being_told_to_stop(self):
        with self.assertRaises(rlnas.Interrupted):
            rlnas.search("nasbench201", score="params", should_stop=lambda: True)

    def test_ctrl_c(self):
        asked = []

        def slow(arch):
            asked.append(arch)
            time.sleep(0.01)
            return 0.0
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        start = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            rlnas.search("nasbench201", indicators={"slow": slow}, generations=1000)
        self.assertLess(time.monotonic() - start, 20.0)
        self.assertGreater(len(asked), 1)

    def test_ctrl_c_ends_loading(self):
        told = []

        def preparing(*now):
            told.append(now)
            if len(told) == 3:
                os.kill(os.getpid(), signal.SIGINT)
        with tempfile.TemporaryDirectory() as folder, self.assertRaises(KeyboardInterrupt):
            rlnas.train(out=os.path.join(folder, "run"), data="noise:300000", image_size=8, data_threads=1,
                        device="cpu", threads=1, preparing=preparing, progress=lambda now: self.fail("a step"))
        self.assertEqual({what for what, _, _ in told}, {"loading"})
        self.assertTrue(all(done < total == 300000 for _, done, total in told), told)

    def test_what_is_done_before_the_first_step(self):
        told = []
        with tempfile.TemporaryDirectory() as folder:
            rlnas.train(out=os.path.join(folder, "run"), data="noise:64", image_size=8, data_threads=1, batch_size=32,
                        epochs=1, device="cpu", threads=1, preparing=lambda *now: told.append(now[0]))
        self.assertEqual(set(told), {"loading", "planning"})

    def test_several_threads(self):
        expected = rlnas.search("nasbench201", score="params", generations=4, seed=5).csv
        found = [None] * 4

        def body(place):
            found[place] = rlnas.search("nasbench201", score="params", generations=4, seed=5).csv
        threads = [threading.Thread(target=body, args=(place,)) for place in range(len(found))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [expected] * 4)


class Kernels(unittest.TestCase):
    def test_every_primitive_that_can_be_timed(self):
        for name in rlnas.primitives():
            with self.subTest(name):
                timing = rlnas.time_primitive(name, batch=2, channels=8, height=6, width=6, out_channels=8, kernel=3,
                                              padding=1, device="cpu", threads=1, repeats=2)
                self.assertGreater(timing.min_ms, 0)
                self.assertGreater(timing.bytes, 0)

    def test_mistakes(self):
        for name, shape in (("conv_forward", dict(kernel=9)), ("conv_forward", dict(groups=3)), ("spin", {}),
                            ("max_pool_forward", dict(kernel=20)), ("add", dict(height=-1))):
            with self.subTest(name), self.assertRaises(rlnas.Error):
                rlnas.time_primitive(name, **{**dict(batch=1, channels=4, height=4, width=4, out_channels=4), **shape})


class Networks(unittest.TestCase):
    def test_a_network_of_ones_own(self):
        random = np.random.default_rng(1)
        labels = random.integers(0, 2, 256).astype(np.int32)
        images = random.normal(size=(256, 6, 6, 2)).astype(np.float32)
        images[:, :3, :, 0] += labels[:, None, None]
        graph = rlnas.Graph(2, 6, 6)
        x = graph.relu(graph.batch_norm(graph.conv(graph.input, "conv", 8, 3, padding=1), "norm"))
        x = graph.conv(graph.sum(x, graph.conv(x, "more", 8)), "whole", 8, 6)
        graph.output(graph.linear(graph.relu(x), "classifier", 2))
        self.assertEqual(graph.parameters, 2 * 8 * 9 + 16 + 64 + 8 * 8 * 36 + 18)
        net = rlnas.Network(graph, device="cpu", threads=1, seed=2)
        self.assertEqual(net.shapes["conv.weight"], (8, 2, 3, 3))
        steps = []
        loss = net.fit(images, labels, epochs=6, batch=32, learning_rate=0.05,
                       progress=lambda now: steps.append(now.loss))
        self.assertEqual(len(steps), 48)
        self.assertEqual(loss.images, 256)
        self.assertGreater(net.evaluate(images, labels).accuracy, 0.9)
        logits = net.forward(images[:10])
        self.assertEqual(logits.shape, (10, 2))
        self.assertGreater(net.angle, 0.01)
        other = rlnas.Network(graph, device="cpu", threads=2, seed=3)
        for name, values in net.state_dict().items():
            other[name] = values
        np.testing.assert_array_equal(other.forward(images[:10]), logits)
        with self.assertRaises(rlnas.UsageError):
            net.forward(images[:, :5])
        with self.assertRaises(rlnas.UsageError):
            net["nobody"]

    def test_dropout(self):
        graph = rlnas.Graph(64, 1, 1)
        graph.output(graph.linear(graph.add("dropout", graph.input, "drop"), "classifier", 2))
        net = rlnas.Network(graph, device="cpu", threads=1, dropout=0.5, batch=2)
        images = np.ones((2, 1, 1, 64), np.float32)
        sure = net.forward(images)
        np.testing.assert_array_equal(sure, net.forward(images))
        self.assertGreater(np.abs(net.forward(images, gradients=True) - sure).max(), 1e-3)
        with self.assertRaises(rlnas.UsageError):
            rlnas.Network(graph, device="cpu", dropout=1.5)

    def test_step_by_step_against_numpy(self):
        random = np.random.default_rng(4)
        images = random.normal(size=(5, 1, 1, 3)).astype(np.float32)
        graph = rlnas.Graph(3, 1, 1)
        hidden = graph.conv(graph.input, "hidden", 4)
        graph.output(graph.linear(graph.relu(hidden), "classifier", 2))
        self.assertEqual(graph.shape(hidden), (1, 1, 4))
        net = rlnas.Network(graph, device="cpu", threads=1, seed=5)
        w, v = net["hidden.weight"].reshape(4, 3), net["classifier.weight"]
        out = np.empty((5, 2), np.float32)
        logits, (values,) = net.forward(images, gradients=True, taps=[hidden], out=out)
        self.assertIs(logits, out)
        x = images.reshape(5, 3)
        np.testing.assert_allclose(values.reshape(5, 4), x @ w.T, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(logits, np.maximum(x @ w.T, 0) @ v.T + net["classifier.bias"], rtol=1e-5, atol=1e-6)
        # A loss of one's own: the squares of the logits.
        (arrived,) = net.backward(2 * logits)
        back = (2 * logits @ v) * (x @ w.T > 0)
        np.testing.assert_allclose(arrived.reshape(5, 4), back, rtol=1e-4, atol=1e-6)
        gradient = net.gradient("hidden.weight")
        np.testing.assert_allclose(gradient.reshape(4, 3), back.T @ x, rtol=1e-4, atol=1e-5)
        net.step(0.01, momentum=0.0)
        np.testing.assert_allclose(net["hidden.weight"].reshape(4, 3), w - 0.01 * gradient.reshape(4, 3), rtol=1e-6)
        before = (logits ** 2).sum()
        for _ in range(20):
            logits = net.forward(images, statistics="follow", gradients=True)
            self.assertEqual(net.backward(2 * logits), [])
            net.step(0.01)
        self.assertLess((net.forward(images) ** 2).sum(), before / 2)
        # Gradients add up until a step, or are forgotten.
        labels = np.array([0, 1, 0, 1, 1])
        net.gradients(images, labels)
        once = net.gradient("classifier.bias")
        loss = net.gradients(images, labels)
        np.testing.assert_allclose(net.gradient("classifier.bias"), 2 * once, rtol=1e-5)
        net.forget_gradients()
        net.gradients(images, labels)
        np.testing.assert_allclose(net.gradient("classifier.bias"), once, rtol=1e-5)
        logits = net.forward(images).astype(np.float64)
        own = -np.log(np.exp(logits)[range(5), labels] / np.exp(logits).sum(1)).mean()
        self.assertAlmostEqual(loss.mean, own, places=5)
        net.mark_initial()
        self.assertAlmostEqual(net.angle, 0.0, places=6)
        for mistake in (lambda: net.backward(logits), lambda: net.forward(images, statistics="median"),
                        lambda: net.forward(images, out=np.empty((5, 2))), lambda: net.gradient("nobody"),
                        lambda: net.forward(images, taps=[99])):
            with self.assertRaises(rlnas.UsageError):
                mistake()

    def test_arrays_are_read_where_they_lie(self):
        graph = rlnas.Graph(3, 64, 64)
        graph.output(graph.linear(graph.global_avg_pool(graph.input), "classifier", 2))
        net = rlnas.Network(graph, device="cpu", threads=1)
        images = np.zeros((4, 64, 64, 3), np.float32)
        images.setflags(write=False)
        self.assertIs(net._images(images), images)
        net.forward(images)
        net.gradients(images, np.zeros(4, np.int32))


if __name__ == "__main__":
    unittest.main()
