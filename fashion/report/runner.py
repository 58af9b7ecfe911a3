"""Runs one notebook strictly, and keeps it without what differs from run to run."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets.config import Config

from fashion.core.code_closure import cell_meaning
from fashion.core.disk import hint, in_words
from fashion.core.errors import ReportError
from fashion.core.files import write_whole
from fashion.core.locking import is_held, try_lock
from fashion.report.notebook_format import import_nbformat
from fashion.report.steps import cells_of, declared_parameters

if TYPE_CHECKING:
    import nbformat

#: Seconds that one cell may take; the longest, embedding 60,000 photos by ResNet-50 on two cores, takes 3,200.
CELL_LIMIT = 6 * 3600

#: Papermill's tag of the cell that holds what a run was given.
INJECTED = "injected-parameters"

#: Seconds that a kernel may take to begin; on a machine with much other work a minute was too little.
START_LIMIT = 600

#: Starts of a kernel through TCP: a port that was free when it was chosen may be taken when the kernel binds it.
TCP_STARTS = 3

#: A kernel's private folder: how its name begins, and the file in it that is locked while the folder is in use.
FOLDER, LOCK = "fashion-kernel-", "lock"

#: Seconds in which a new folder is left alone: its lock may be made but not taken yet.
BEGINNING = 5.0

#: Seconds after which a folder without a lock file is a leftover: between making one and locking it pass microseconds.
UNLOCKED = 3600


def temporary_places() -> list[Path]:
    """Candidate places for a kernel's folder, best first: the user's choice (TMPDIR), then short paths.

    The path of a socket has at most 107 bytes (103 on macOS), and not every file system takes one.
    """
    places = [tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp"]
    return [Path(place) for place in dict.fromkeys(places) if os.path.isabs(place) and os.path.isdir(place)]


def takes_sockets(folder: Path) -> bool:
    """Whether a kernel's sockets can lie in this folder: the system knows them, and the path is short."""
    if os.name != "posix" or not hasattr(socket, "AF_UNIX"):
        return False
    probe = folder / "s-0"
    try:
        str(probe).encode()  # ZeroMQ's addresses are UTF-8
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(probe))
    except (OSError, UnicodeEncodeError):
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


@contextmanager
def kernel_settings() -> Iterator[Config]:
    """Settings of one kernel, whose files all lie in a private folder that is removed at the end.

    Kernel and runner talk through sockets in that folder, which only the user can open; where there are none, through
    TCP on the loopback interface, each message signed with a random key that stands in the folder's connection file.
    The kernel reads no start-up files or settings from the user's own IPython folder: these would change a report.

    Yields
    ------
    Config

    Raises
    ------
    OSError
        When no temporary folder can be written to.
    """
    places = temporary_places()
    sweep_kernels(places)
    folder, local = _private_folder(places)
    try:
        with (folder / LOCK).open("w", encoding="utf-8") as stream:
            with suppress(OSError):  # a file system without locks: then the folder is never swept
                try_lock(stream)
            (folder / "ipython").mkdir()
            manager = {"connection_file": str(folder / "kernel.json")}
            tcp, ipc = {"transport": "tcp", "ip": "127.0.0.1"}, {"transport": "ipc", "ip": str(folder / "s")}
            manager |= ipc if local else tcp
            # --log-level: kernels keep to themselves what they say when they are stopped.
            client = {"extra_arguments": ["--log-level=50", f"--ipython-dir={folder / 'ipython'}"]}
            yield Config({"KernelManager": manager, "NotebookClient": client})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _private_folder(places: list[Path]) -> tuple[Path, bool]:
    """A new folder that only the user can open, in the first place that takes sockets; and whether one does."""
    for place in places:
        try:
            folder = Path(tempfile.mkdtemp(prefix=FOLDER, dir=place))
        except OSError:
            continue
        if takes_sockets(folder):
            return folder, True
        folder.rmdir()
    return Path(tempfile.mkdtemp(prefix=FOLDER)), False


def sweep_kernels(places: list[Path]) -> list[Path]:
    """Remove the folders that kernels of killed runs left in these places; return them."""
    removed = []
    for folder in (path for place in places for path in place.glob(f"{FOLDER}*")):
        try:
            stat = folder.lstat()
            mine = not hasattr(os, "getuid") or stat.st_uid == os.getuid()
            if not mine or folder.is_symlink() or not folder.is_dir():
                continue
            lock = folder / LOCK
            young = time.time() - stat.st_mtime < (UNLOCKED if not lock.exists() else BEGINNING)
            # Only a lock that is known to be free says that nobody uses the folder.
            used = young or (lock.exists() and is_held(lock) is not False)
        except OSError:  # gone meanwhile, or not to be looked at
            continue
        if not used:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return removed


def _execute(path: Path, aside: Path, parameters: dict[str, Any], cell_limit: int) -> None:
    """Run a notebook in a kernel of its own; through TCP, one that dies as it binds its ports is started again."""
    import papermill

    from fashion.report import engine

    for start in range(1, TCP_STARTS + 1):
        with kernel_settings() as config:
            try:
                papermill.execute_notebook(
                    _literal(path), _literal(aside), parameters, cwd=str(path.parent), kernel_name="python3",
                    language="python", engine_name=engine.NAME, progress_bar=False, start_timeout=START_LIMIT,
                    execution_timeout=cell_limit, config=config,
                )  # fmt: skip
                return
            except RuntimeError as error:
                last = start == TCP_STARTS or config.KernelManager.transport == "ipc"
                if last or "died before replying" not in str(error):
                    raise


