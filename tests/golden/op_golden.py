#!/usr/bin/python3
"""Writes op_golden.json: what PyTorch computes for the engine's primitives, for tests/kernels/golden_test.cpp.

Run it with a Python that has PyTorch (written with 1.13):  python3 op_golden.py
Tensors are stored in the engine's layouts: activations channels-last, convolution weights OIHW.
"""
import json
import pathlib
import struct

import torch
import torch.nn.functional as F

SEED = 20220622


def shortest(value):
    """The shortest decimal that gives the float32 back."""
    for digits in range(1, 10):
        decimal = float(f"{value:.{digits}g}")
        if struct.unpack("f", struct.pack("f", decimal))[0] == value:
            return decimal
    return value


def flat(tensor):
    return [shortest(v) for v in tensor.detach().reshape(-1).tolist()]


def randn(*shape):
    """Normal numbers of three decimals, to keep the file small."""
    return (torch.randn(*shape) * 1000).round() / 1000


def nhwc(tensor):
    return flat(tensor.detach().permute(0, 2, 3, 1).contiguous())


def conv_cases():
    for name, n, c, h, w, k, kernel, stride, padding, dilation, groups in [
        ("plain", 2, 3, 6, 5, 8, 3, 1, 1, 1, 1),
        ("one by one", 3, 8, 4, 4, 16, 1, 1, 0, 1, 1),
        ("strided", 2, 8, 7, 6, 8, 3, 2, 1, 1, 1),
        ("dilated", 2, 4, 7, 7, 8, 3, 1, 2, 2, 1),
        ("depthwise", 2, 16, 5, 6, 16, 3, 1, 1, 1, 16),
        ("depthwise strided dilated", 1, 8, 9, 9, 8, 5, 2, 4, 2, 8),
    ]:
        x = randn(n, c, h, w).requires_grad_()
        weight = randn(k, c // groups, kernel, kernel).requires_grad_()
        y = F.conv2d(x, weight, None, stride, padding, dilation, groups)
        dy = randn(*y.shape)
        y.backward(dy)
        yield dict(name=name, spec=[n, c, h, w, k, kernel, stride, padding, dilation, groups], x=nhwc(x),
                   w=flat(weight), dy=nhwc(dy), y=nhwc(y), dx=nhwc(x.grad), dw=flat(weight.grad))


def batch_norm_cases():
    for affine in (False, True):
        n, c, h, w = 3, 8, 4, 3
        layer = torch.nn.BatchNorm2d(c, affine=affine)
        x = (randn(n, c, h, w) * 2 + 1).requires_grad_()
        case = {}
        if affine:
            with torch.no_grad():
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.uniform_(-1, 1)
            case.update(gamma=flat(layer.weight), beta=flat(layer.bias))
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.5, 2)
        case.update(running_mean_before=flat(layer.running_mean), running_var_before=flat(layer.running_var))
        y = layer(x)
        dy = randn(*y.shape)
        y.backward(dy)
        case.update(rows=n * h * w, channels=c, x=nhwc(x), y=nhwc(y), dy=nhwc(dy), dx=nhwc(x.grad),
                    running_mean=flat(layer.running_mean), running_var=flat(layer.running_var))
        if affine:
            case.update(dgamma=flat(layer.weight.grad), dbeta=flat(layer.bias.grad))
        layer.eval()
        case.update(y_eval=nhwc(layer(x)))
        yield case


def pool_cases():
    for kernel, stride, padding in [(3, 1, 1), (2, 2, 0), (3, 2, 1)]:
        n, c, h, w = 2, 8, 6, 7
        case = dict(spec=[n, c, h, w, kernel, stride, padding])
        x = randn(n, c, h, w)
        case["x"] = nhwc(x)
        for kind, pool in [
            ("average", lambda t: F.avg_pool2d(t, kernel, stride, padding, count_include_pad=False)),
            ("maximum", lambda t: F.max_pool2d(t, kernel, stride, padding)),
        ]:
            t = x.clone().requires_grad_()
            y = pool(t)
            if "dy" not in case:
                dy = randn(*y.shape)
                case["dy"] = nhwc(dy)
            y.backward(dy)
            case[kind] = nhwc(y)
            case["dx_" + kind] = nhwc(t.grad)
        yield case


def linear_case():
    x, w, b = (randn(*s).requires_grad_() for s in [(5, 24), (10, 24), (10,)])
    y = F.linear(x, w, b)
    dy = randn(*y.shape)
    y.backward(dy)
    return dict(spec=[5, 24, 10], x=flat(x), w=flat(w), bias=flat(b), y=flat(y), dy=flat(dy), dx=flat(x.grad),
                dw=flat(w.grad), dbias=flat(b.grad))


def cross_entropy_cases():
    for smoothing in (0.0, 0.1):
        logits = (randn(7, 10) * 3).requires_grad_()
        labels = torch.randint(0, 10, (7,))
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        loss.backward()
        yield dict(batch=7, classes=10, smoothing=smoothing, logits=flat(logits), labels=labels.tolist(),
                   mean_loss=float(loss), correct=int((logits.argmax(1) == labels).sum()), dlogits=flat(logits.grad))


def sgd_cases():
    for nesterov in (True, False):
        w = randn(40).requires_grad_()
        case = dict(learning_rate=0.05, momentum=0.9, weight_decay=0.03, nesterov=nesterov, before=flat(w), gradients=[],
                    after=[])
        optimizer = torch.optim.SGD([w], lr=0.05, momentum=0.9, weight_decay=0.03, nesterov=nesterov)
        for _ in range(3):
            w.grad = randn(*w.shape)
            case["gradients"].append(flat(w.grad))
            optimizer.step()
            case["after"].append(flat(w))
        yield case


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    golden = dict(made_by=f"op_golden.py, PyTorch {torch.__version__}, seed {SEED}", conv=list(conv_cases()),
                  batch_norm=list(batch_norm_cases()), pool=list(pool_cases()), linear=linear_case(),
                  cross_entropy=list(cross_entropy_cases()), sgd=list(sgd_cases()))
    path = pathlib.Path(__file__).with_name("op_golden.json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
