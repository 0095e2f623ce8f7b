#!/usr/bin/python3
"""A whole pipeline with tiles on live cameras: two networks from a YAML file, a budget, counting, and the report with every metric.

Usage: tiles_live.py FOVEA [CASE…]. RTSP cases need Debian's GStreamer packages and say when they are skipped. With FOVEA_TEST_STREAM_URL the same runs on that
camera for some seconds (FOVEA_TEST_STREAM_SECONDS, 10)."""
import json
import os
import subprocess
import sys
import tempfile
import time

import servers

FOVEA = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
SPOTS = os.path.join(HERE, "..", "unit", "flow", "tiny_spots.onnx")  # finds bright squares of 8 pixels
SLOW = 2 if os.environ.get("FOVEA_SLOW") else 1
METRICS = ("decode_ms", "prep_ms", "enqueue_ms", "sync_ms", "heads_ms", "merge_wait_ms", "track_ms", "count_ms", "sink_ms", "wait_ms", "end_to_end_ms")
ALIASES = ("nvdec_ms", "preprocess_nv12_bridge_ms", "inference_prepare_batch_ms", "inference_model_yolo_global_ms", "inference_model_yolo_tiles_ms", "inference_enqueue_ms",
           "inference_stream_sync_ms", "inference_decode_ms", "fusion_wait_ms")


def run(sources, seconds, budget, model=SPOTS, expect=0):
    """count in tiles -> (summary, run file, page, boxes by source)."""
    with tempfile.TemporaryDirectory() as d:
        open(d + "/p.yaml", "w").write(f"""models:
  yolo_global: {{engine: {model}}}
  yolo_tiles: {{engine: {model}}}
yolo_tiles_parallel: {{enabled: true, groups: 1}}
grid: auto
gate: true
budget: {budget}
metric_budgets: {{end_to_end_ms: {budget}}}
conf: 0.6
zones: [{{name: all, points: [[0, 0], [1, 0], [1, 1], [0, 1]]}}]
""")
        cmd = [FOVEA, "count", *sources, "--config", "p.yaml", "--threads", "1", "--duration", str(seconds), "--reconnect", "2", "--json", "b.jsonl", "--summary", "s.json",
               "--run", "r.json", "--report", "r.html", "--progress", "none"]
        p = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=d, timeout=60 + 4 * seconds)
        assert p.returncode == expect, f"exit {p.returncode}\n{p.stdout}"
        boxes = {}
        for line in open(d + "/b.jsonl"):
            f = json.loads(line)
            boxes.setdefault(f["source"], []).append(f)
        return json.load(open(d + "/s.json")), json.load(open(d + "/r.json")), open(d + "/r.html").read(), boxes


def check(summary, figures, page, budget, tiles=True):
    frames, t = summary["frames"], summary["tiles"]
    assert frames["decoded"] == frames["processed"] + frames["dropped"] + frames["skipped"], frames
    assert t["frames"] >= frames["processed"] - 8 and t["budget_ms"] == budget, (t["frames"], frames)  # some may be in flight at the end
    assert 0 < t["looks"] < t["views"], t
    assert sum(t["series"]["looks"]) == t["looks"]
    names = {s["name"]: s for s in figures["stages"]}
    for m in METRICS:
        assert m in names, f"no {m}: {sorted(names)}"
        assert m in page.replace("<wbr>", ""), f"no {m} in the page"
    assert any(n.endswith("_tiles_ms") for n in names) and names["end_to_end_ms"]["budget_ms"] == budget
    for a in ALIASES:
        assert a in page, f"no {a} in the page"
    for words in ("Where it looked", "data:image/png;base64,", "Looks a frame, over time", "skipped", "✓ within"):
        assert words in page, words
    e = names["end_to_end_ms"]
    print(f"        {frames['processed']} frames, {frames['dropped']} dropped, {t['looks'] / t['frames']:.1f} looks a frame of {t['views'] / t['frames']:.0f}; end to end p50 {e['p50']:.1f}, "
          f"p95 {e['p95']:.1f} ms; {t['over_budget']} over {budget} ms; {t['canvases']} shared pictures", flush=True)
    return names


# ---- cases ----

def rtsp_camera():
    s = servers.Rtsp({"/a": servers.camera(960, 540, 15)})
    url, budget = f"rtsp://127.0.0.1:{s.port}/a", 400 * SLOW
    summary, figures, page, boxes = run([url], 2.5 * SLOW, budget)
    names = check(summary, figures, page, budget)
    found = [d["box"] for f in boxes[url] for d in f["detections"]]
    assert len(boxes[url]) >= 10 and found, "the ball was never seen"
    assert all(0 <= b[0] < b[2] <= 960 and 0 <= b[1] < b[3] <= 540 for b in found)
    assert summary["tiles"]["frame_size"] == [960, 540]
    assert names["end_to_end_ms"]["p95"] <= budget, names["end_to_end_ms"]


def rtsp_cameras_share_pictures():
    s = servers.Rtsp({"/a": servers.camera(640, 480, 15), "/b": servers.camera(640, 480, 15)})
    urls, budget = [f"rtsp://127.0.0.1:{s.port}/{n}" for n in "ab"], 400 * SLOW
    summary, figures, page, boxes = run(urls, 2.5 * SLOW, budget)
    check(summary, figures, page, budget)
    assert set(boxes) == set(urls) and len(summary["sources"]) == 2
    for u in urls:
        assert any(f["detections"] for f in boxes[u]), f"{u}: the ball was never seen"


def a_camera_changes_its_size():
    small, large = servers.jpegs("320x240", 12), servers.jpegs("480x400", 12)
    t = servers.Tcp(servers.mjpeg(small + large, after=lambda c: time.sleep(1)))
    url = f"http://127.0.0.1:{t.port}/cam"
    summary, figures, page, boxes = run([url], 1.5 * SLOW, 400 * SLOW)
    check(summary, figures, page, 400 * SLOW)
    assert len(boxes[url]) >= 6 and {(f["width"], f["height"]) for f in boxes[url]} == {(320, 240)}


def the_camera_of_the_environment():
    url = os.environ.get("FOVEA_TEST_STREAM_URL")
    if not url:
        print("skipped: FOVEA_TEST_STREAM_URL is not set")
        return
    seconds, budget = float(os.environ.get("FOVEA_TEST_STREAM_SECONDS", "10")), 1000
    summary, figures, page, boxes = run([url], seconds, budget, model="person")
    check(summary, figures, page, budget)


if __name__ == "__main__":
    sys.exit(servers.run_cases((rtsp_camera, rtsp_cameras_share_pictures, a_camera_changes_its_size, the_camera_of_the_environment), sys.argv[2:]))
