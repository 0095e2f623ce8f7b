#!/usr/bin/python3
"""Cameras for tests, on 127.0.0.1 only: RTSP through GStreamer's server, and HTTP and plain TCP by hand. What a camera does
is scripted: it may die, freeze, send garbage, change size, or ask for a password."""
import http.server
import os
import socket
import subprocess
import sys
import threading
import time


class Rtsp:
    """One RTSP server with a path for each GStreamer pipeline: {"/cam": "videotestsrc ! x264enc ! rtph264pay name=pay0"}."""

    def __init__(self, pipelines, users=None):
        import gi
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
    try:
        import gi
        gi.require_version("GstRtspServer", "1.0")
        from gi.repository import Gst
        Gst.init(None)
        return Gst.ElementFactory.find("x264enc") is not None
    except (ImportError, ValueError):
        return False


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
