#!/usr/bin/python3
"""Live sources from outside: cameras that work, die, freeze, talk nonsense, change, or lead somewhere they must not.

Usage: cameras.py FOVEA [CASE…]. Exit 77 where FFmpeg's program is missing; RTSP cases say when they are skipped.
"""
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

import servers

FOVEA = os.path.abspath(sys.argv[1])
SLOW = 2 if os.environ.get("FOVEA_SLOW") else 1  # sanitizers


def limit(mb):
    """Address space of the program; sanitizers need all there is."""
    return (lambda: resource.setrlimit(resource.RLIMIT_AS, (mb << 20, mb << 20))) if mb and SLOW == 1 else None


class Run:
    """One run with --device null; everything that was written anywhere is in .text."""

    def __init__(self, *args, verb="track", expect=(0,), stop_after=None, within=None, json_lines=True, env=None, limit_mb=None):
        self.frames, self.by_source = [], {}
        with tempfile.TemporaryDirectory() as d:
            out = ["--json", d + "/f.jsonl"] if json_lines else []
            cmd = [FOVEA, verb, *args, "--device", "null", *out, "--summary", d + "/s.json", "--run", d + "/r.json", "--report", d + "/r.html"]
            t0 = time.monotonic()
            p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                 cwd=d, env={**os.environ, **(env or {})}, preexec_fn=limit(limit_mb))
            if stop_after:
                time.sleep(stop_after)
                p.send_signal(signal.SIGINT)
                t0 = time.monotonic()
            try:
                self.said, _ = p.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                p.kill()
                p.communicate()
                raise AssertionError(f"{args}: hangs") from None
            self.seconds, self.code = time.monotonic() - t0, p.returncode
            self.text = self.said
            for at, _, names in os.walk(d):
                for n in names:
                    self.text += n + "\n"
                    if not n.endswith((".mp4", ".mkv")):
                        self.text += open(os.path.join(at, n), errors="replace").read()
            for line in open(d + "/f.jsonl") if json_lines and os.path.exists(d + "/f.jsonl") else []:
                f = json.loads(line)
                self.frames.append(f)
                self.by_source.setdefault(f["source"], []).append(f)
            self.summary = json.load(open(d + "/s.json")) if os.path.exists(d + "/s.json") else None
        assert self.code in expect, f"{args}: exit {self.code}\n{self.said}"
        assert within is None or self.seconds < within * SLOW ** 2, f"{args}: took {self.seconds:.1f} s\n{self.said}"
        if self.summary:
            a = self.summary["frames"]
            assert a["decoded"] == a["processed"] + a["dropped"] + a["skipped"], a
            assert not json_lines or a["processed"] == len(self.frames), (a, len(self.frames))
        for frames in self.by_source.values():
            for f, g in zip(frames, frames[1:]):
                assert g["pts"] > f["pts"] and g["frame"] > f["frame"] and g.get("wall", 0) >= f.get("wall", 0), (f, g)
                assert (f["width"], f["height"]) == (g["width"], g["height"])

    def says(self, *words):
        for w in words:
            assert w in self.said, f"does not say '{w}':\n{self.said}"
        return self


def http(port, rest="cam"):
    return f"http://127.0.0.1:{port}/{rest}"


PICTURES = servers.jpegs()


# ---- cases ----

