#!/usr/bin/env python3
"""Trackers against reference programs on the same detections, scored by TrackEval as it is.

    tests/model/track_scores.py FOVEA [--seeds N] [--all]

1. MOT17-02: detections made from its ground truth (seeded: boxes tremble, some are missed, some are made up, hidden people have low scores).
   `fovea track --replay` and the reference write MOT files into the folders that TrackEval expects. Mean HOTA of each tracker must not be more
   than 0.3 below the reference's; ByteTrack's not more than 0.3 away from it either.
2. The 11 public detection files (which have no ground truth): the reference's tracks are taken for the truth; ByteTrack's agree to 97 HOTA.

References: Ultralytics' ByteTrack and OC-SORT; with --all the `ocsort` and `trackers` packages as well (minutes). Exit 77 when numpy,
trackeval, ultralytics or the data is missing."""
import argparse
import contextlib
import glob
import io
import os
import shutil
import subprocess
import sys
import tempfile
import types

os.environ["YOLO_AUTOINSTALL"] = "false"
try:
    import numpy as np
    import trackeval
    from ultralytics.trackers.byte_tracker import BYTETracker
    from ultralytics.trackers.oc_sort import OCSORT
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

DATA = os.path.join(os.environ.get("FOVEA_TEST_DATA", os.path.join(os.path.dirname(__file__), "../../../shared/data")), "tracks")
LIMIT = 0.3


def made_up(gt, seed, noise, missed):
    """Ground truth -> detections [n, 7]: frame, -1, left, top, width, height, score."""
    rng = np.random.default_rng(seed)
    people = gt[(gt[:, 6] == 1) & (gt[:, 7] == 1)]
    seen = (rng.random(len(people)) > missed) & (rng.random(len(people)) < 0.1 + 1.5 * people[:, 8])
    p = people[seen]
    corners = np.column_stack([p[:, 2:4], p[:, 2:4] + p[:, 4:6]]) + rng.normal(0, noise, (len(p), 4)) * p[:, 5:6]
    score = np.clip(rng.normal(0.45 + 0.4 * p[:, 8], 0.15), 0.05, 0.99)
    n = len(people) // 25
    w = 30 + 80 * rng.random(n)
    x, y = 1800 * rng.random(n), 900 * rng.random(n)
    corners = np.vstack([corners, np.column_stack([x, y, x + w, y + 2.5 * w])])
    score = np.concatenate([score, 0.05 + 0.5 * rng.random(n)])
    frame = np.concatenate([p[:, 0], rng.integers(1, gt[:, 0].max() + 1, n)])
    rows = np.column_stack([frame, np.full(len(frame), -1), corners[:, :2], corners[:, 2:] - corners[:, :2], score])
    return rows[np.argsort(rows[:, 0], kind="stable")].round(4)


class Boxes:
    """What Ultralytics' trackers ask of their input."""

    def __init__(self, rows):
        self.rows = rows
        self.conf, self.cls = rows[:, 6], np.zeros(len(rows))
        self.xyxy = np.column_stack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]])
        self.xywh = np.column_stack([rows[:, 2:4] + rows[:, 4:6] / 2, rows[:, 4:6]])

    def __getitem__(self, i):
        return Boxes(self.rows[i])

    def __len__(self):
        return len(self.rows)


def ultralytics(cls):
    def run(frames):
        t = cls(types.SimpleNamespace(track_high_thresh=0.25, track_low_thresh=0.1, new_track_thresh=0.25, track_buffer=30, match_thresh=0.8,
                                      fuse_score=True, delta_t=3, inertia=0.2, use_byte=False))
        return [[(int(r[4]), *r[:4]) for r in t.update(Boxes(f))] for f in frames]
    return run


def package_ocsort(frames):
    import torch
    from ocsort.ocsort import OCSort
    t = OCSort(det_thresh=0.25)
    out = []
    for f in frames:
        b = Boxes(f)
        out.append([(int(r[4]), *r[:4]) for r in t.update(torch.tensor(np.column_stack([b.xyxy, b.conf, b.cls])), None)])
    return out


def package_trackers(name, **options):
    def run(frames):
        import supervision as sv
        import trackers
        t = getattr(trackers, name)(**options)
        out = []
        for f in frames:
            b = Boxes(f)
            r = t.update(sv.Detections(xyxy=b.xyxy, confidence=b.conf, class_id=b.cls.astype(int)) if len(f) else sv.Detections.empty())
            ids = r.tracker_id if r.tracker_id is not None else []
            out.append([(int(i) + 1, *box) for i, box in zip(ids, r.xyxy) if i >= 0])
        return out
    return run


REFERENCES = {  # tracker -> name, program; the first one is compared, the others only where they run
    "bytetrack": [("ultralytics", ultralytics(BYTETracker)), ("trackers", package_trackers("ByteTrackTracker"))],
    "ocsort": [("ultralytics", ultralytics(OCSORT)), ("ocsort", package_ocsort), ("trackers", package_trackers("OCSORTTracker", high_conf_det_threshold=0.25))]}


def write_mot(path, frames):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        for n, boxes in enumerate(frames, 1):
            for i, x1, y1, x2, y2 in boxes:
                f.write(f"{n},{i},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},1,-1,-1,-1\n")


def by_frame(rows, length):
    return [rows[rows[:, 0] == n] for n in range(1, length + 1)]


