/* presets.c: heads by name, for models whose metadata does not say what they are and whose shapes could be several things.
 * Called by heads.c; listed by fv_detector_preset. */
#include "base/error.h"
#include "vision/heads/common.h"
#include <stdio.h>
#include <string.h>

const fvi_head_preset fvi_head_presets[] = {
    {"yolov8", "YOLOv8, 9, 11, 12, v5u: [1,4+classes,anchors]", &fvi_head_yolov8, FV_TASK_DETECT},
    {"yolov5", "YOLOv5, v7, v3: [1,anchors,5+classes]", &fvi_head_yolov5, FV_TASK_DETECT},
    {"e2e", "YOLOv10, YOLO26, nms=True: [1,K,6]", &fvi_head_e2e, FV_TASK_DETECT},
    {"yolox", "YOLOX: BGR 0..255, top-left", &fvi_head_yolox, FV_TASK_DETECT},
    {"nanodet", "NanoDet, NanoDet-Plus, PicoDet", &fvi_head_nanodet, FV_TASK_DETECT},
    {"detr", "RT-DETR, D-FINE, RF-DETR", &fvi_head_detr, FV_TASK_DETECT},
    {"segment", "YOLO with masks: rows of boxes and prototypes [1,P,h,w]", &fvi_head_segment, FV_TASK_SEGMENT},
    {"regions", "a map of one probability [1,1,h,w]: its regions as boxes with masks; RGB 0..1, letterboxed", &fvi_head_regions, FV_TASK_SEGMENT},
    {"pose", "YOLO with keypoints; COCO's 17 when metadata has no kpt_shape", &fvi_head_pose, FV_TASK_POSE},
    {"obb", "YOLO with rotated boxes", &fvi_head_obb, FV_TASK_OBB},
    {"classify", "YOLO classifier: [1,classes], RGB 0..1, short side and centre crop", &fvi_head_classify, FV_TASK_CLASSIFY},
    {"imagenet", "torchvision, timm: [1,classes], ImageNet mean and std, centre 7/8", &fvi_head_classify, FV_TASK_CLASSIFY},
    {"depth", "[1,1,h,w] or [1,h,w]: RGB 0..1, stretched", &fvi_head_depth, FV_TASK_DEPTH},
    {"depth-anything", "the same: ImageNet mean and std, bicubic", &fvi_head_depth, FV_TASK_DEPTH},
    {"semantic", "[1,classes,h,w] or [1,h,w]: ImageNet mean and std, stretched", &fvi_head_semantic, FV_TASK_SEMANTIC},
    {"text", "PP-OCR text finder: [1,1,h,w], a probability", &fvi_head_semantic, FV_TASK_SEMANTIC},
    {"embed", "[1,numbers]: ImageNet mean and std, stretched", &fvi_head_embed, FV_TASK_EMBED},
    {0},
};

const char *fv_detector_preset(int i, const char **about)
{
    if (i < 0 || i >= (int)(sizeof fvi_head_presets / sizeof *fvi_head_presets) - 1) return NULL;
    if (about) *about = fvi_head_presets[i].about;
    return fvi_head_presets[i].name;
}

const fvi_head_preset *fvi_head_preset_named(const char *name, fv_error *err)
{
    char all[400] = "";
    size_t at = 0;
    for (const fvi_head_preset *p = fvi_head_presets; p->name; p++) {
        if (strcmp(p->name, name) == 0) return p;
        int n = snprintf(all + at, sizeof all - at, "%s%s", at ? ", " : "", p->name);
        if (n > 0 && at + (size_t)n < sizeof all) at += (size_t)n;
    }
    fvi_error_set(err, FV_ERR_ARGUMENT, "there is no preset '%.40s'; known are %s", name, all);
    return NULL;
}
