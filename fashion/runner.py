"""Runs one notebook strictly, and keeps it without what differs from run to run."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import nbformat
from traitlets.config import Config

from fashion.disk import hint
from fashion.errors import ReportError
from fashion.provenance import cell_meaning
from fashion.steps import declared_parameters
from fashion.workspace import write_whole

#: Seconds that one cell may take; the longest, embedding 60,000 photos by ResNet-50 on two cores, takes 3,200.
CELL_LIMIT = 6 * 3600

#: Papermill's tag of the cell that holds what a run was given.
INJECTED = "injected-parameters"

#: Seconds that a kernel may take to begin; on a machine with much other work a minute was too little.
START_LIMIT = 600

#: Kernels talk through files that only the user can open, not through TCP ports of the machine, and keep to themselves
#: what they say when they are stopped.
LOCAL_KERNEL = Config({
    "KernelManager": {"transport": "ipc"},
    "NotebookClient": {"extra_arguments": ["--log-level=50"]},
})  # fmt: skip


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
        For a parameter that the notebook does not declare, or when a cell fails.
    """
    # Imported here: papermill costs half a second that a warm run can spare.
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    declared = declared_parameters(path)
    unknown = sorted(set(parameters) - set(declared))
    if unknown:
        raise ReportError(
            f"{path.name} has no parameter {', '.join(unknown)}; it has {', '.join(declared)}. Correct the name, "
            "or add it to the notebook's cell tagged `parameters`."
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    aside = output.with_name(f"{output.stem}.failed.ipynb")
    begin = time.perf_counter()
    try:
        papermill.execute_notebook(
            _literal(path), _literal(aside), parameters, cwd=str(path.parent), kernel_name="python3",
            language="python",
            progress_bar=False, start_timeout=START_LIMIT, execution_timeout=cell_limit, config=LOCAL_KERNEL,
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        raise ReportError(
            f"{path.name} failed in cell {error.exec_count}: {error.ename}: {error.evalue}{hint(error.evalue)}\n"
            f"The notebook up to there is {aside}; what earlier steps made is kept. Mend the cause and run the "
            "same command again: it goes on from here."
        ) from None
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:  # RuntimeError: the kernel did not begin
        raise ReportError(
            f"{path.name} did not end: {type(error).__name__}: {str(error)[:300]}\nThe notebook up to there is "
            f"{aside}. Finished parts are kept; run the same command again to go on."
        ) from None
    notebook = nbformat.read(aside, as_version=4)
    write_whole(output, lambda whole: nbformat.write(strip_metadata(notebook), whole))
    aside.unlink()
    return time.perf_counter() - begin


def _literal(path: Path) -> str:
    """A path in which papermill finds no pattern to fill in: braces are letters like any other."""
    return str(path).replace("{", "{{").replace("}", "}}")


def strip_metadata(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take out what papermill and the kernel leave in a notebook: absolute paths, times, random cell ids."""
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
    now, then = _cells(path), [cell for cell in _cells(output) if INJECTED not in cell["metadata"].get("tags", [])]
    if [_written(cell) for cell in now] == [_written(cell) for cell in then]:
        return False
    code = [[cell_meaning(_written(cell)[1]) for cell in cells if cell["cell_type"] == "code"] for cells in (now, then)]
    if code[0] != code[1]:
        return False
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


def _cells(path: Path) -> list[dict[str, Any]]:
    # as JSON: nbformat's checks take longer than all else of a report that has nothing to do
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


def _written(cell: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """What somebody wrote of a cell: its kind, its text, and pictures in it."""
    return cell["cell_type"], "".join(cell["source"]), cell.get("attachments", {})
