#!/usr/bin/env python3
"""Exports with random weights, one for each head that fovea reads, as the tools that people use write them.

    tests/model/make_random_models.py OUT_DIR [--all] [NAME...]

Ultralytics models are built from their YAML files, torchvision and transformers ones from configuration objects: nothing is downloaded.
Random weights give flat scores, so batch normalisation is calibrated on a picture and the last convolutions are scaled until scores,
boxes, masks and keypoints spread: then there is something to compare. The set of the test by default; --all makes the rest as well.
Needs ultralytics, torchvision, transformers, onnx; names that cannot be made for want of a package are skipped with a line."""
import argparse
import os
import pathlib
import sys
import warnings

os.environ.setdefault("YOLO_AUTOINSTALL", "false")
os.environ.setdefault("YOLO_OFFLINE", "true")
warnings.filterwarnings("ignore")

# name: (yaml, size, options of export)
ULTRALYTICS = {
    "v8-seg": ("yolov8n-seg.yaml", 320, {}),
    "v8-pose": ("yolov8n-pose.yaml", 320, {}),
    "v8-obb": ("yolov8n-obb.yaml", 320, {}),
    "v8-cls": ("yolov8n-cls.yaml", 160, {}),
    "26-seg": ("yolo26n-seg.yaml", 320, {}),
    "26-pose": ("yolo26n-pose.yaml", 320, {}),
    "26-obb": ("yolo26n-obb.yaml", 320, {}),
    "v8-seg-nms": ("yolov8n-seg.yaml", 320, {"nms": True, "conf": 0.25}),
    "11-seg": ("yolo11n-seg.yaml", 320, {}),
    "11-pose": ("yolo11n-pose.yaml", 320, {}),
    "11-obb": ("yolo11n-obb.yaml", 320, {}),
    "11-cls": ("yolo11n-cls.yaml", 224, {}),
    "26-cls": ("yolo26n-cls.yaml", 224, {}),
    "26-det": ("yolo26n.yaml", 320, {}),
    "26-depth": ("yolo26n-depth.yaml", 320, {}),
    "26-sem": ("yolo26n-sem.yaml", 320, {}),
    "v10": ("yolov10n.yaml", 320, {}),
    "v9t": ("yolov9t.yaml", 320, {}),
    "12n": ("yolo12n.yaml", 320, {}),
    "v5u": ("yolov5n.yaml", 320, {}),
    "v3-tiny": ("yolov3-tiny.yaml", 320, {}),
    "v8-pose-nms": ("yolov8n-pose.yaml", 320, {"nms": True, "conf": 0.25}),
    "v8-obb-nms": ("yolov8n-obb.yaml", 320, {"nms": True, "conf": 0.25}),
    "rtdetr": ("rtdetr-l.yaml", 320, {}),
}
DEFAULT = ["v8-seg", "v8-pose", "v8-obb", "v8-cls", "26-pose", "26-sem", "resnet18", "segformer"]


