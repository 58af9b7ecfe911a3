"""SIGKILL at random moments of a report, `make faults`: the same command must then end as if nothing had happened.

    python tests/kills.py --kills 20 --seed 0

A report on a tiny catalogue runs undisturbed, for comparison. A random moment of it is drawn for each kill, and with it
the notebook that was at work then. In a copy of the folders as they are when that notebook begins (what it writes,
and what it remembers of photos and training, taken away) the command is begun and killed at that moment: by turns the
command alone, the command with all that it started, and the notebook's kernel alone. Then the same command is given
again and runs to its end, and results, figures, pages and artefacts are compared with the undisturbed ones bit by bit
(seconds aside, as `fashion verify` does). Notebooks after that one have to be found unchanged. With `--fresh` the first
kills are of reports that begin from nothing instead. What happened is written as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from conftest import TOML, write_small_catalogue

from fashion.disk import ASIDE
from fashion.provenance import sha256_file
from fashion.steps import STEPS, Step, output_paths, read_state, state_path
from fashion.verify import differences
from fashion.workspace import WRITERS, Workspace

VICTIMS = ("the command alone", "the command and all that it started", "the notebook's kernel alone")
#: Seconds that what a dead command started may outlive it: a kernel looks for its parent every second.
ORPHAN_SECONDS = 10.0


@contextmanager
def turn():
    """Around each command; replaced where a machine is shared."""
    yield


def descendants(process: int) -> list[int]:
    """Processes that `process` started, and those that they did."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            fields = entry.read_text().rsplit(")", 1)[1].split()
            parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, waiting = [], [process]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def is_kernel(process: int) -> bool:
    """Whether it is a notebook's kernel."""
    with suppress(OSError):
        return b"ipykernel" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def living(processes: list[int]) -> list[int]:
    """Those that still run; a dead one that nobody has waited for does not."""
    found = []
    for process in processes:
        with suppress(OSError):
            if Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                found.append(process)
    return found


def start(root: Path, folder: Path) -> subprocess.Popen[str]:
    """The report in the folders `folder`/p and `folder`/r; what it says goes to `folder`/said."""
    command = [sys.executable, "-m", "fashion.cli", "report", "-c", str(root / "tiny.toml")]
    command += ["--backbone", "efficientnet-lite0", "--processed", str(folder / "p"), "--reports", str(folder / "r")]
    folder.mkdir(exist_ok=True)
    with (folder / "said").open("w", encoding="utf-8") as stream:
        return subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def said_in(folder: Path) -> str:
    """What the last command in `folder` has said so far."""
    return (folder / "said").read_text(encoding="utf-8")


def kill(process: subprocess.Popen[str], victim: str) -> tuple[str, float]:
    """Kill; returns who was hit, and how many seconds what the command started lived on after its end."""
    started = descendants(process.pid)
    kernels = [number for number in started if is_kernel(number)]
    if victim == VICTIMS[2] and not kernels:
        victim = VICTIMS[0]
    targets = {VICTIMS[0]: [process.pid], VICTIMS[1]: [process.pid, *started], VICTIMS[2]: kernels}[victim]
    for number in targets:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    process.wait(600)
    begin = time.monotonic()
    while living(started) and time.monotonic() - begin < ORPHAN_SECONDS:
        time.sleep(0.05)
    return victim, round(time.monotonic() - begin, 2)


def content(folder: Path) -> dict[str, str]:
    """Artefact -> checksum; those that hold seconds are compared through the report's results."""
    work = Workspace("tiny", folder / "p", folder / "r")
    return {name: sha256_file(work.path(name)) for name in WRITERS if name != "metrics.json"}


def judge(base: Path, folder: Path) -> list[str]:
    """What differs from the undisturbed run, or was left behind."""
    found = differences(base / "r/tiny", folder / "r/tiny")
    one, other = content(base), content(folder)
    found += [f"{name} differs" for name in one if one[name] != other.get(name)]
    left = [path for path in folder.rglob(".*") if ASIDE.match(path.name)]
    found += [f"left behind: {path.name}" for path in [*left, *folder.rglob("*.failed.ipynb")]]
    found += [f"set aside as damaged: {path.name}" for path in folder.rglob("*.damaged")]
    work = Workspace("tiny", folder / "p", folder / "r")
    found += [f"no state of {step.notebook}" for step in STEPS if not read_state(work, step).key]
    return found


