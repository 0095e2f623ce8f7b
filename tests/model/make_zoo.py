#!/usr/bin/env python3
"""Exports many vision models, with random weights, to ONNX: hand-written blocks (zoo_blocks.py) and models of torchvision,
transformers, timm and Ultralytics (zoo_packages.py), with both exporters of torch, several opsets, static and dynamic
shapes, half precision and external data.

    tests/model/make_zoo.py DIR [--all] [--only REGEX] [--list] [--force]

Default: the fast subset (hand-written blocks, first exporter). Each model gets a JSON file of what it is beside it. What an
exporter cannot do is reported and left out. Needs torch and onnx; the packages for --all."""
import argparse
import contextlib
import importlib
import io
import json
import logging
import os
import re
import sys
import time
import traceback
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def variants(cases):
    """Yields (name, case with one exporter, opset and form)."""
    for c in cases:
        if "export" in c:
            yield c["name"], c
            continue
        for i, exporter in enumerate(c["exporters"]):
            v = {**c, "exporter": exporter, "fast": c["fast"] and i == 0}
            if exporter == "dynamo":
                v["opset"] = max(18, c["opset"])
            yield f"{c['name']}@{exporter}{v['opset']}", v
    by_name = {c["name"]: c for c in cases}
    extra = [("yolox", dict(opset=11, dynamic=())), ("yolox", dict(opset=13)), ("yolox", dict(exporter="dynamo", opset=20)), ("yolox", dict(half=True, fast=True)), ("yolox", dict(bf16=True, exporter="dynamo")),
             ("yolox", dict(external=True, fast=True)), ("vitblock", dict(opset=14)), ("vitblock", dict(exporter="dynamo", opset=23)), ("vitblock", dict(half=True)), ("vitblock", dict(bf16=True, exporter="dynamo")),
             ("vitblock", dict(external=True, exporter="dynamo")), ("swinwindow", dict(opset=20, dynamic=())), ("areaattention", dict(opset=12)), ("norms", dict(opset=11)), ("norms", dict(opset=21, exporter="dynamo")),
             ("tv_resnet18", dict(half=True)), ("tv_resnet18", dict(opset=11, dynamic=())), ("hf_vit", dict(half=True, exporter="dynamo")), ("hf_dinov2", dict(exporter="dynamo", opset=23))]
    for name, change in extra:
        if name not in by_name:
            continue
        v = {"exporter": "ts", **by_name[name], "fast": False, **change}
        if v["exporter"] == "dynamo":
            v["opset"] = max(18, v["opset"])
        marks = [k for k in ("half", "bf16", "external") if change.get(k)] + (["static"] if change.get("dynamic") == () else [])
        yield f"{name}@{v['exporter']}{v['opset']}" + "".join("-" + m for m in marks), v


def export_torch(path, v):
    import torch
    from zoo_settle import settle
    torch.manual_seed(1)
    model = v["make"]() if not isinstance(v["make"], type) else v["make"]()
    settle(model, v["shape"], v["scale"])
    x = torch.rand(v["shape"]) * v["scale"]
    dtype = torch.float16 if v.get("half") else torch.bfloat16 if v.get("bf16") else torch.float32
    model, x = model.to(dtype), x.to(dtype)
    where = {"n": 0, "h": len(v["shape"]) - 2, "w": len(v["shape"]) - 1}
    axes = {where[k]: {"n": "batch", "h": "height", "w": "width"}[k] for k in v["dynamic"]}
    kw = dict(opset_version=v["opset"], input_names=["images"])
    with torch.no_grad():
        if v["exporter"] == "ts":
            outputs = model(x)
            kw.update(dynamo=False, dynamic_axes={"images": axes} if axes else None, output_names=[f"out{i}" for i in range(len(outputs) if isinstance(outputs, (tuple, list)) else 1)])
            torch.onnx.export(model, (x,), path, **kw)
        else:
            if axes and 0 in axes and x.shape[0] == 1:
                x = torch.cat((x, x * 0.5))  # 1 would be taken for a constant
            dims = {d: torch.export.Dim.AUTO for d in axes}
            torch.onnx.export(model, (x,), path, dynamo=True, dynamic_shapes=(dims,) if axes else None, external_data=False, verbose=False, **kw)
    if v.get("external"):
        import onnx
        m = onnx.load(path)
        onnx.save(m, path, save_as_external_data=True, all_tensors_to_one_file=True, location=os.path.basename(path) + ".data", size_threshold=256)


def cases(everything):
    import zoo_blocks
    out = list(zoo_blocks.CASES)
    if everything:
        import zoo_packages
        out += zoo_packages.CASES
    return out


def make(folder, name, v, force):
    """Path of the model, or None when the exporter cannot."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.abspath(os.path.join(folder, name + ".onnx"))
    if os.path.exists(path) and os.path.exists(path + ".json") and not force:
        return path
    if v.get("package") and importlib.util.find_spec(v["package"]) is None:
        print(f"  left out {name}: no {v['package']}", flush=True)
        return None
    start = time.time()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            logging.disable(logging.ERROR)
            v["export"](path) if "export" in v else export_torch(path, v)
    except Exception as e:
        print(f"  left out {name}: {type(e).__name__}: {str(e).strip().splitlines()[0][:160] if str(e).strip() else ''}", flush=True)
        if os.environ.get("ZOO_TRACE"):
            traceback.print_exc()
        if os.path.exists(path):
            os.remove(path)
        return None
    with open(path + ".json", "w") as f:
        json.dump({"name": name, "shape": v["shape"], "dynamic": v["dynamic"], "rows": bool(v.get("rows")), "half": bool(v.get("half") or v.get("bf16")), "scale": v["scale"], "refused": v.get("refused")}, f)
    print(f"  made {name} ({time.time() - start:.1f} s)", flush=True)
    return path


def chosen(args):
    for name, v in variants(cases(args.all or bool(args.only))):
        if args.only and not re.search(args.only, name):
            continue
        if not args.only and not args.all and not v["fast"]:
            continue
        yield name, v


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("dir")
    a.add_argument("--all", action="store_true")
    a.add_argument("--only")
    a.add_argument("--list", action="store_true")
    a.add_argument("--force", action="store_true")
    args = a.parse_args()
    for name, v in chosen(args):
        print(name) if args.list else make(args.dir, name, v, args.force)


if __name__ == "__main__":
    main()