def rtsp_cameras_run_together():
    s = servers.Rtsp({"/a": servers.camera(320, 240, 25), "/b": servers.camera(192, 144, 10)})
    a, b = f"rtsp://127.0.0.1:{s.port}/a", f"rtsp://u:geheim@127.0.0.1:{s.port}/b"
    r = Run(a, b, "rtsp://u:geheim@127.0.0.1:9/dead", "--duration", str(4 * SLOW), "--reconnect", "1", "-o", "out", expect=(9,))
    r.says("320x240", "192x144", "RTSP over TCP", "h264", "given up", "reconnecting in")
    shown = b.replace("u:geheim", "***")
    assert set(r.by_source) == {a, shown}, r.by_source.keys()
    assert len(r.by_source[a]) >= 15 and len(r.by_source[shown]) >= 5, {k: len(v) for k, v in r.by_source.items()}
    assert "geheim" not in r.text
    for name in ("a", "b"):
        assert f"127.0.0.1_{s.port}_{name}.mp4" in r.text
    assert len(r.summary["sources"]) == 3
    wall = r.by_source[a][-1]["wall"]
    assert abs(wall - time.time()) < 60
    gaps = [g["pts"] - f["pts"] for f, g in zip(r.by_source[a], r.by_source[a][1:])]
    assert sorted(gaps)[len(gaps) // 2] < 0.3


def rtsp_over_udp():
    s = servers.Rtsp({"/a": servers.camera()})
    r = Run(f"rtsp://127.0.0.1:{s.port}/a", "--rtsp-transport", "udp", "--duration", str(3 * SLOW))
    r.says("RTSP over UDP")
    assert len(r.frames) >= 5


def rtsp_wrong_password_is_said_at_once():
    s = servers.Rtsp({"/a": servers.camera()}, users={"admin": "geheim"})
    r = Run(f"rtsp://admin:falsch@127.0.0.1:{s.port}/a", expect=(3,), within=5)
    r.says("401")
    assert "falsch" not in r.text
    r = Run(f"rtsp://admin:geheim@127.0.0.1:{s.port}/a", "--duration", str(3 * SLOW))
    assert r.frames and "geheim" not in r.text
    Run(f"rtsp://admin:geheim@127.0.0.1:{s.port}/nothing", expect=(3,), within=5).says("404")


def a_camera_that_dies_comes_back():
    t = servers.Tcp(servers.mjpeg(PICTURES[:8], after=lambda c: None))
    r = Run(http(t.port), "--duration", str(4 * SLOW), "--timeout", "3", "--policy", "every")
    assert t.connections >= 2 and len(r.frames) >= 16, (t.connections, len(r.frames))
    r.says("the connection broke off", "reconnecting in")
    pauses = [g["pts"] - f["pts"] for f, g in zip(r.frames, r.frames[1:])]
    assert max(pauses) > 0.4  # the time it was away is in the time stamps


def reconnecting_can_be_off():
    t = servers.Tcp(servers.mjpeg(PICTURES[:8], after=lambda c: None))
    Run(http(t.port), "--reconnect", "off", "--policy", "every", expect=(9,), within=5)
    assert t.connections == 1


def a_camera_that_freezes_is_noticed():
    t = servers.Tcp(servers.mjpeg(PICTURES[:5], after=lambda c: time.sleep(60)))
    r = Run(http(t.port), "--duration", str(5 * SLOW), "--timeout", "1", "--policy", "every")
    r.says("stalled: no new picture for 1 s")
    assert t.connections >= 2


def a_camera_that_is_silent_from_the_start_is_given_up():
    t = servers.Tcp(lambda c, n: time.sleep(60))
    r = Run(f"rtsp://127.0.0.1:{t.port}/x", "--timeout", "0.5", "--reconnect", "2", expect=(3,), within=8)
    r.says("no answer for 0.5 s", "given up after")
    assert t.connections >= 2


def nonsense_ends_in_words():
    t = servers.Tcp(lambda c, n: [c.sendall(os.urandom(65536)) for _ in range(200)])
    Run(f"tcp://127.0.0.1:{t.port}", "--timeout", "2", "--reconnect", "1", expect=(3,), within=15)
    t = servers.Tcp(lambda c, n: (c.recv(1000), c.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + b"no video at all\n" * 1000)))
    Run(http(t.port), "--timeout", "2", "--reconnect", "1", expect=(3,), within=15)

    def half_garbage(c, n):  # whole pictures, then parts that are none, then whole ones
        servers.mjpeg_head(c)
        for i in range(6):
            servers.mjpeg_part(c, PICTURES[i])
        for i in range(20):
            servers.mjpeg_part(c, os.urandom(3000), 0.01)
        for i in range(6, 12):
            servers.mjpeg_part(c, PICTURES[i])

    t = servers.Tcp(half_garbage)
    r = Run(http(t.port), "--reconnect", "off", "--policy", "every", expect=(0, 9))
    assert len(r.frames) >= 11, len(r.frames)


def a_change_of_size_is_scaled_and_said():
    big = servers.jpegs("320x200", 6)

    def talk(c, n):
        servers.mjpeg_head(c)
        for p in PICTURES[:6] + big:
            servers.mjpeg_part(c, p)

    t = servers.Tcp(talk)
    r = Run(http(t.port), "--reconnect", "off", "--policy", "every", "-o", "out.mp4", expect=(9,))
    r.says("pictures are 320x200 now")
    assert len(r.frames) == 12 and r.frames[-1]["width"] == 160


def newest_counts_what_it_drops():
    def burst(c, n):
        servers.mjpeg_head(c)
        for i in range(300):
            servers.mjpeg_part(c, PICTURES[i % len(PICTURES)], 0)

    t = servers.Tcp(burst)
    r = Run(http(t.port), "--reconnect", "off", "-o", "out.mp4", "--preset:v", "veryslow", expect=(9,))
    assert r.summary["frames"]["decoded"] == 300 and r.summary["frames"]["dropped"] > 0


