"""Kernels for the suite's reports, forked from a process that has loaded other people's packages once.

Loading them takes a kernel three seconds of processor time, eight with TensorFlow, and the suite begins some fifty.
Nothing of ours is loaded beforehand. `tests/report/test_kernels.py` and `tests/faults` begin theirs as users do.

- `Kernels` begins the server and tells Jupyter, by an environment variable, to begin its kernels through this file.
- `serve` waits; at the first request it loads the packages, then forks for each.
- `client` is what Jupyter begins: it hands its arguments, environment and streams over, and passes signals on.

A forked kernel differs from one of a fresh interpreter by what is loaded and by the seed of string hashes.
"""

import atexit
import gc
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from importlib import import_module
from pathlib import Path

#: Where the server listens: known to Jupyter's kernels by inheritance.
SOCKET = "FASHION_TEST_KERNELS"

SIGNALS = (signal.SIGINT, signal.SIGTERM)

#: Beginnings of environment variables that a package reads when it is loaded.
READ_AT_LOADING = ("PYTHON", "MPL", "XDG_", "FONT", "HOME")


class Kernels:
    """The server of a test session, and the kernel specification that leads to it.

    Attributes
    ----------
    environment : dict of str to str
        With it Jupyter's kernels are forked.
    """

    def __init__(self) -> None:
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
                env=os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},  # as kernels have it
            )  # fmt: skip

    def stop(self) -> None:
        """End the server; kernels that still run stay."""
        self._server.kill()
        self._server.wait()
        self._folder.cleanup()


# ---- What Jupyter begins ----


def surroundings() -> dict:
    """What a forked kernel cannot take over: the server must have the same."""
    limits = {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")}
    read = {name: value for name, value in sorted(os.environ.items()) if name.startswith(READ_AT_LOADING)}
    read.pop("MPLBACKEND", None)
    return {"user": [os.getuid(), os.geteuid(), os.getgid(), os.getegid()], "limits": limits, "read": read}


def client(arguments: list[str]) -> int:
    """Have a kernel forked and live as long as it; begin an own one where the server's surroundings are others."""
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


def serve(listening: socket.socket) -> list[str]:
    """Fork for each request; returns in each kernel, with its arguments."""
    ours, loaded = surroundings(), False
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
    while True:
        server, _ = listening.accept()
        if not loaded:
            load()
            gc.freeze()  # no kernel looks at what is loaded, and so it stays shared
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
        os._exit(0)  # the client begins a kernel of its own
    server.sendall(b"y")
    kernel = os.fork()
    if kernel == 0:
        server.close()
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(asked["environment"], JPY_PARENT_PID=str(os.getppid()))
        os.umask(asked["umask"])
        os.chdir(asked["folder"])
        sys.path[:] = asked["path"]
        return asked["argv"]
    for stream in streams:
        os.close(stream)
    ended = os.pidfd_open(kernel)
    while True:
        ready, _, _ = select.select([server, ended], [], [])
        if ended in ready:
            status = os.waitstatus_to_exitcode(os.waitpid(kernel, 0)[1])
            server.sendall(bytes([status if status >= 0 else 128 - status]))
            os._exit(0)
        told = server.recv(1)
        os.killpg(kernel, told[0] if told else signal.SIGKILL)
        if not told:
            os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] != "--serve":
        sys.exit(client(sys.argv[1:]))
    argv = serve(socket.socket(fileno=int(sys.argv[2])))
    # What the class read of the environment, it read when it was loaded.
    sys.argv = ["ipykernel_launcher", *argv, f"--IPKernelApp.parent_handle={os.getppid()}"]
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(0)  # to take apart what the server loaded takes two seconds