def picture(size):
    """Blobs, edges and texture: enough structure for statistics."""
    import numpy as np
    import torch
    rng = np.random.default_rng(5)
    img = np.zeros((size, size, 3), np.float32)
    yy, xx = np.mgrid[:size, :size] / size
    for _ in range(60):
        cx, cy, r = rng.uniform(0, 1, 2).tolist() + [rng.uniform(0.03, 0.25)]
        img[(xx - cx) ** 2 + (yy - cy) ** 2 < r * r] = rng.uniform(0, 1, 3)
    for step in (1, 2, 4, 8, 16, 32):  # texture of all sizes, or features that a photograph has would be scaled up without measure
        noise = rng.normal(0, 0.12, (size // step + 1, size // step + 1, 3))
        img += noise.repeat(step, 0).repeat(step, 1)[:size, :size].astype(np.float32)
    return torch.from_numpy(img.clip(0, 1).astype(np.float32).transpose(2, 0, 1)[None])


def calibrate_norms(model, x):
    """Running statistics of the picture, so that activations neither die nor explode."""
    import torch
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for m in norms:
        m.momentum = 1.0
    model.train()
    with torch.no_grad():
        for _ in range(2):
            model(x)
    for m in norms:
        m.momentum = 0.03
    model.eval()


def spread(model, x, convs):
    """convs: (layer, wanted deviation, wanted mean): each rescaled by what it gives for x."""
    import torch
    seen = {}
    hooks = [c.register_forward_hook(lambda m, i, o: seen.__setitem__(m, o.detach())) for c, _, _ in convs]
    with torch.no_grad():
        model(x)
    for h in hooks:
        h.remove()
    for c, deviation, mean in convs:
        if c not in seen:
            continue
        o = seen[c] - (c.bias.detach().view(1, -1, *([1] * (seen[c].ndim - 2))) if c.bias is not None else 0)
        c.weight.data *= deviation / max(float(o.std()), 1e-6)
        if c.bias is not None:
            c.bias.data[:] = mean


def last_layers(head):
    """Last convolutions of the branches of an Ultralytics head with the spread they get."""
    wanted = {"cv2": (1.0, 4.0), "cv3": (0.3, -2.0), "cv4": (1.0, 0.0)}
    out = []
    for name, (deviation, mean) in wanted.items():
        for prefix in ("", "one2one_"):
            for branch in getattr(head, prefix + name, None) or []:
                convs = [m for m in branch.modules() if type(m).__name__ in ("Conv2d",)]
                if convs:
                    out.append((convs[-1], deviation, mean))
    return out


def ultralytics(name, path):
    import torch
    from ultralytics import RTDETR, YOLO
    yaml, size, options = ULTRALYTICS[name]
    torch.manual_seed(3)
    model = (RTDETR if "rtdetr" in yaml else YOLO)(yaml)
    net = model.model
    x = picture(size)
    if "rtdetr" not in yaml:
        calibrate_norms(net, x)
        head = net.model[-1]
        if model.task == "classify":
            head.linear.weight.data *= 30
        elif model.task in ("semantic", "depth"):
            pass
        else:
            spread(net, x, last_layers(head))
    else:
        net.eval()
        decoder = net.model[-1]
        for layer in list(decoder.dec_score_head):
            layer.weight.data *= 4
            layer.bias.data[:] = -4
        for layer in list(decoder.dec_bbox_head):
            torch.nn.init.normal_(layer.layers[-1].weight, 0, 0.1)
    made = model.export(format="onnx", imgsz=size, simplify=False, opset=17, verbose=False, **options)
    os.replace(made, path)


def export_torch(model, x, path, names):
    import torch
    model.eval()
    with torch.no_grad():
        torch.onnx.export(model, (x,), str(path), input_names=["pixel_values"], output_names=names, opset_version=17, dynamo=False)


class Outputs:
    """A transformers model as a function of the picture alone with named outputs."""

    def __new__(cls, model, names):
        import torch

        class Wrapped(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, pixel_values):
                o = self.model(pixel_values=pixel_values)
                return tuple(getattr(o, n) for n in names)

        return Wrapped()


def torchvision_model(name, path):
    import torch
    import torchvision
    torch.manual_seed(4)
    model = getattr(torchvision.models, name)(weights=None)
    x = picture(224)
    calibrate_norms(model, x.repeat(2, 1, 1, 1) + 0.1 * torch.randn(2, 3, 224, 224))
    export_torch(model, x, path, ["logits"])


def segformer(_, path):
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation
    torch.manual_seed(5)
    c = SegformerConfig(num_labels=12, depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 40, 64], decoder_hidden_size=64)
    model = SegformerForSemanticSegmentation(c)
    calibrate_norms(model, picture(256))
    model.decode_head.classifier.weight.data *= 20
    export_torch(Outputs(model, ["logits"]), picture(256), path, ["logits"])


def depth_anything(_, path):
    import torch
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config
    torch.manual_seed(6)
    backbone = Dinov2Config(image_size=224, patch_size=14, hidden_size=64, num_hidden_layers=4, num_attention_heads=2, out_features=["stage1", "stage2", "stage3", "stage4"],
                            reshape_hidden_states=False, apply_layernorm=True)
    c = DepthAnythingConfig(backbone_config=backbone, reassemble_hidden_size=64, patch_size=14, neck_hidden_sizes=[16, 32, 64, 64], fusion_hidden_size=16, head_hidden_size=16)
    model = DepthAnythingForDepthEstimation(c)
    export_torch(Outputs(model, ["predicted_depth"]), picture(224), path, ["predicted_depth"])


def detr_scores(model):
    """Class heads of the decoder: spread logits around one in fifty."""
    import torch
    for name, m in model.named_modules():
        if isinstance(m, torch.nn.Linear) and ("class_embed" in name or "enc_score_head" in name):
            torch.nn.init.normal_(m.weight, 0, 0.35)
            m.bias.data[:] = -4
        if isinstance(m, torch.nn.Linear) and ("bbox_embed" in name or "enc_bbox_head" in name):
            torch.nn.init.normal_(m.weight, 0, 0.1)


def rt_detr(_, path):
    import torch
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrResNetConfig
    torch.manual_seed(7)
    b = RTDetrResNetConfig(embedding_size=16, hidden_sizes=[16, 32, 64, 96], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage2", "stage3", "stage4"])
    c = RTDetrConfig(backbone_config=b, encoder_in_channels=[32, 64, 96], d_model=64, encoder_hidden_dim=64, encoder_ffn_dim=64, decoder_ffn_dim=64, decoder_in_channels=[64, 64, 64], feat_strides=[8, 16, 32],
                     decoder_layers=2, num_queries=100 * 3, num_labels=80, encoder_attention_heads=4, decoder_attention_heads=4, anchor_image_size=[320, 320])
    model = RTDetrForObjectDetection(c)
    detr_scores(model)
    export_torch(Outputs(model, ["logits", "pred_boxes"]), picture(320), path, ["logits", "pred_boxes"])


def d_fine(_, path):
    import torch
    from transformers import DFineConfig, DFineForObjectDetection, HGNetV2Config
    torch.manual_seed(8)
    b = HGNetV2Config(out_features=["stage2", "stage3", "stage4"])
    c = DFineConfig(backbone_config=b, d_model=64, encoder_hidden_dim=64, encoder_ffn_dim=64, decoder_ffn_dim=64, encoder_in_channels=[512, 1024, 2048], decoder_in_channels=[64, 64, 64], decoder_layers=2, num_queries=300,
                    num_labels=80, encoder_attention_heads=4, decoder_attention_heads=4, hidden_expansion=0.5, depth_mult=0.34)
    model = DFineForObjectDetection(c)
    detr_scores(model)
    export_torch(Outputs(model, ["logits", "pred_boxes"]), picture(320), path, ["logits", "pred_boxes"])


OTHERS = {
    "resnet18": torchvision_model, "mobilenet_v3_small": torchvision_model, "segformer": segformer, "depth-anything": depth_anything,
    "rt-detr": rt_detr, "d-fine": d_fine,
}


def make(name, out):
    """Path of the model, made unless it is there; None when a package is missing."""
    path = pathlib.Path(out) / f"{name}.onnx"
    if path.exists():
        return path
    cwd = os.getcwd()
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.chdir(path.parent)  # exporters leave files beside them
        (ultralytics if name in ULTRALYTICS else OTHERS[name])(name, path)
    except ImportError as e:
        print(f"skipped {name}: {e}")
        return None
    finally:
        os.chdir(cwd)
    return path


def main():
    a = argparse.ArgumentParser()
    a.add_argument("out")
    a.add_argument("names", nargs="*")
    a.add_argument("--all", action="store_true")
    args = a.parse_args()
    for name in args.names or ([*ULTRALYTICS, *OTHERS] if args.all else DEFAULT):
        path = make(name, args.out)
        if path:
            print(f"{name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
