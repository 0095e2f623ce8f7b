"""Weights -> ONNX: normalisation folded into the convolutions, weights kept as float16 (a Cast brings them back when the
model is loaded), metadata that fovea reads.

    python export.py person.toml RUN/best.pt -o person.onnx --pack photos.npz [--overlays overlays.npz] [--card card.txt]
"""
import argparse
import copy
import tomllib

import numpy as np
import onnx
import torch
import torch.nn as nn
from onnx import TensorProto, helper, numpy_helper
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold(net):
    """Normalisation into the convolution before it."""
    for m in net.modules():
        if isinstance(m, nn.Sequential):
            for i in range(len(m) - 1):
                if isinstance(m[i], nn.Conv2d) and isinstance(m[i + 1], nn.BatchNorm2d):
                    m[i], m[i + 1] = fuse_conv_bn_eval(m[i], m[i + 1]), nn.Identity()
    return net


def halve(model):
    """Convolution weights as float16 behind a Cast."""
    nodes, keep = [], []
    convs = {n.input[1] for n in model.graph.node if n.op_type in ('Conv', 'ConvTranspose')}
    for t in model.graph.initializer:
        if t.name in convs and t.data_type == TensorProto.FLOAT:
            a = numpy_helper.to_array(t)
            keep.append(numpy_helper.from_array(a.astype(np.float16), t.name + '_half'))
            nodes.append(helper.make_node('Cast', [t.name + '_half'], [t.name], name='widen_' + t.name, to=TensorProto.FLOAT))
        else:
            keep.append(t)
    old = list(model.graph.node)
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes + old)
    model.graph.initializer.extend(keep)


def unfold(net, path, pictures):
    """Weights of an exported file -> net, to learn on. Normalisation was folded into them: each takes up what its
    convolution gives on `pictures`, so that the network computes what the file does. Returns what the file does not have."""
    given = {t.name.removesuffix('_half').removeprefix('net.'): torch.from_numpy(numpy_helper.to_array(t).astype(np.float32).copy()) for t in onnx.load(path).graph.initializer}
    state = {k: v for k, v in given.items() if k in net.state_dict() and v.shape == net.state_dict()[k].shape}
    missing = [k for k, v in net.named_parameters() if k not in state and v.dim() > 1]
    net.load_state_dict(state, strict=False)

    def take_up(bias):
        def hook(norm, inputs):
            x = inputs[0]
            var, mean = torch.var_mean(x, (0, 2, 3), correction=0)
            norm.running_mean.copy_(mean), norm.running_var.copy_(var)
            norm.weight.copy_((var + norm.eps).sqrt()), norm.bias.copy_(bias + mean)
        return hook

    hooks = []
    for name, m in net.named_modules():
        bias = given.get(name[:-1] + '0.bias') if isinstance(m, nn.BatchNorm2d) and name.endswith('.1') else None
        if bias is not None:
            hooks.append(m.register_forward_pre_hook(take_up(bias.to(m.weight.device))))
    was = net.training
    with torch.no_grad():
        net.eval()(*pictures)
    net.train(was)
    for h in hooks:
        h.remove()
    return missing


def onnx_file(task, net, weights, out, cfg, card=None):
    state = {k: v.float() if v.dtype == torch.float16 else v for k, v in torch.load(weights, map_location='cpu', weights_only=True).items()}
    net = net.cpu()
    net.load_state_dict(state, strict=False)
    form, inputs, names_in, names_out = task.export_form(fold(copy.deepcopy(net).eval()))
    form.eval()
    free = {n: {0: 'batch', 2: 'height', 3: 'width'} for n in names_in}
    free.update({n: {0: 'batch', **axes} for n, axes in task.free_outputs.items()})
    torch.onnx.export(form, inputs, out, input_names=names_in, output_names=names_out, opset_version=17, dynamo=False, do_constant_folding=True,
                      dynamic_axes=free)
    model = onnx.load(out)
    halve(model)
    meta = {'author': 'the fovea project', 'description': cfg['description'], 'license': cfg['licence'], **task.metadata()}
    if card:
        meta['card'] = card
    del model.metadata_props[:]
    for k, v in meta.items():
        p = model.metadata_props.add()
        p.key, p.value = k, v
    model.producer_name, model.producer_version = 'fovea train', cfg.get('version', '1')
    model.graph.name, model.doc_string = cfg['name'], cfg['description']
    for n in model.graph.node:
        n.doc_string = ''
    onnx.checker.check_model(model)
    onnx.save(model, out)
    with torch.no_grad():
        probe = [torch.rand_like(t) if t.shape[1] == 3 else (torch.rand_like(t) > 0.8).float() for t in inputs]
        want = form(*probe).numpy()
    try:
        import onnxruntime
        got = onnxruntime.InferenceSession(out, providers=['CPUExecutionProvider']).run(None, {n: t.numpy() for n, t in zip(names_in, probe)})[0]
        print(f'{out}: {model.ByteSize() / 1e6:.2f} MB; ONNX Runtime differs by at most {np.abs(got - want).max():.2e} from float32 weights')
    except ImportError:
        print(f'{out}: {model.ByteSize() / 1e6:.2f} MB')


def main():
    import importlib
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('config')
    ap.add_argument('weights')
    ap.add_argument('-o', '--out', required=True)
    ap.add_argument('--names', default='person', help='class names, separated by commas (detectors)')
    ap.add_argument('--card', help='text that `fovea inspect` shows')
    a = ap.parse_args()
    with open(a.config, 'rb') as f:
        cfg = tomllib.load(f)
    module = importlib.import_module('task_' + cfg['task'])
    task = module.Task.__new__(module.Task)  # without pictures
    task.cfg, task.device, task.size, task.names, task.teacher = cfg, torch.device('cpu'), cfg['imgsz'], a.names.split(','), None
    onnx_file(task, task.net(), a.weights, a.out, cfg, open(a.card).read() if a.card else None)


if __name__ == '__main__':
    main()
