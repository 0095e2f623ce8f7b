"""Models of the zoo that come from packages: torchvision, transformers, timm, Ultralytics. Built from configurations, with
random weights; nothing is downloaded. See make_zoo.py."""
import os

os.environ.setdefault("YOLO_AUTOINSTALL", "false")
os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

CASES = []


def add(name, make, shape, **k):
    CASES.append({**dict(name=name, make=make, shape=shape, opset=17, dynamic=("n",), exporters=("ts",), fast=False, scale=1.0), **k})


# ---- torchvision ----

def tv(name, size=96, **kw):
    def make():
        import torchvision.models as m
        factory = m.get_model_builder(name)
        return factory(weights=None, **kw)
    return make


for name, size, k in (
        ("resnet18", 96, dict(exporters=("ts", "dynamo"), dynamic=("n", "h", "w"))), ("resnet50", 96, {}), ("mobilenet_v2", 96, dict(opset=11)), ("mobilenet_v3_small", 96, dict(opset=14, exporters=("ts", "dynamo"))),
        ("efficientnet_b0", 96, dict(opset=13)), ("convnext_tiny", 96, dict(exporters=("ts", "dynamo"))), ("swin_t", 96, {}), ("swin_v2_t", 96, {}), ("densenet121", 96, dict(opset=12)), ("shufflenet_v2_x1_0", 96, dict(opset=11)),
        ("squeezenet1_1", 96, {}), ("regnet_y_400mf", 96, {}), ("googlenet", 96, dict(kw=dict(init_weights=False))), ("inception_v3", 139, dict(kw=dict(init_weights=False))), ("mnasnet0_5", 96, {}),
        ("vgg11_bn", 96, {}), ("maxvit_t", 224, {}), ("alexnet", 96, {})):
    kw = k.pop("kw", {})
    add("tv_" + name, tv(name, **kw), (1, 3, size, size), **k)


def vit_small():
    from torchvision.models.vision_transformer import VisionTransformer
    return VisionTransformer(image_size=96, patch_size=16, num_layers=3, num_heads=4, hidden_dim=96, mlp_dim=192, num_classes=10)


add("tv_vit_small", vit_small, (1, 3, 96, 96), exporters=("ts", "dynamo"))