def hota(root, preprocess):
    """{tracker: {sequence: HOTA}} of the folders gt/X-train/SEQ and trackers/X-train/NAME/data."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        evaluator = trackeval.Evaluator({"PRINT_RESULTS": False, "PRINT_CONFIG": False, "OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False,
                                         "PLOT_CURVES": False, "TIME_PROGRESS": False, "LOG_ON_ERROR": None, "BREAK_ON_ERROR": True})
        seqs = sorted(os.listdir(f"{root}/gt/MOT17-train"))
        dataset = trackeval.datasets.MotChallenge2DBox({"GT_FOLDER": f"{root}/gt", "TRACKERS_FOLDER": f"{root}/trackers", "PRINT_CONFIG": False,
                                                        "DO_PREPROC": preprocess, "SEQ_INFO": {s: None for s in seqs}})
        results, _ = evaluator.evaluate([dataset], [trackeval.metrics.HOTA()])
    per = results["MotChallenge2DBox"]
    return {t: {s: 100 * float(np.mean(v["pedestrian"]["HOTA"]["HOTA"])) for s, v in per[t].items() if s != "COMBINED_SEQ"} for t in per}


def fovea_tracks(fovea, tracker, det, out):
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([fovea, "track", "--replay", det, "--fps", "30", "--tracker", tracker, "--mot", out, "--quiet", "--overwrite"], check=True)


def noisy_truth(fovea, root, seeds, everything):
    gt_file = f"{DATA}/MOT17-02_gt/gt.txt"
    gt = np.loadtxt(gt_file, delimiter=",")
    length = int(gt[:, 0].max())
    for seed in range(1, seeds + 1):
        seq = f"MOT17-02-{seed}"
        det = made_up(gt, seed, 0.005 + 0.005 * (seed % 3), 0.03 * (seed % 3))
        os.makedirs(f"{root}/gt/MOT17-train/{seq}/gt")
        os.makedirs(f"{root}/det/{seq}")
        shutil.copy(gt_file, f"{root}/gt/MOT17-train/{seq}/gt/gt.txt")
        shutil.copy(f"{DATA}/MOT17-02_gt/seqinfo.ini", f"{root}/gt/MOT17-train/{seq}/seqinfo.ini")
        np.savetxt(f"{root}/det/{seq}/det.txt", det, fmt="%g", delimiter=",")
        frames = by_frame(det, length)
        for tracker, programs in REFERENCES.items():
            fovea_tracks(fovea, tracker, f"{root}/det/{seq}/det.txt", f"{root}/trackers/MOT17-train/fovea {tracker}/data/{seq}.txt")
            for name, program in programs if everything else programs[:1]:
                try:
                    tracks = program(frames)
                except Exception as e:  # a package that is not there, or does not run with this numpy
                    if name == "ultralytics":
                        raise
                    if seed == 1:
                        print(f"{name} {tracker}: left out ({type(e).__name__}: {e})")
                    continue
                write_mot(f"{root}/trackers/MOT17-train/{name} {tracker}/data/{seq}.txt", tracks)
    return hota(root, True)


def agreement(fovea, root):
    for det_file in sorted(glob.glob(f"{DATA}/sort_public_dets/data/train/*/det/det.txt")):
        seq = det_file.split("/")[-3]
        rows = np.loadtxt(det_file, delimiter=",", ndmin=2)
        length = int(rows[:, 0].max())
        folder = f"{root}/gt/MOT17-train/{seq}"
        write_mot(f"{folder}/gt/gt.txt", ultralytics(BYTETracker)(by_frame(rows, length)))
        text = open(f"{folder}/gt/gt.txt").read().replace(",-1,-1,-1", ",1,1")
        open(f"{folder}/gt/gt.txt", "w").write(text)
        with open(f"{folder}/seqinfo.ini", "w") as f:
            f.write(f"[Sequence]\nname={seq}\nseqLength={length}\n")
        fovea_tracks(fovea, "bytetrack", det_file, f"{root}/trackers/MOT17-train/fovea/data/{seq}.txt")
    return hota(root, False)["fovea"]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("fovea")
    a.add_argument("--seeds", type=int, default=3)
    a.add_argument("--all", action="store_true")
    a = a.parse_args()
    if not os.path.exists(f"{DATA}/MOT17-02_gt/gt.txt"):
        print(f"skipped: no tracks in {DATA}")
        return 77
    bad = []
    fovea = os.path.abspath(a.fovea)
    with tempfile.TemporaryDirectory() as root:
        scores = noisy_truth(fovea, root, a.seeds, a.all)
    mean = {t: float(np.mean(list(s.values()))) for t, s in scores.items()}
    for t in sorted(mean, key=lambda t: t.split()[1] + t):
        print(f"{t:24} HOTA {mean[t]:6.2f}   " + " ".join(f"{v:6.2f}" for v in scores[t].values()))
    for t, v in mean.items():
        name, tracker = t.split()
        off = mean[f"fovea {tracker}"] - v
        if name != "fovea" and off < -LIMIT:
            bad.append(f"{tracker} is {-off:.2f} below {name}")
        if t == "ultralytics bytetrack" and off > LIMIT:
            bad.append(f"{tracker} is {off:.2f} away from {name}")
    with tempfile.TemporaryDirectory() as root:
        same = agreement(fovea, root)
    print("agreement with ultralytics bytetrack: " + ", ".join(f"{s} {v:.1f}" for s, v in same.items()))
    if np.mean(list(same.values())) < 97:
        bad.append("ByteTrack's tracks on public detections differ from the reference's")
    for b in bad:
        print("FAILED:", b)
    return len(bad) > 0


sys.exit(main())