def one_slow_or_dead_camera_costs_the_others_nothing():
    quick = servers.Tcp(servers.mjpeg(PICTURES))
    slow = servers.Tcp(servers.mjpeg(PICTURES, pause=0.5))
    dead = servers.Tcp(lambda c, n: time.sleep(60))
    names = [http(quick.port), http(slow.port), http(dead.port)]
    r = Run(*names, "--duration", str(3 * SLOW), "--timeout", "1", "--reconnect", "forever", expect=(9,))
    r.says("no picture came")
    alone = len(Run(names[0], "--duration", str(3 * SLOW)).frames)
    assert len(r.by_source[names[0]]) >= alone * 0.8, (len(r.by_source[names[0]]), alone)
    assert len(r.by_source[names[1]]) >= 3


def stopping_is_at_once():
    t = servers.Tcp(lambda c, n: time.sleep(60))
    Run(f"rtsp://127.0.0.1:{t.port}/x", stop_after=1 * SLOW, expect=(130,), within=1.5)
    Run("rtsp://127.0.0.1:9/x", "--reconnect", "forever", stop_after=2 * SLOW, expect=(130,), within=1.5)
    t = servers.Tcp(servers.mjpeg(PICTURES))
    r = Run(http(t.port), "-o", "out.mp4", stop_after=2 * SLOW, expect=(130,), within=3)
    assert r.frames and "out.mp4" in r.text


def hls_film_and_playlists_without_power():
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10", "-t", "3", "-c:v", "libx264", "-g", "10", "-f", "hls",
                        "-hls_time", "1", "-hls_list_size", "0", d + "/film.m3u8"], check=True)
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10", "-t", "2", d + "/film.mp4"], check=True)
        os.symlink("film.mp4", d + "/film.m4v")
        port = servers.files(d)
        assert len(Run(http(port, "film.m3u8"), within=20).frames) == 30
        assert len(Run(http(port, "film.mp4"), within=20).frames) == 20
        secret = d + "/film0.ts"  # a video that could be played if the playlist had its way
        head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        for i, target in enumerate([f"file://{secret}", secret, f"concat:{secret}|{secret}", f"subfile,,start,0,end,0,,:{secret}", f"crypto:{secret}",
                                    "data:video/mp2t;base64,AAAA"]):
            open(d + "/bad.m3u8", "w").write(f"{head}#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n")
            r = Run(http(port, "bad.m3u8"), "--reconnect", "1", "--timeout", "1", expect=(3,), within=15)
            assert not r.frames, target
            r = Run(d + "/bad.m3u8", expect=(3,)).says("list of other files")
        open(d + "/x.sdp", "w").write("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5000 RTP/AVP 96\n")
        Run(d + "/x.sdp", expect=(3,)).says("list of other files")
        for url in ("concat:" + secret, "subfile,,start,0,end,0,,:" + secret, "file:" + secret, "async:" + secret, "gopher://127.0.0.1/" + secret):
            Run(url, expect=(3,))
        # lists of sources: names of files relative to the list, nothing that an argument could not do
        open(d + "/list.txt", "w").write(f"# two films\nfilm.mp4\n  film.m4v  \n\nconcat:{secret}\nfile:{secret}\n")
        r = Run(d + "/list.txt", expect=(9,))
        assert len(r.frames) == 40 and r.said.count("No such file") == 2
        open(d + "/cams.streams", "w").write(f"{http(servers.Tcp(servers.mjpeg(PICTURES)).port)}\n{http(servers.Tcp(servers.mjpeg(PICTURES)).port)}\n")
        assert len(Run(d + "/cams.streams", "--duration", str(2 * SLOW)).by_source) == 2
        open(d + "/bad.txt", "w").write("-\n")
        Run(d + "/bad.txt", expect=(3,)).says("standard input cannot stand in a list")
        open(d + "/bad.txt", "wb").write(os.urandom(100000).replace(b"\n", b""))
        Run(d + "/bad.txt", expect=(3,))


def a_v4l2_camera():
    """Through a stand-in for the kernel: not a real device."""
    fake = os.environ.get("FOVEA_FAKE_V4L2")
    if not fake:
        print("skipped: a_v4l2_camera: the stand-in is not built here")
        return
    env = {"LD_PRELOAD": fake}
    r = Run("/dev/video77", "--duration", "2", "--policy", "every", env=env)
    r.says("rawvideo", "320x240", "50 fps", "V4L2")
    assert 50 <= len(r.frames) <= 110, len(r.frames)
    Run("77", "--duration", "1", "--camera-size", "640x480", "--camera-format", "yuyv422", env=env).says("640x480")
    r = Run("/dev/video77", "--duration", "4", "--policy", "every", "--timeout", "1", env={**env, "FAKE_V4L2_FRAMES": "20"})
    r.says("No such device", "reconnecting in")  # pulled out, and put in again
    assert len(r.frames) > 20
    Run("/dev/video63", expect=(3,)).says("no such camera")


