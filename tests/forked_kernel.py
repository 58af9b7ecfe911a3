"""Kernels for the suite's reports, forked from a process that has loaded other people's packages once.

Loading them costs a kernel three seconds of processor time, or eight with TensorFlow; the suite starts about fifty.
Nothing of ours is loaded beforehand. The small report and the tests of kernels and faults start theirs as users do.

- `Kernels` starts the server and tells Jupyter, by an environment variable, to start its kernels through this file.
- `serve` waits; at the first request it loads the packages, then forks for each.
- `client` is what Jupyter starts: it hands its arguments, environment and streams over, and passes signals on.

A forked kernel differs from one of a fresh interpreter by what is loaded and by the seed of string hashes, which all of
them share.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path

#: The variable with the server's socket, which kernels inherit.
SOCKET = "FASHION_TEST_KERNELS"

SIGNALS = (signal.SIGINT, signal.SIGTERM)

#: Beginnings of environment variables that a package reads when it is loaded.
READ_AT_LOADING = (
    "PYTHON", "MPL", "XDG_", "FONT", "HOME", "TF_", "KERAS_", "OMP_", "OPENBLAS_", "CUDA_", "LC_", "LANG", "TZ",
)  # fmt: skip

#: Those of them that our own code sets.
OURS = ("MPLBACKEND", "OMP_WAIT_POLICY", "TF_CPP_MIN_LOG_LEVEL")


class Kernels:
    """The server of a test session, and the kernel specification that leads to it.

    Attributes
    ----------
    environment : dict of str to str
        Variables that make Jupyter fork its kernels.

    Raises
    ------
    OSError
        Where the system cannot watch a process by a descriptor, or the temporary folder's path is too long for sockets.
    """

    def __init__(self) -> None:
        os.close(os.pidfd_open(os.getpid()))
        self._folder = tempfile.TemporaryDirectory(prefix="fk-")
        folder = Path(self._folder.name)
        spec = folder / "kernels/python3"
        spec.mkdir(parents=True)
        argv = [sys.executable, __file__, "-f", "{connection_file}"]
        described = {"argv": argv, "display_name": "Python 3", "language": "python"}
        (spec / "kernel.json").write_text(json.dumps(described), encoding="utf-8")
        self.environment = {"JUPYTER_PATH": str(folder), SOCKET: str(folder / "s")}
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self.environment[SOCKET])
            listening.listen(32)
            self._server = subprocess.Popen(
                [sys.executable, __file__, "--serve", str(listening.fileno())], pass_fds=[listening.fileno()],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
                env=os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},  # as kernels have it
            )  # fmt: skip

    def stop(self) -> None:
        """End the server."""
        self._server.kill()
        self._server.communicate()
        self._folder.cleanup()


# ---- What Jupyter starts ----


def surroundings() -> dict:
    """What a forked kernel cannot take over: the server must have the same."""
    import resource  # absent on Windows, where nothing is forked

    limits = {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")}
    read = {name: value for name, value in sorted(os.environ.items()) if name.startswith(READ_AT_LOADING)}
    for name in OURS:
        read.pop(name, None)
    return {"user": [os.getuid(), os.geteuid(), os.getgid(), os.getegid()], "limits": limits, "read": read}


def client(arguments: list[str]) -> int:
    """Have a kernel forked and live as long as it; start one of its own where the server's surroundings differ."""
    runner = os.getppid()
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(os.environ[SOCKET])
            asked = {
                "argv": arguments, "environment": dict(os.environ), "folder": os.getcwd(), "umask": _umask(),
                "path": sys.path[1:], "surroundings": surroundings(),
            }  # fmt: skip
            socket.send_fds(server, [b"k"], [0, 1, 2])
            server.sendall(json.dumps(asked).encode() + b"\n")
            answer = server.recv(1)
        except (KeyError, OSError):
            answer = b""
        if answer != b"y":
            os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", *arguments])
        for number in SIGNALS:
            signal.signal(number, lambda number, _: server.sendall(bytes([number])))
        while not select.select([server], [], [], 1)[0]:
            if os.getppid() != runner:
                return 1  # and the kernel ends, as this end of the socket is closed
        told = server.recv(1)
    return told[0] if told else 1


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ---- The server ----


def load() -> None:
    """Load what most kernels load, and nothing of ours."""
    from fresh_process import COMMON

    for name in (*COMMON, "ipykernel.kernelapp", "sklearn.cluster", "sklearn.decomposition", "sklearn.manifold"):
        import_module(name)
    from fashion.core.tensorflow import import_keras

    import_keras()
    for name in [name for name in sys.modules if name.split(".")[0] == "fashion"]:
        del sys.modules[name]
    gc.freeze()  # the collector leaves it alone, so kernels share its memory


def serve(listening: socket.socket) -> list[str]:
    """Fork for each request until standard input ends, as the session does; returns in each kernel its arguments."""
    ours, loaded = surroundings(), False
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
    while True:
        ready, _, _ = select.select([listening, 0], [], [])
        if 0 in ready:
            os._exit(0)
        server, _ = listening.accept()
        if not loaded:
            load()
            loaded = True
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            return _kernel(server, ours)
        server.close()


def _kernel(server: socket.socket, ours: dict) -> list[str]:
    """Between client and kernel: forks the kernel, in which this returns its arguments, and watches both."""
    _, streams, _, _ = socket.recv_fds(server, 1, 3)
    asked = json.loads(server.makefile().readline())
    if asked["surroundings"] != json.loads(json.dumps(ours)):
        os._exit(0)  # the client starts a kernel of its own
    kernel = os.fork()
    if kernel == 0:
        os.setsid()
        server.sendall(b"y")  # now it can be sent signals
        server.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.umask(asked["umask"])
        os.chdir(asked["folder"])
        sys.path[:] = asked["path"]
        tempfile.tempdir = None
        sys.modules["numpy"].random.seed()  # each has numbers of its own
        return asked["argv"]
    for stream in streams:
        os.close(stream)
    _watch(server, kernel)
    os._exit(0)


def _watch(server: socket.socket, kernel: int) -> None:
    """Pass the client's signals on to the kernel's group, and the kernel's end to the client."""
    ended = os.pidfd_open(kernel)
    with suppress(OSError):  # client or kernel are gone
        while ended not in select.select([server, ended], [], [])[0]:
            told = server.recv(1)
            os.killpg(kernel, told[0] if told else signal.SIGKILL)
            if not told:
                break
    status = os.waitstatus_to_exitcode(os.waitpid(kernel, 0)[1])
    with suppress(OSError):
        server.sendall(bytes([status if status >= 0 else 128 - status]))


if __name__ == "__main__":
    if sys.argv[1] != "--serve":
        sys.exit(client(sys.argv[1:]))
    argv = serve(socket.socket(fileno=int(sys.argv[2])))
    # The class read its default in the server; this kernel's parent is named here.
    sys.argv = ["ipykernel_launcher", *argv, f"--IPKernelApp.parent_handle={os.getppid()}"]
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(0)  # tearing down what the server loaded takes two seconds