def tv_seg(name):
    def make():
        import torch
        import torchvision.models.segmentation as s

        class Out(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.m = getattr(s, name)(weights=None, weights_backbone=None, num_classes=5)

            def forward(self, x):
                return self.m(x)["out"]
        return Out()
    return make


for name in ("deeplabv3_mobilenet_v3_large", "fcn_resnet50", "lraspp_mobilenet_v3_large"):
    add("tv_" + name, tv_seg(name), (1, 3, 96, 128), dynamic=("n", "h", "w") if "lraspp" in name else ("n",))


def tv_det(name, **kw):
    def make():
        import torch
        import torchvision.models.detection as d

        class Out(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.m = getattr(d, name)(weights=None, weights_backbone=None, num_classes=5, **kw)

            def forward(self, x):
                y = self.m([x[0]])[0]
                return y["boxes"], y["scores"], y["labels"]
        return Out()
    return make


for name, kw in (("ssdlite320_mobilenet_v3_large", dict(topk_candidates=50)), ("fcos_resnet50_fpn", dict(min_size=128, max_size=160)), ("retinanet_resnet50_fpn", dict(min_size=128, max_size=160)),
                 ("fasterrcnn_mobilenet_v3_large_320_fpn", {})):
    add("tv_" + name, tv_det(name, **kw), (1, 3, 128, 160), dynamic=(), rows=True)


# ---- transformers ----

def hf(model, config, cfg, pick=None, backbone=None):
    def make():
        import torch
        import transformers as t
        c = dict(cfg)
        if backbone:
            c["backbone_config"] = getattr(t, backbone[0])(**backbone[1])
        config_ = getattr(t, config)(**c)
        config_._attn_implementation = cfg.get("attn", "sdpa")
        try:
            inner = getattr(t, model)(config_)
        except ValueError:
            config_._attn_implementation = "eager"
            inner = getattr(t, model)(config_)

        class Out(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.m = inner

            def forward(self, x):
                y = self.m(pixel_values=x)
                return tuple(y[k] for k in pick)
        return Out()
    return make


RT_RESNET = ("RTDetrResNetConfig", dict(embedding_size=16, hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage2", "stage3", "stage4"]))
RT = dict(num_labels=7, encoder_hidden_dim=32, encoder_in_channels=[32, 48, 64], encoder_ffn_dim=64, encoder_attention_heads=4, d_model=32, num_queries=40, decoder_in_channels=[32, 32, 32], decoder_ffn_dim=64, decoder_layers=2,
          decoder_attention_heads=4, hidden_expansion=0.5, anchor_image_size=None)
HGNET = ("HGNetV2Config", dict(embedding_size=16, hidden_sizes=[32, 48, 64, 96], depths=[1, 1, 1, 1], stem_channels=[3, 8, 16], stage_in_channels=[16, 32, 48, 64], stage_mid_channels=[8, 16, 16, 24], stage_out_channels=[32, 48, 64, 96],
                               stage_num_blocks=[1, 1, 1, 1], stage_numb_of_layers=[2, 2, 2, 2], out_features=["stage2", "stage3", "stage4"]))
DET = ("logits", "pred_boxes")
VIT = dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96)
RESNET = ("ResNetConfig", dict(embedding_size=16, hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage4"]))

for name, make, shape, k in (
        ("rtdetr", hf("RTDetrForObjectDetection", "RTDetrConfig", RT, DET, RT_RESNET), (1, 3, 128, 128), dict(exporters=("ts", "dynamo"), rows=True)),
        ("rtdetrv2", hf("RTDetrV2ForObjectDetection", "RTDetrV2Config", RT, DET, RT_RESNET), (1, 3, 128, 128), dict(exporters=("ts", "dynamo"), rows=True)),
        ("dfine", hf("DFineForObjectDetection", "DFineConfig", {**RT, "encoder_in_channels": [48, 64, 96]}, DET, HGNET), (1, 3, 128, 128), dict(exporters=("ts", "dynamo"), rows=True)),
        ("detr", hf("DetrForObjectDetection", "DetrConfig", dict(use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, num_labels=7, d_model=32, encoder_layers=2, decoder_layers=2, encoder_ffn_dim=64, decoder_ffn_dim=64,
                                                              encoder_attention_heads=4, decoder_attention_heads=4, num_queries=20), DET, RESNET), (1, 3, 96, 128), dict(exporters=("ts", "dynamo"))),
        ("conditional_detr", hf("ConditionalDetrForObjectDetection", "ConditionalDetrConfig", dict(use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, num_labels=7, d_model=32, encoder_layers=2, decoder_layers=2,
                                encoder_ffn_dim=64, decoder_ffn_dim=64, encoder_attention_heads=4, decoder_attention_heads=4, num_queries=20), DET, RESNET), (1, 3, 96, 128), {}),
        ("deformable_detr", hf("DeformableDetrForObjectDetection", "DeformableDetrConfig", dict(use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, num_labels=7, d_model=32, encoder_layers=2, decoder_layers=2,
                               encoder_ffn_dim=64, decoder_ffn_dim=64, encoder_attention_heads=4, decoder_attention_heads=4, num_queries=20, num_feature_levels=3), DET,
                               ("ResNetConfig", {**RESNET[1], "out_features": ["stage2", "stage3", "stage4"]})), (1, 3, 96, 128), dict(exporters=("dynamo",))),
        ("lw_detr", hf("LwDetrForObjectDetection", "LwDetrConfig", dict(num_labels=7, d_model=32, num_queries=20, decoder_layers=2, decoder_ffn_dim=64, group_detr=1), DET,
                       ("LwDetrViTConfig", dict(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, window_block_indices=[0, 2], image_size=128, pretrain_image_size=128, patch_size=16, num_windows=4, out_indices=[1, 3]))), (1, 3, 128, 128),
                    dict(exporters=("dynamo",), rows=True)),
        ("rf_detr", hf("RfDetrForObjectDetection", "RfDetrConfig", dict(num_labels=7, d_model=32, num_queries=20, decoder_layers=2, decoder_ffn_dim=64, group_detr=1), DET,
                       ("RfDetrDinov2Config", dict(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, image_size=128, patch_size=16, num_windows=2, out_indices=[2, 4]))), (1, 3, 128, 128),
                    dict(exporters=("dynamo",), rows=True)),
        ("yolos", hf("YolosForObjectDetection", "YolosConfig", {**VIT, "image_size": [96, 128], "patch_size": 16, "num_detection_tokens": 20, "num_labels": 7}, DET), (1, 3, 96, 128), dict(exporters=("ts", "dynamo"))),
        ("vit", hf("ViTForImageClassification", "ViTConfig", {**VIT, "image_size": 96, "patch_size": 16, "num_labels": 9}, ("logits",)), (1, 3, 96, 96), dict(exporters=("ts", "dynamo"))),
        ("dinov2", hf("Dinov2Model", "Dinov2Config", {**VIT, "image_size": 70, "patch_size": 14}, ("last_hidden_state", "pooler_output")), (1, 3, 98, 126), dict(exporters=("ts", "dynamo"))),
        ("dinov3", hf("DINOv3ViTModel", "DINOv3ViTConfig", {**VIT, "image_size": 96, "patch_size": 16}, ("last_hidden_state",)), (1, 3, 96, 128), dict(exporters=("dynamo",))),
        ("swin", hf("SwinForImageClassification", "SwinConfig", dict(image_size=112, embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=7, num_labels=9), ("logits",)), (1, 3, 112, 112), dict(exporters=("ts", "dynamo"))),
        ("swinv2", hf("Swinv2ForImageClassification", "Swinv2Config", dict(image_size=112, embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=7, num_labels=9), ("logits",)), (1, 3, 112, 112), {}),
        ("segformer", hf("SegformerForSemanticSegmentation", "SegformerConfig", dict(depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64], decoder_hidden_size=32, num_labels=5), ("logits",)), (1, 3, 128, 96),
                      dict(exporters=("ts", "dynamo"), dynamic=("n", "h", "w"))),
        ("dpt", hf("DPTForDepthEstimation", "DPTConfig", {**VIT, "num_hidden_layers": 4, "image_size": 96, "patch_size": 16, "backbone_out_indices": [0, 1, 2, 3], "neck_hidden_sizes": [16, 24, 32, 48], "fusion_hidden_size": 24}, ("predicted_depth",)),
                (1, 3, 96, 96), {}),
        ("depth_anything", hf("DepthAnythingForDepthEstimation", "DepthAnythingConfig", dict(patch_size=14, reassemble_hidden_size=48, neck_hidden_sizes=[16, 24, 32, 48], fusion_hidden_size=24), ("predicted_depth",),
                              ("Dinov2Config", {**VIT, "num_hidden_layers": 4, "image_size": 70, "patch_size": 14, "out_indices": [1, 2, 3, 4], "reshape_hidden_states": False, "apply_layernorm": True})), (1, 3, 70, 98),
                           dict(exporters=("ts", "dynamo"))),
        ("clip_vision", hf("CLIPVisionModelWithProjection", "CLIPVisionConfig", {**VIT, "image_size": 96, "patch_size": 16, "projection_dim": 32}, ("image_embeds",)), (1, 3, 96, 96), dict(exporters=("ts", "dynamo"))),
        ("siglip_vision", hf("SiglipVisionModel", "SiglipVisionConfig", {**VIT, "image_size": 96, "patch_size": 16}, ("last_hidden_state", "pooler_output")), (1, 3, 96, 96), {}),
        ("convnextv2", hf("ConvNextV2ForImageClassification", "ConvNextV2Config", dict(hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 2, 1], num_labels=9), ("logits",)), (1, 3, 96, 96), dict(exporters=("ts", "dynamo"))),
        ("mobilevit", hf("MobileViTForImageClassification", "MobileViTConfig", dict(image_size=128, hidden_sizes=[24, 32, 40], neck_hidden_sizes=[8, 16, 24, 32, 40, 64], num_labels=9), ("logits",)), (1, 3, 128, 128), dict(exporters=("ts", "dynamo"))),
        ("mobilevitv2", hf("MobileViTV2ForImageClassification", "MobileViTV2Config", dict(image_size=128, width_multiplier=0.5, num_labels=9), ("logits",)), (1, 3, 128, 128), {}),
        ("beit", hf("BeitForImageClassification", "BeitConfig", {**VIT, "image_size": 96, "patch_size": 16, "use_relative_position_bias": True, "num_labels": 9}, ("logits",)), (1, 3, 96, 96), dict(exporters=("ts", "dynamo"))),
        ("pvt_v2", hf("PvtV2ForImageClassification", "PvtV2Config", dict(hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1], num_labels=9), ("logits",)), (1, 3, 96, 96), {}),
        ("levit", hf("LevitForImageClassification", "LevitConfig", dict(image_size=96, hidden_sizes=[32, 48, 64], num_attention_heads=[2, 3, 4], depths=[1, 1, 1], key_dim=[8, 8, 8], num_labels=9), ("logits",)), (1, 3, 96, 96), {}),
        ("poolformer", hf("PoolFormerForImageClassification", "PoolFormerConfig", dict(hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1], num_labels=9), ("logits",)), (1, 3, 96, 96), {}),
        ("glpn", hf("GLPNForDepthEstimation", "GLPNConfig", dict(depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64], decoder_hidden_size=16), ("predicted_depth",)), (1, 3, 96, 128), {}),
        ("upernet", hf("UperNetForSemanticSegmentation", "UperNetConfig", dict(hidden_size=32, pool_scales=[1, 2, 3, 6], auxiliary_in_channels=48, num_labels=5, use_auxiliary_head=False), ("logits",),
                       ("ConvNextConfig", dict(hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1], out_features=["stage1", "stage2", "stage3", "stage4"]))), (1, 3, 128, 128), {}),
        ("vitmatte_like_focalnet", hf("FocalNetForImageClassification", "FocalNetConfig", dict(image_size=96, embed_dim=24, depths=[1, 1], focal_levels=[2, 2], focal_windows=[3, 3], hidden_sizes=[24, 48], num_labels=9), ("logits",)), (1, 3, 96, 96), {}),
        ("mask2former_like_maskformer", hf("MaskFormerForInstanceSegmentation", "MaskFormerConfig", dict(fpn_feature_size=32, mask_feature_size=32, num_labels=5,
                                           decoder_config=dict(model_type="detr", d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=64, decoder_ffn_dim=64, encoder_attention_heads=4, decoder_attention_heads=4, num_queries=12)),
                                           ("class_queries_logits", "masks_queries_logits"), ("ResNetConfig", {**RESNET[1], "out_features": ["stage1", "stage2", "stage3", "stage4"]})), (1, 3, 96, 96), {}),
):
    add("hf_" + name, make, shape, **k)