def a_window():
    env = {"SDL_VIDEODRIVER": "dummy"}
    t = servers.Tcp(servers.mjpeg(PICTURES))
    if "built without SDL2" in Run(http(t.port), "--show", "--duration", "1", expect=(0, 2, 7), env=env).said:
        print("skipped: a_window: built without SDL2")
        return
    r = Run(http(t.port), http(servers.Tcp(servers.mjpeg(PICTURES)).port), "--show", "--duration", str(2 * SLOW), expect=(0, 7), env=env)
    if r.code == 7:
        r.says("SDL2", "cannot be loaded")
        print("skipped: a_window: SDL2 is not installed")
        return
    assert len(r.by_source) == 2
    Run(http(t.port), "--show", expect=(7,), env={"SDL_VIDEODRIVER": "no-such-driver"}).says("no display")
    Run(http(t.port), "--show", expect=(130,), stop_after=2 * SLOW, within=3, env=env)


def hostile_files_end_in_words():
    """Broken and absurd pictures and clips: every one is done or named with a reason, in bounded memory."""
    data = os.environ.get("FOVEA_TEST_DATA")
    if not data or not os.path.isdir(data + "/images/odd"):
        print("skipped: hostile_files_end_in_words: no FOVEA_TEST_DATA")
        return
    with tempfile.TemporaryDirectory() as d:
        names = sorted(os.listdir(data + "/images/odd"))
        for i, n in enumerate(names):
            os.symlink(os.path.join(data, "images/odd", n), f"{d}/{i:03}.jpg")
        clips = [os.path.join(at, n) for at, _, found in os.walk(data + "/video/codecs") for n in found if n.startswith(("torchcodec_h26", "demo", "vp8"))]
        for i, c in enumerate(sorted(clips)[:6]):
            whole = open(c, "rb").read()
            open(f"{d}/{i}_cut.mp4", "wb").write(whole[:len(whole) * (i + 1) // 8])
            noisy = bytearray(whole)
            noisy[len(noisy) // 3:len(noisy) // 3 + 500] = os.urandom(500)
            open(f"{d}/{i}_noisy.mp4", "wb").write(noisy)
        open(d + "/zero.mp4", "wb")
        for verb in (("predict",), ("count", "--line", "l=0,0,1,1"))[: 2 if SLOW == 1 else 1]:
            r = Run(d, *verb[1:], verb=verb[0], expect=(9,), limit_mb=3000)
            failed = [line for line in r.said.splitlines() if line.startswith(f"fovea {verb[0]}: {d}/")]
            pictures = {f["source"] for f in r.frames if f["source"].endswith(".jpg")} if verb[0] == "predict" else set()
            bad = [line for line in failed if ".jpg: " in line]
            assert verb[0] == "count" or len(pictures) + len(bad) == len(names), (len(pictures), len(bad), len(names))
            assert all(len(line.split(": ", 2)[2]) > 5 for line in failed) and any("zero.mp4: the file is empty" in line for line in failed)


def memory_is_flat():
    """10,000 frames through the whole road; resident memory after the first two thousand and at the end."""
    if SLOW > 1:
        print("skipped: memory_is_flat: sanitizers keep what was freed")
        return
    frames = 10000
    picture = b"FRAME\n" + bytes(160 * 120 * 3 // 2)
    p = subprocess.Popen([FOVEA, "track", "-", "--device", "null", "--json", os.devnull, "--overwrite", "--quiet"], stdin=subprocess.PIPE)
    p.stdin.write(b"YUV4MPEG2 W160 H120 F25:1 Ip A1:1 C420jpeg\n")
    rss = []
    for i in range(frames):
        p.stdin.write(picture)
        if i in (frames // 5, frames - 1):
            p.stdin.flush()
            rss.append(int(next(line for line in open(f"/proc/{p.pid}/status") if line.startswith("VmRSS")).split()[1]))
    p.stdin.close()
    assert p.wait(60) == 0
    assert rss[1] - rss[0] < 2048, f"{rss} kB"


def cases():
    for name, case in list(globals().items()):
        if getattr(case, "__module__", None) == "__main__" and callable(case) and name not in ("cases", "http", "limit", "Run"):
            yield case


if __name__ == "__main__":
    sys.exit(servers.run_cases(cases(), sys.argv[2:]))
