"""SIGKILL at random moments of a report, `make faults`: the same command must then end as if nothing had happened.

    python tests/kills.py --kills 20 --seed 0

A report on a tiny catalogue runs undisturbed, for comparison. Then reports in fresh folders are killed, by turns the
command alone, the command with all that it started, and the notebook's kernel alone. Each time the same command is
given again; after `--chain` kills it runs to its end, and results, figures, pages and artefacts are compared with the
undisturbed ones bit by bit (seconds aside, as `fashion verify` does). What happened is written as JSON.
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

sys.path.insert(0, str(Path(__file__).parent))
from conftest import TOML, write_small_catalogue

from fashion.disk import ASIDE
from fashion.provenance import sha256_file
from fashion.steps import STEPS, read_state
from fashion.verify import differences
from fashion.workspace import WRITERS, Workspace

VICTIMS = ("the command alone", "the command and all that it started", "the notebook's kernel alone")
#: Seconds that what a dead command started may outlive it: a kernel looks for its parent every second.
ORPHAN_SECONDS = 5.0


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
    """The report in the folders `folder`/p and `folder`/r."""
    command = [sys.executable, "-m", "fashion.cli", "report", "-c", str(root / "tiny.toml")]
    command += ["--backbone", "efficientnet-lite0", "--processed", str(folder / "p"), "--reports", str(folder / "r")]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def kill(process: subprocess.Popen[str], victim: str) -> tuple[str, str, float]:
    """Kill; returns who was hit, what the command had said, and how long what it started lived on."""
    started = descendants(process.pid)
    kernels = [number for number in started if is_kernel(number)]
    if victim == VICTIMS[2] and not kernels:
        victim = VICTIMS[0]
    targets = {VICTIMS[0]: [process.pid], VICTIMS[1]: [process.pid, *started], VICTIMS[2]: kernels}[victim]
    for number in targets:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    begin = time.monotonic()
    said = process.communicate(timeout=120)[0]
    while living(started) and time.monotonic() - begin < ORPHAN_SECONDS:
        time.sleep(0.05)
    return victim, said, round(time.monotonic() - begin, 2)


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
        process = start(root, folder)
        said = process.communicate(timeout=1800)[0]
    if process.returncode:
        raise SystemExit(f"the command ended with {process.returncode}:\n{said}")
    return said, time.monotonic() - begin


def disturbed(
    root: Path, folder: Path, base: Path, moments: list[float], victims: list[str]
) -> tuple[list[dict[str, object]], list[str]]:
    """One report, killed as many seconds after its start as `moments` say, each time begun again; then judged."""
    kills = []
    for moment, victim in zip(moments, victims, strict=True):
        with turn():
            process = start(root, folder)
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                hit, said, lived = kill(process, victim)
            else:
                hit, said, lived = "nobody: it had ended", process.communicate()[0], 0.0
        steps = [line.split(":")[0] for line in said.splitlines() if line.startswith("[") and "runs" in line]
        entry: dict[str, object] = {"killed": hit, "after_seconds": round(moment, 2), "at": (steps or ["begin"])[-1]}
        entry |= {"orphans_seconds": lived}
        if hit == VICTIMS[2]:
            entry["clear_error"] = process.returncode == 1 and "did not end" in said and "Traceback" not in said
        kills.append(entry)
    finish(root, folder)
    found = judge(base, folder)
    found += ["no clear error after its kernel's death" for entry in kills if entry.get("clear_error") is False]
    found += ["what it started lived on" for entry in kills if float(str(entry["orphans_seconds"])) >= ORPHAN_SECONDS]
    return kills, found


def main() -> int:
    """Run as told; 0 when every report ended as the undisturbed one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="how many (default: 20)")
    parser.add_argument("--chain", type=int, default=2, metavar="N", help="kills of one report (default: 2)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the moments (default: 0)")
    parser.add_argument("--out", type=Path, default=Path("reports/faults.json"), metavar="FILE", help="what happened")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    root = Path(tempfile.mkdtemp(prefix="fashion-kills-"))
    write_small_catalogue(root / "clothes", each=6)
    (root / "tiny.toml").write_text(TOML, encoding="utf-8")
    _, whole = finish(root, root / "base")
    print(f"undisturbed: {whole:.0f} s", flush=True)
    reports, failed, left = [], 0, given.kills
    while left:
        count = min(given.chain, left)
        left -= count
        first = len(reports) * given.chain
        victims = [VICTIMS[(first + number) % len(VICTIMS)] for number in range(count)]
        # Each part of the run is as likely as any other: the second kill follows the resumed run's start, and so on.
        moments = [chance.uniform(0, whole / count) for _ in range(count)]
        if count == 1:
            moments = [chance.uniform(0, whole)]
        folder = root / f"run-{len(reports):02d}"
        kills, found = disturbed(root, folder, root / "base", moments, victims)
        reports.append({"kills": kills, "differences": found})
        failed += bool(found)
        print(f"{len(reports):2d}: {json.dumps(kills)} -> {found or 'equal'}", flush=True)
        if not found:
            shutil.rmtree(folder)
    outcome = {"date": datetime.now().astimezone().isoformat(timespec="seconds"), "seed": given.seed}
    outcome |= {"undisturbed_seconds": round(whole, 1), "kills": given.kills, "failed": failed, "reports": reports}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    print(f"{given.kills} kills in {len(reports)} reports, {failed} of them not as the undisturbed one: {given.out}")
    if failed:
        print(f"kept for a look: {root}")
        return 1
    shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
