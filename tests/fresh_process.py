"""What a process that has loaded other people's packages alone loads of ours; imports nothing itself."""

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Packages that most of ours load: loaded once, in the process from which the others are forked.
COMMON = ["pandas", "matplotlib.pyplot", "seaborn", "sklearn.linear_model", "cv2", "papermill", "flask"]


def modules_after(code: str) -> set[str]:
    """The package's modules that are loaded after `code`."""
    exec(code, {})
    return {name for name in sys.modules if name.split(".")[0] == "fashion"}


@contextmanager
def fresh_processes() -> Iterator[Callable[[str], set[str]]]:
    """`modules_after`, each time in a process of its own."""
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    if sys.platform != "win32":
        context.set_forkserver_preload(COMMON)
    with context.Pool(1, maxtasksperchild=1) as pool:
        yield lambda code: pool.apply(modules_after, [code])