# ---- timm ----

def timm_model(name, **kw):
    def make():
        import timm
        return timm.create_model(name, pretrained=False, **kw)
    return make


for name, size in (("mobilenetv4_conv_small", 96), ("efficientvit_b0", 96), ("fastvit_t8", 128), ("ghostnetv2_100", 96), ("hgnetv2_b0", 96), ("repvgg_a0", 96), ("edgenext_xx_small", 128), ("coat_lite_tiny", 224), ("mobileone_s0", 96),
                   ("tf_efficientnetv2_b0", 96), ("res2net50_26w_4s", 96), ("tinynet_a", 96), ("lcnet_050", 96), ("cspdarknet53", 96), ("pit_ti_224", 224), ("xcit_nano_12_p16_224", 224), ("repvit_m0_9", 96), ("starnet_s1", 96), ("inception_next_atto", 96),
                   ("eca_resnet33ts", 96), ("skresnet18", 96), ("hrnet_w18_small", 96), ("gcvit_xxtiny", 224), ("efficientformerv2_s0", 224), ("poolformerv2_s12", 96), ("resnest14d", 96), ("vovnet39a", 96), ("dla34", 96)):
    add("timm_" + name, timm_model(name), (1, 3, size, size), package="timm")


# ---- Ultralytics: exported by its own exporter ----

