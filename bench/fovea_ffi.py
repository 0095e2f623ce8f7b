"""The little of libfovea's C interface that the benchmarks and tests need, through ctypes."""
import ctypes as C
import os

import numpy as np

MAX_RANK = 8
DTYPES = {1: np.float32, 2: np.float64, 3: np.float16, 5: np.int8, 6: np.uint8, 7: np.int16, 8: np.uint16, 9: np.int32,
          10: np.uint32, 11: np.int64, 12: np.uint64, 13: np.bool_}
CODES = {np.dtype(v): k for k, v in DTYPES.items()}
DTYPES[4] = np.float32  # bfloat16, which NumPy lacks: float32 may stand for it


class Error(C.Structure):
    _fields_ = [("status", C.c_int), ("text", C.c_char * 512)]


class ContextOptions(C.Structure):
    _fields_ = [("size", C.c_uint32), ("threads", C.c_int), ("cpu_levels", C.c_char_p), ("log", C.c_void_p),
                ("log_user", C.c_void_p), ("log_level", C.c_int), ("timing_cache", C.c_char_p), ("tune", C.c_int),
                ("require_timings", C.c_int), ("tune_progress", C.c_void_p), ("tune_user", C.c_void_p)]


class ModelOptions(C.Structure):
    _fields_ = [("size", C.c_uint32), ("device", C.c_char_p), ("precision", C.c_char_p), ("no_rewrite", C.c_int)]


class Port(C.Structure):
    _fields_ = [("name", C.c_char_p), ("dtype", C.c_int), ("rank", C.c_int), ("dim", C.c_int64 * MAX_RANK)]

    @property
    def shape(self):
        return tuple(self.dim[: self.rank])


class SessionOptions(C.Structure):
    _fields_ = [("size", C.c_uint32), ("batch", C.c_int), ("shapes", C.c_void_p), ("n_shapes", C.c_int),
                ("profile", C.c_int)]


class Tensor(C.Structure):
    _fields_ = [("dtype", C.c_int), ("rank", C.c_int), ("dim", C.c_int64 * MAX_RANK), ("data", C.c_void_p)]


def has_level(lib, level):
    """Does this machine (and build) have the CPU level?"""
    ctx, err = C.c_void_p(), Error()
    dll = C.CDLL(os.path.abspath(lib))
    o = ContextOptions(C.sizeof(ContextOptions), 1, level.encode(), None, None, 0)
    ok = dll.fv_context_create(C.byref(ctx), C.byref(o), C.byref(err)) == 0
    dll.fv_context_free(C.byref(ctx))
    return ok


def _tensor(a):
    t = Tensor(CODES[a.dtype], a.ndim, (C.c_int64 * MAX_RANK)(*a.shape), a.ctypes.data)
    return t


class Session:
    """with Session(lib, model, threads=1, levels="c,avx2", batch=1, shapes={name: dims}) as s: s.run({name: array}) -> {name: array}"""

    def __init__(self, lib, model, threads=0, levels=None, batch=0, no_rewrite=False, shapes=None, tune=0):
        self.lib = C.CDLL(os.path.abspath(lib))
        self.ctx, self.model, self.session = C.c_void_p(), C.c_void_p(), C.c_void_p()
        err = Error()

        def check(status):
            if status < 0:
                raise RuntimeError(err.text.decode(errors="replace") or f"status {status}")

        self._check = check
        self.err = err
        o = ContextOptions(C.sizeof(ContextOptions), threads, levels.encode() if levels else None, tune=tune)
        check(self.lib.fv_context_create(C.byref(self.ctx), C.byref(o), C.byref(err)))
        mo = ModelOptions(C.sizeof(ModelOptions), None, None, int(no_rewrite))
        check(self.lib.fv_model_load(C.byref(self.model), self.ctx, model.encode(), C.byref(mo), C.byref(err)))
        ports = (Port * max(len(shapes or {}), 1))()
        for p, (name, shape) in zip(ports, (shapes or {}).items()):
            p.name, p.rank = name.encode(), len(shape)
            p.dim[: len(shape)] = shape
        so = SessionOptions(C.sizeof(SessionOptions), batch, C.cast(ports, C.c_void_p), len(shapes or {}), 0)
        check(self.lib.fv_session_create(C.byref(self.session), self.model, C.byref(so), C.byref(err)))
        self.inputs, self.outputs = self._ports("fv_session_inputs"), self._ports("fv_session_outputs")

    def _ports(self, what):
        p = C.POINTER(Port)()
        n = getattr(self.lib, what)(self.session, C.byref(p))
        return [p[i] for i in range(n)]

    def set_input(self, i, array):
        a = np.ascontiguousarray(array)
        t = _tensor(a)
        self._check(self.lib.fv_session_set_input(self.session, i, C.byref(t), C.byref(self.err)))

    def compute(self):
        self._check(self.lib.fv_session_run(self.session))

    def output(self, i):
        p = self.outputs[i]
        a = np.empty(p.shape, DTYPES[p.dtype])
        t = _tensor(a)
        self._check(self.lib.fv_session_get_output(self.session, i, C.byref(t), C.byref(self.err)))
        return a

    def run(self, feed):
        for i, p in enumerate(self.inputs):
            self.set_input(i, feed[p.name.decode()])
        self.compute()
        return {p.name.decode(): self.output(i) for i, p in enumerate(self.outputs)}

    def close(self):
        self.lib.fv_session_free(C.byref(self.session))
        self.lib.fv_model_free(C.byref(self.model))
        self.lib.fv_context_free(C.byref(self.ctx))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
