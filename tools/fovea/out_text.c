/* out_text.c: results as text: JSON lines, CSV, MOT, YOLO labels, events (docs/FORMATS.md). Called by out.c. */
#include "out.h"
#include <string.h>

static void box(text *t, const float *b)
{
    for (int i = 0; i < 4; i++) {
        if (i) text_add(t, ",");
        text_number(t, b[i], 2);
    }
}

void out_json_frame(text *t, const out_frame *f)
{
    const fv_frame *p = f->r->frame;
    text_add(t, "{\"source\":");
    text_json(t, f->source);
    text_printf(t, ",\"frame\":%lld,\"pts\":", (long long)f->frame);
    text_number(t, f->pts, 6);
    if (p->wall > 0) {
        text_add(t, ",\"wall\":");
        text_number(t, p->wall, 3);
    }
    text_printf(t, ",\"width\":%d,\"height\":%d,\"detections\":[", p->width, p->height);
    bool classify = fv_detector_task(f->names) == FV_TASK_CLASSIFY;
    for (int i = 0; i < f->r->dets->count && !classify; i++) {
        const fv_detection *d = &f->r->dets->items[i];
        text_printf(t, "%s{\"class_id\":%d,\"label\":", i ? "," : "", d->class_id);
        text_json(t, fv_detector_class_name(f->names, d->class_id));
        text_add(t, ",\"confidence\":");
        text_number(t, d->confidence, 4);
        text_add(t, ",\"box\":[");
        box(t, d->box);
        text_add(t, "]");
        if (d->track_id > 0) text_printf(t, ",\"track_id\":%d", d->track_id);
        out_json_extra(t, f, d);
        text_add(t, "}");
    }
    text_add(t, "]");
    if (classify) out_json_classes(t, f);
    out_json_map(t, f);
    text_add(t, "}\n");
}

void out_csv_head(text *t) { text_add(t, "x_min,y_min,x_max,y_max,class_id,confidence,tracker_id,source,frame,pts,label\n"); }

void out_csv_frame(text *t, const out_frame *f)
{
    for (int i = 0; i < f->r->dets->count; i++) {
        const fv_detection *d = &f->r->dets->items[i];
        box(t, d->box);
        text_printf(t, ",%d,", d->class_id);
        text_number(t, d->confidence, 4);
        text_add(t, ",");
        if (d->track_id > 0) text_printf(t, "%d", d->track_id);
        text_add(t, ",");
        text_csv(t, f->source);
        text_printf(t, ",%lld,", (long long)f->frame);
        text_number(t, f->pts, 6);
        text_add(t, ",");
        text_csv(t, fv_detector_class_name(f->names, d->class_id));
        text_add(t, "\n");
    }
}

void out_yolo_frame(text *t, const out_frame *f)
{
    double w = f->r->frame->width, h = f->r->frame->height;
    for (int i = 0; i < f->r->dets->count; i++) {
        const fv_detection *d = &f->r->dets->items[i];
        if (out_yolo_extra(t, f, d)) continue;
        text_printf(t, "%d %.6f %.6f %.6f %.6f", d->class_id, (d->box[0] + d->box[2]) / 2 / w, (d->box[1] + d->box[3]) / 2 / h,
                    (d->box[2] - d->box[0]) / w, (d->box[3] - d->box[1]) / h);
        out_yolo_end(t, f, d);
    }
}

void out_event(text *t, const fv_event *e, const settings *s, const fv_detector *names, const char *source)
{
    static const char *const types[] = {[FV_EVENT_CROSS] = "cross", [FV_EVENT_ENTER] = "enter", [FV_EVENT_LEAVE] = "leave", [FV_EVENT_DWELL] = "dwell", [FV_EVENT_NOTE] = "note"};
    bool line = e->type == FV_EVENT_CROSS || e->type == FV_EVENT_NOTE;
    text_add(t, "{\"pts\":");
    text_number(t, e->pts, 6);
    text_printf(t, ",\"frame\":%lld,\"type\":\"%s\"", (long long)e->frame, types[e->type]);
    if (e->index >= 0) {
        text_printf(t, ",\"%s\":", line ? "line" : "zone");
        text_json(t, line ? s->lines[e->index].name : s->zones[e->index].name);
    }
    if (e->type == FV_EVENT_CROSS) text_printf(t, ",\"direction\":\"%s\"", e->inward ? "in" : "out");
    text_printf(t, ",\"track_id\":%d,\"label\":", e->track_id);
    text_json(t, fv_detector_class_name(names, e->class_id));
    text_add(t, ",\"point\":[");
    text_number(t, e->point[0], 2);
    text_add(t, ",");
    text_number(t, e->point[1], 2);
    text_add(t, "]");
    if (e->type == FV_EVENT_DWELL) {
        text_add(t, ",\"seconds\":");
        text_number(t, e->seconds, 3);
    }
    if (e->why) {
        text_add(t, ",\"why\":");
        text_json(t, e->why);
        if (e->other_id > 0) text_printf(t, ",\"was\":%d", e->other_id);
    }
    if (source) {
        text_add(t, ",\"source\":");
        text_json(t, source);
    }
    text_add(t, "}\n");
}

void out_picture_line(text *t, const out_frame *f)
{
    const fv_detections *d = f->r->dets;
    text_terminal(t, f->source);
    text_add(t, ": ");
    bool first = true;
    if (out_task_line(t, f)) return;
    for (int i = 0; i < d->count; i++) {
        int n = 0;
        bool seen = false;
        for (int k = 0; k < d->count; k++) {
            if (d->items[k].class_id != d->items[i].class_id) continue;
            n++;
            seen |= k < i;
        }
        if (seen) continue;
        text_printf(t, "%s%d ", first ? "" : ", ", n);
        text_terminal(t, fv_detector_class_name(f->names, d->items[i].class_id));
        first = false;
    }
    text_add(t, first ? "nothing\n" : "\n");
}