def ultra(yaml, imgsz=128, **kw):
    def export(path):
        import shutil
        import tempfile
        import ultralytics
        import zoo_settle
        here = os.getcwd()
        with tempfile.TemporaryDirectory() as d:
            os.chdir(d)
            try:
                cls = ultralytics.RTDETR if "rtdetr" in yaml else ultralytics.YOLO
                m = cls(yaml)
                zoo_settle.settle(m.model, (1, 3, 128, 128))
                m.ckpt_path = None
                out = m.export(format="onnx", imgsz=imgsz, verbose=False, device="cpu", **{"opset": 17, "simplify": False, **kw})
                shutil.move(os.path.join(d, out), path)
            finally:
                os.chdir(here)
    return export


def add_ultra(name, yaml, shape=(1, 3, 128, 128), dynamic=(), **k):
    opts = k.pop("export", {})
    imgsz = k.pop("imgsz", list(shape[2:]))
    CASES.append({**dict(name="ul_" + name, export=ultra(yaml, imgsz, **opts), shape=shape, dynamic=dynamic, fast=False, scale=1.0, rows=True), **k})


for y in ("yolov3-tiny", "yolov5n", "yolov6n", "yolov8n", "yolov8s", "yolov9t", "yolov10n", "yolo11n", "yolo12n", "yolo26n"):
    add_ultra(y, y + ".yaml")