def finish(root: Path, folder: Path) -> tuple[str, float]:
    """Run to the end; the output and the seconds."""
    begin = time.monotonic()
    with turn():
        code = start(root, folder).wait(3600)
    if code:
        raise SystemExit(f"the command ended with {code}:\n{said_in(folder)}")
    return said_in(folder), time.monotonic() - begin


def prepare(base: Path, folder: Path, step: Step) -> None:
    """A copy of the undisturbed run's folders, without what the step leaves."""
    shutil.copytree(base, folder)
    work = Workspace("tiny", folder / "p", folder / "r")
    for path in [*output_paths(work, step), state_path(work, step)]:
        path.unlink()
    if step.number == "01":
        shutil.rmtree(work.processed_root / "photo_facts", ignore_errors=True)
    if step.number == "02":
        shutil.rmtree(work.processed_root / "embeddings")


def moment_of(base: Path, share: float) -> tuple[Step, float]:
    """The step at work at a share of the undisturbed run, and how many seconds it had worked."""
    work = Workspace("tiny", base / "p", base / "r")
    seconds = [read_state(work, step).seconds for step in STEPS]
    left = share * sum(seconds)
    for step, whole in zip(STEPS, seconds, strict=True):
        if left < whole:
            return step, left
        left -= whole
    return STEPS[-1], seconds[-1]


def disturbed(root: Path, folder: Path, moment: float, victim: str) -> dict[str, Any]:
    """Begin the report in `folder`, kill it `moment` seconds after its first notebook began, finish it, and judge."""
    with turn():
        process = start(root, folder)
        while process.poll() is None and "runs, as" not in said_in(folder):
            time.sleep(0.02)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            hit, lived = kill(process, victim)
        else:
            hit, lived = "nobody: it had ended", 0.0
    said = said_in(folder)
    steps = [line.split(":")[0] for line in said.splitlines() if "runs, as" in line]
    found = []
    if lived >= ORPHAN_SECONDS:
        found.append("what it started lived on")
    if hit == VICTIMS[2] and not (process.returncode == 1 and "did not end" in said and "Traceback" not in said):
        found.append("no clear error after its kernel's death")
    again, seconds = finish(root, folder)
    ran = [line.split(":")[0] for line in again.splitlines() if "runs, as" in line]
    found += judge(root / "base", folder)
    return {
        "killed": hit, "at": (steps or ["begin"])[-1], "after_seconds": round(moment, 2), "orphans_seconds": lived,
        "run_again": ran, "seconds_to_end": round(seconds, 1), "differences": found,
    }  # fmt: skip


def main() -> int:
    """Run as told; 0 when every report ended as the undisturbed one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="how many (default: 20)")
    parser.add_argument("--fresh", type=int, default=2, metavar="N", help="of reports from nothing (default: 2)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the moments (default: 0)")
    parser.add_argument("--out", type=Path, default=Path("reports/faults.json"), metavar="FILE", help="what happened")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    root = Path(tempfile.mkdtemp(prefix="fashion-kills-"))
    write_small_catalogue(root / "clothes", each=6)
    (root / "tiny.toml").write_text(TOML, encoding="utf-8")
    _, whole = finish(root, root / "base")
    print(f"undisturbed: {whole:.0f} s", flush=True)
    outcome: dict[str, Any] = {"seed": given.seed, "undisturbed_seconds": round(whole, 1), "kills": []}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for number in range(given.kills):
        folder, share = root / f"run-{number:02d}", chance.random()
        step, moment = moment_of(root / "base", share)
        if number < given.fresh:
            moment = share * whole
        else:
            prepare(root / "base", folder, step)
        found = disturbed(root, folder, moment, VICTIMS[number % len(VICTIMS)])
        outcome["kills"].append(found | {"fresh": number < given.fresh})
        print(f"{number + 1:2d}: {json.dumps(outcome['kills'][-1])}", flush=True)
        if not found["differences"]:
            shutil.rmtree(folder)
        outcome["failed"] = sum(bool(kill["differences"]) for kill in outcome["kills"])
        outcome["finished"] = datetime.now().astimezone().isoformat(timespec="seconds")
        given.out.write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    print(f"{given.kills} kills, {outcome['failed']} of them not as the undisturbed run: {given.out}")
    if outcome["failed"]:
        print(f"kept for a look: {root}")
        return 1
    shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