def run_notebook(path: Path, output: Path, parameters: dict[str, Any], *, cell_limit: int = CELL_LIMIT) -> float:
    """Run one notebook by papermill with `parameters`, strictly.

    Parameters
    ----------
    path, output : Path
        The notebook, and where the executed one goes: whole, or not at all. When it fails, what ran is kept
        beside it as `<name>.failed.ipynb`.
    parameters : dict
        For its cell tagged `parameters`.
    cell_limit : int
        Seconds that a cell may take.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    ReportError
        For a parameter that the notebook does not declare, and when a cell or the kernel fails.
    """
    # Imported here: papermill and nbformat cost half a second, which a warm run need not pay.
    nbformat = import_nbformat()
    import papermill

    declared = declared_parameters(path)
    unknown = sorted(set(parameters) - set(declared))
    if unknown:
        raise ReportError(
            f"expected only {path.name}'s parameters {', '.join(declared)}; found {', '.join(unknown)}. Correct the "
            "name, or add it to the notebook's cell tagged `parameters`."
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    aside = output.with_name(f"{output.stem}.failed.ipynb")
    begin = time.perf_counter()
    try:
        _execute(path, aside, parameters, cell_limit)
    except papermill.PapermillExecutionError as error:
        raise ReportError(
            f"expected {path.name} to run to its end; found an error in cell {error.exec_count}: {error.ename}: "
            f"{error.evalue}{hint(error.evalue)}\nThe notebook up to there is {aside}; earlier steps are kept. Fix the "
            "cause and run the same command again: it resumes here."
        ) from None
    # Whatever a kernel's start or end raises: a time limit, a dead kernel, ZeroMQ, a forged message, the disk.
    except Exception as error:
        _let_go(error)
        if isinstance(error, OSError) and error.errno is not None:
            raise ReportError(in_words(error, path.name)) from error
        kept = f"\nThe notebook up to there is {aside}." if aside.is_file() else ""
        raise ReportError(
            f"expected {path.name} to run to its end; found that its kernel did not: {type(error).__name__}: "
            f"{str(error)[:300]}.{hint(str(error))}{kept} Finished parts are kept; run the same command again to go on."
            " If it fails in the same way, `fashion doctor` looks for what is missing; the kernel's files go to "
            f"{tempfile.gettempdir()} (TMPDIR names another folder)."
        ) from error
    notebook = nbformat.read(aside, as_version=4)
    write_whole(output, lambda whole: nbformat.write(strip_metadata(notebook), whole))
    aside.unlink()
    return time.perf_counter() - begin


def _let_go(error: BaseException) -> None:
    """Close the sockets that an error's frames hold: collecting a ZeroMQ context would wait for them forever."""
    seen: BaseException | None = error
    while seen is not None:
        traceback.clear_frames(seen.__traceback__)
        seen = seen.__cause__ or seen.__context__


def _literal(path: Path) -> str:
    """A path in which papermill finds no pattern to fill in: braces are letters like any other."""
    return str(path).replace("{", "{{").replace("}", "}}")


def strip_metadata(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take out what papermill and the kernel leave in a notebook: absolute paths, times, random cell ids."""
    nbformat = import_nbformat()
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        cell.id = f"cell-{number:02d}"
    return notebook


def renew_text(path: Path, output: Path) -> bool:
    """Give an executed notebook the text and the comments that it has now; what its code did and showed stays.

    Parameters
    ----------
    path, output : Path
        The notebook, and the executed one, which is replaced whole or not at all.

    Returns
    -------
    bool
        Whether there was anything to renew. Nothing is done where the code differs: then it has to run.
    """
    now, then = cells_of(path), [cell for cell in cells_of(output) if INJECTED not in cell["metadata"].get("tags", [])]
    if [_written(cell) for cell in now] == [_written(cell) for cell in then]:
        return False
    code = [[cell_meaning(_written(cell)[1]) for cell in cells if cell["cell_type"] == "code"] for cells in (now, then)]
    if code[0] != code[1]:
        return False
    nbformat = import_nbformat()
    executed = nbformat.read(output, as_version=4)
    code_cells = [cell for cell in executed.cells if cell.cell_type == "code"]
    injected = [cell for cell in code_cells if INJECTED in cell.metadata.get("tags", [])]
    ran = iter([cell for cell in code_cells if INJECTED not in cell.metadata.get("tags", [])])
    cells = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            cells.append(cell)
            continue
        cells.append(nbformat.from_dict(next(ran) | {"source": cell.source}))
        if "parameters" in cell.metadata.get("tags", []):
            cells += injected
    executed.cells = cells
    write_whole(output, lambda whole: nbformat.write(strip_metadata(executed), whole))
    return True


def _written(cell: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """The written part of a cell: its kind, its text, and pictures in it."""
    return cell["cell_type"], "".join(cell["source"]), cell.get("attachments", {})