for y in ("yolov8n", "yolo11n", "yolo26n"):
    for task in ("seg", "pose", "obb", "cls"):
        add_ultra(f"{y}-{task}", f"{y}-{task}.yaml")
for y in ("yolov8n", "yolov10n", "yolo11n", "yolo12n", "yolo26n", "yolov8n-seg", "yolo11n-pose", "yolo11n-cls"):
    add_ultra(y + "@dynamic", y + ".yaml", dynamic=("n", "h", "w"), export=dict(dynamic=True))
for y in ("yolov8n", "yolo11n", "yolo26n", "yolov9t"):
    add_ultra(y + "@slim", y + ".yaml", export=dict(simplify=True), package="onnxslim")
for y in ("yolov8n", "yolo11n", "yolo26n", "yolo11n-seg"):
    add_ultra(y + "@half", y + ".yaml", export=dict(half=True), half=True)
for y in ("yolov8n", "yolo11n", "yolov8n-seg", "yolo11n-pose"):
    add_ultra(y + "@nms", y + ".yaml", export=dict(nms=True))
for y, op in (("yolov8n", 11), ("yolov8n", 12), ("yolo11n", 13), ("yolo26n", 18), ("yolo11n", 20), ("yolov5n", 11), ("yolo26n", 20)):
    add_ultra(f"{y}@op{op}", y + ".yaml", export=dict(opset=op))
add_ultra("yolov8n@96x160", "yolov8n.yaml", shape=(1, 3, 96, 160))
add_ultra("yolov8n@batch2", "yolov8n.yaml", shape=(2, 3, 128, 128), export=dict(batch=2))
add_ultra("yolov8n-p2", "yolov8n-p2.yaml")
add_ultra("yolov8n-p6", "yolov8n-p6.yaml")
add_ultra("yolov8n-ghost", "yolov8n-ghost.yaml")
add_ultra("yolov8n-rtdetr", "yolov8n-rtdetr.yaml")
add_ultra("rtdetr-l", "rtdetr-l.yaml", heavy=True)
add_ultra("yolo26n-sem", "yolo26n-sem.yaml", rows=False)
add_ultra("yolo26n-depth", "yolo26n-depth.yaml", rows=False)
