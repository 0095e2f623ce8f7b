"""Random weights that do not fade: every BatchNorm takes the statistics of one random picture, so that the signal keeps its
size through a deep network and comparisons mean something."""
import torch
from torch import nn


def settle(model, shape, scale=1.0, seed=0):
    g = torch.Generator().manual_seed(seed)
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.track_running_stats]
    model.eval()
    if not norms:
        return
    x = torch.rand(shape if shape[0] > 1 else (2, *shape[1:]), generator=g) * scale
    before = [m.momentum for m in norms]
    for m in norms:
        m.train()
        m.momentum = 1.0
    try:
        with torch.no_grad():
            model(x)
    except Exception:  # a model for one picture only, or one whose path needs other inputs: the statistics stay as far as they came
        pass
    for m, momentum in zip(norms, before):
        m.momentum = momentum
        bad = ~torch.isfinite(m.running_var) | (m.running_var < 1e-6)
        m.running_var[bad] = 1.0
        m.running_mean[~torch.isfinite(m.running_mean)] = 0.0
        if m.affine:
            with torch.no_grad():
                m.weight.copy_(torch.rand(m.weight.shape, generator=g) * 0.6 + 0.7)
                m.bias.copy_(torch.randn(m.bias.shape, generator=g) * 0.1)
    model.eval()
