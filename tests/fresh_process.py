"""What code loads of ours, or prints, in a process that has loaded other people's packages; imports none itself."""

import io
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

#: Packages that most of ours load: loaded once, in the process from which the others are forked.
COMMON = ["pandas", "matplotlib.pyplot", "seaborn", "sklearn.linear_model", "cv2", "flask"]


def modules_after(code: str) -> set[str]:
    """The package's modules that are loaded after `code`."""
    exec(code, {})
    return {name for name in sys.modules if name.split(".")[0] == "fashion"}


def said_in(root: str, code: str) -> str:
    """What `code` prints in the folder `root`, whose copy of the package it takes."""
    os.chdir(root)
    sys.path.insert(0, root)
    sys.dont_write_bytecode = True
    with redirect_stdout(io.StringIO()) as said:
        exec(code, {})
    return said.getvalue()


@contextmanager
def fresh_processes(function: Callable[..., Any] = modules_after) -> Iterator[Callable[..., Any]]:
    """`function`, each time in a process of its own."""
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    if sys.platform != "win32":
        context.set_forkserver_preload(COMMON)
    with context.Pool(1, maxtasksperchild=1) as pool:
        yield lambda *given: pool.apply(function, given)
