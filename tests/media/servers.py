#!/usr/bin/python3
"""Cameras for tests, on 127.0.0.1 only: RTSP through GStreamer's server, and HTTP and plain TCP by hand. What a camera does
is scripted: it may die, freeze, send garbage, change size, or ask for a password."""
import http.server
import socket
import subprocess
import sys
import threading
import time

try:
    import gi
except ImportError:
    gi = None


class Rtsp:
    """One RTSP server with a path for each GStreamer pipeline: {"/cam": "videotestsrc ! x264enc ! rtph264pay name=pay0"}."""

    def __init__(self, pipelines, users=None):
        gi.require_version("Gst", "1.0")
        gi.require_version("GstRtspServer", "1.0")
        from gi.repository import GLib, Gst, GstRtspServer
        Gst.init(None)
        self.server = GstRtspServer.RTSPServer()
        self.server.set_address("127.0.0.1")
        self.server.set_service("0")
        for path, text in pipelines.items():
            factory = GstRtspServer.RTSPMediaFactory()
            factory.set_launch(f"( {text} )")
            factory.set_shared(True)
            if users:
                permissions = GstRtspServer.RTSPToken()
                permissions.set_string("media.factory.role", "user")
                auth = GstRtspServer.RTSPAuth()
                for name, password in users.items():
                    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(name, password), permissions)
                self.server.set_auth(auth)
                structure = Gst.Structure.new_empty("user")
                structure.set_value("media.factory.access", True)
                structure.set_value("media.factory.construct", True)
                factory.add_role_from_structure(structure)
            self.server.get_mount_points().add_factory(path, factory)
        self.source = self.server.attach(None)
        self.port = self.server.get_bound_port()
        self.loop = GLib.MainLoop()
        threading.Thread(target=self.loop.run, daemon=True).start()


def camera(width=320, height=240, fps=25):
    """An H.264 camera with a running clock in the picture."""
    return (f"videotestsrc is-live=true pattern=ball ! video/x-raw,width={width},height={height},framerate={fps}/1 "
            f"! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={fps} ! rtph264pay name=pay0 pt=96 config-interval=1")


def have_rtsp():
    if gi is None:
        return False
    try:
        gi.require_version("Gst", "1.0")
        gi.require_version("GstRtspServer", "1.0")
        from gi.repository import Gst
        Gst.init(None)
        return Gst.ElementFactory.find("x264enc") is not None
    except (ImportError, ValueError):
        return False


def jpegs(size="160x120", frames=20):
    """JPEG pictures, each another; None without the ffmpeg program."""
    try:
        out = subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc=size={size}:rate=25", "-frames:v", str(frames), "-c:v", "mjpeg",
                              "-f", "image2pipe", "-"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [b"\xff\xd8\xff" + p for p in out.split(b"\xff\xd8\xff")[1:]]


class Tcp:
    """Calls talk(connection, number of the connection from 0) for each who connects; .connections counts them."""

    def __init__(self, talk):
        self.talk, self.connections, self.open = talk, 0, True
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.open:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(c, self.connections), daemon=True).start()
            self.connections += 1

    def one(self, c, n):
        try:
            with c:
                self.talk(c, n)
        except OSError:
            pass  # the reader went away

    def close(self):
        self.open = False
        self.listener.close()


def mjpeg_head(c):
    c.recv(65536)
    c.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=fovea\r\n\r\n")


def mjpeg_part(c, jpeg, pause=0.04):
    c.sendall(b"--fovea\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n")
    time.sleep(pause)


def mjpeg(pictures, after=None, pause=0.04):
    """A camera that sends the pictures and then does `after`(connection); None = from the beginning again."""

    def talk(c, n):
        mjpeg_head(c)
        while True:
            for p in pictures:
                mjpeg_part(c, p, pause)
            if after:
                return after(c)

    return talk


def files(folder):
    """A web server for a folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *a, **k):
            super().__init__(*a, directory=folder, **k)

        def log_message(self, *a):
            pass

    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s.server_address[1]


def run_cases(cases, wanted):
    """Runs functions one after the other, those of `wanted` names if there are any; exit code. A name with rtsp in front needs GStreamer."""
    if jpegs() is None:
        print("the ffmpeg program is missing")
        return 77
    failed = 0
    for case in cases:
        name = case.__name__
        if wanted and name not in wanted:
            continue
        if name.startswith("rtsp") and not have_rtsp():
            print(f"skipped: {name}: GStreamer's RTSP server or its x264 is not installed")
            continue
        t0 = time.monotonic()
        try:
            case()
            print(f"ok      {name} ({time.monotonic() - t0:.1f} s)", flush=True)
        except Exception as e:
            failed += 1
            print(f"FAILED  {name}: {type(e).__name__}: {e}", flush=True)
    return 1 if failed else 0


def main():
    """Serves cameras until stdin ends: servers.py [--user NAME:PASSWORD] PATH=WxH@FPS… prints the port."""
    args, users, pipelines = sys.argv[1:], None, {}
    while args:
        a = args.pop(0)
        if a == "--user":
            name, password = args.pop(0).split(":")
            users = {name: password}
            continue
        path, size = a.split("=")
        wh, fps = size.split("@")
        w, h = wh.split("x")
        pipelines[path] = camera(int(w), int(h), int(fps))
    if not have_rtsp():
        print("GStreamer's RTSP server is not installed", file=sys.stderr)
        return 77
    print(Rtsp(pipelines, users).port, flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
