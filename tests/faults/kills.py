"""SIGKILL at random moments of a report, `make faults`: the same command must then end as if nothing had happened.

    python tests/faults/kills.py --kills 20 --seed 0

A report on a tiny catalogue runs undisturbed, for comparison. A random moment of it is drawn for each kill, and with it
the notebook that was at work then. In a copy of the folders as they are when that notebook begins (what it writes,
and what it remembers of photos and training, taken away) the command is begun and killed at that moment: by turns the
command alone, the command with all that it started, and the notebook's kernel alone. Then the same command is given
again and runs to its end, and results, figures, pages and artefacts are compared with the undisturbed ones bit by bit
(seconds aside, as `fashion verify` does). Notebooks after that one have to be found unchanged. The first `--fresh`
kills are of reports that begin from nothing. Then other faults: a flipped byte in a file of each kind, a second report
on the same folders, a photo that vanishes while photos are embedded, a disk that fills up (root only). What happened
is written as JSON.
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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import TOML, write_small_catalogue

from fashion.core.bounds import WORKERS, whole
from fashion.core.checksums import sha256_file
from fashion.core.console import replace_unknown
from fashion.core.disk import ASIDE
from fashion.core.workspace import WRITERS, Workspace
from fashion.report.steps import STEPS, Step, output_paths, read_state, state_path
from fashion.report.verify import differences

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
            fields = entry.read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
            parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, waiting = [], [process]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def spent(process: int) -> float:
    """Seconds of processor that it and what it started have used, those that have ended among them."""
    ticks = 0
    for number in [process, *descendants(process)]:
        with suppress(OSError):
            fields = (
                Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
            )
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


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
            if (
                Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()[0]
                != "Z"
            ):
                found.append(process)
    return found


def start(root: Path, folder: Path, said: str = "said") -> subprocess.Popen[str]:
    """The report in the folders `folder`/p and `folder`/r; what it says goes to the file `said` there."""
    command = [sys.executable, "-m", "fashion.cli.main", "report", "-c", str(root / "tiny.toml")]
    command += ["--backbone", "efficientnet-lite0", "--processed", str(folder / "p"), "--reports", str(folder / "r")]
    folder.mkdir(exist_ok=True)
    with (folder / said).open("w", encoding="utf-8") as stream:
        return subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, encoding="utf-8", start_new_session=True
        )


def said_in(folder: Path) -> str:
    """What the last command in `folder` has said so far."""
    return (folder / "said").read_text(encoding="utf-8")


def ran_in(said: str) -> list[str]:
    """The notebooks that ran, by a command's output."""
    return [line.split()[0] for line in said.splitlines() if "runs, as" in line]


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


def prepare(base: Path, folder: Path | None, step: Step) -> None:
    """A copy of the undisturbed run's folders (or they themselves) without what the step leaves."""
    if folder is not None:
        shutil.copytree(base, folder)
    folder = folder or base
    work = Workspace("tiny", folder / "p", folder / "r")
    for path in [*output_paths(work, step), state_path(work, step)]:
        path.unlink()
    if step.number == "01":  # its one pass over the photos leaves all three
        for name in ("photo_metadata", "descriptors", "embeddings"):
            shutil.rmtree(work.processed_root / name)
    if step.number == "02":
        shutil.rmtree(work.processed_root / "embeddings")


def undisturbed(root: Path) -> dict[str, float]:
    """Run in `root`/base to the end, unless that was done; seconds of processor by step.

    Moments are drawn and met in these, as they do not depend on what else the machine does.
    """
    folder, kept = root / "base", root / "base/processor.json"
    if not kept.is_file():
        seconds: dict[str, float] = {}
        before = 0.0
        with turn():
            process = start(root, folder)
            while process.poll() is None:
                ran, now = ran_in(said_in(folder)), spent(process.pid)
                if ran and now > before:  # a process that ends is counted again once its parent has waited for it
                    seconds[ran[-1]] = seconds.get(ran[-1], 0.0) + now - before
                before = max(before, now)
                time.sleep(0.1)
        if process.returncode:
            raise SystemExit(f"the command ended with {process.returncode}:\n{said_in(folder)}")
        kept.write_text(json.dumps({name[1:3]: round(value, 1) for name, value in seconds.items()}), encoding="utf-8")
    found: dict[str, float] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def moment_of(seconds: dict[str, float], share: float) -> tuple[Step, float]:
    """The step at work at a share of the undisturbed run, and the processor's seconds that it had used."""
    left = share * sum(seconds.values())
    for step in STEPS:
        if left < seconds[step.number]:
            return step, left
        left -= seconds[step.number]
    return STEPS[-1], seconds[STEPS[-1].number]


def begun(root: Path, folder: Path) -> subprocess.Popen[str]:
    """The report in `folder`, as soon as its first notebook begins, or its end."""
    process = start(root, folder)
    while process.poll() is None and "runs, as" not in said_in(folder):
        time.sleep(0.02)
    return process


def disturbed(root: Path, folder: Path, moment: float, victim: str) -> dict[str, Any]:
    """Begin the report in `folder`, kill it when it has used `moment` seconds of processor, finish it, and judge."""
    with turn():
        process = begun(root, folder)
        before = spent(process.pid)
        while process.poll() is None and spent(process.pid) - before < moment:
            time.sleep(0.05)
        hit, lived = kill(process, victim) if process.poll() is None else ("nobody: it had ended", 0.0)
    said = said_in(folder)
    steps = ran_in(said)
    found = []
    if lived >= ORPHAN_SECONDS:
        found.append("what it started lived on")
    if hit == VICTIMS[2] and not (process.returncode == 1 and "did not end" in said and "Traceback" not in said):
        found.append("no clear error after its kernel's death")
    again, seconds = finish(root, folder)
    ran = ran_in(again)
    found += judge(root / "base", folder)
    return {
        "killed": hit, "at": (steps or ["begin"])[-1], "after_processor_seconds": round(moment, 2),
        "orphans_seconds": lived,
        "run_again": ran, "seconds_to_end": round(seconds, 1), "differences": found,
    }  # fmt: skip


# -- other faults than kills -----------------------------------------------------------------------------
def flips(root: Path, folder: Path) -> list[str]:
    """A flipped byte in a file of each kind: their notebooks run again, to the same bytes."""
    shutil.copytree(root / "base", folder)
    work = Workspace("tiny", folder / "p", folder / "r")
    paths = [work.path(n) for n in ("rejected.csv", "backbone.json", "selection.npz", "max_pooled.npy", "map.parquet")]
    paths += [work.report / "results/06.json", next((folder / "p/embeddings").glob("*/part-*.npz"))]
    for path in paths:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x10
        path.write_bytes(bytes(data))
    said, _ = finish(root, folder)
    found = [
        f"[{number} did not run again" for number in ("01", "02", "05", "06") if f"[{number}/06]" not in ran_in(said)
    ]
    return found + [line for line in judge(root / "base", folder) if not line.startswith("set aside as damaged: part-")]


def rival(root: Path, folder: Path) -> list[str]:
    """A second report on the folders of one that runs: a clear error, and the first ends as ever."""
    prepare(root / "base", folder, STEPS[4])
    with turn():
        process = begun(root, folder)
        second = start(root, folder, "second").wait(600)
        first = process.wait(3600)
    said = (folder / "second").read_text(encoding="utf-8")
    found = [] if first == 0 else [f"the first ended with {first}: {said_in(folder)}"]
    if second != 1 or "another report on" not in said or "Traceback" in said:
        found.append(f"the second ended with {second}: {said}")
    return found + judge(root / "base", folder)


def vanishing(root: Path, folder: Path) -> list[str]:
    """A photo that vanishes while photos are embedded: the error names it; when it is back, all ends as ever."""
    prepare(root / "base", folder, STEPS[1])
    photo = sorted((root / "clothes/images").iterdir())[-1]
    with turn():
        process = begun(root, folder)
        photo.rename(root / photo.name)
        code = process.wait(3600)
    (root / photo.name).rename(photo)
    found = []
    if code != 1 or f"missing: there is no 'images/{photo.name}'" not in said_in(folder):
        found.append(f"ended with {code}: {said_in(folder)}")
    finish(root, folder)
    return found + judge(root / "base", folder)


def full(root: Path, folder: Path) -> list[str]:
    """A disk that fills up while photos are embedded: the error says so; when there is room, all ends as ever."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        folder.rmdir()
        return ["skipped: only root may mount a small disk"]
    try:
        for name in ("p", "r"):
            shutil.copytree(root / "base" / name, folder / name)
        prepare(folder, None, STEPS[1])
        used = shutil.disk_usage(folder).used
        subprocess.run(["mount", "-o", f"remount,size={used + 300_000}", str(folder)], check=True)
        with turn():
            code = start(root, folder).wait(3600)
        said, found = said_in(folder), []
        if code != 1 or "disk is full" not in said:
            found.append(f"ended with {code}: {said}")
        subprocess.run(["mount", "-o", "remount,size=1g", str(folder)], check=True)
        finish(root, folder)
        return found + judge(root / "base", folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


SCENES = {"flips": flips, "rival": rival, "vanishing": vanishing, "full": full}


def kills(root: Path, given: argparse.Namespace, tell: Callable[[str, dict[str, Any]], None]) -> None:
    """As many kills as `given` says, at moments that its seed draws."""
    seconds = undisturbed(root)
    chance = random.Random(given.seed)
    shares = [chance.random() for _ in range(given.kills)]

    def one(number: int) -> None:
        folder = root / f"kill-{number:02d}"
        step, moment = moment_of(seconds, shares[number])
        if number < given.fresh:
            moment = shares[number] * sum(seconds.values())
        else:
            prepare(root / "base", folder, step)
        found = disturbed(root, folder, moment, VICTIMS[number % len(VICTIMS)])
        tell("kills", {"number": number, "fresh": number < given.fresh} | found)
        if not found["differences"]:
            shutil.rmtree(folder)

    with ThreadPoolExecutor(given.at_once) as pool:
        list(pool.map(one, range(given.kills)))


def main() -> int:
    """Run as told; 0 when every report ended as the undisturbed one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=whole(range(1000)), default=20, metavar="N", help="how many (default: 20)")
    parser.add_argument(
        "--fresh", type=whole(range(1000)), default=2, metavar="N", help="of reports from nothing (default: 2)"
    )
    parser.add_argument("--at-once", type=whole(WORKERS), default=1, metavar="N", help="reports at a time (default: 1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the moments (default: 0)")
    parser.add_argument("--only", choices=["kills", *SCENES], help="one kind of fault (default: all)")
    parser.add_argument("--base", type=Path, metavar="DIR", help="of an earlier run, with its undisturbed report")
    parser.add_argument("--out", type=Path, default=Path("reports/faults.json"), metavar="FILE", help="what happened")
    given = parser.parse_args()
    replace_unknown()
    root = given.base or Path(tempfile.mkdtemp(prefix="fashion-faults-"))
    if not given.base:
        write_small_catalogue(root / "clothes", each=6)
        (root / "tiny.toml").write_text(TOML, encoding="utf-8")
    outcome: dict[str, Any] = {"seed": given.seed, "undisturbed_processor_seconds": undisturbed(root)}
    print(json.dumps(outcome), flush=True)
    given.out.parent.mkdir(parents=True, exist_ok=True)

    def tell(kind: str, found: dict[str, Any]) -> None:
        outcome.setdefault(kind, []).append(found)
        outcome["finished"] = datetime.now().astimezone().isoformat(timespec="seconds")
        given.out.write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
        print(f"{kind}: {json.dumps(found)}", flush=True)

    if given.only in (None, "kills"):
        kills(root, given, tell)
    for name, scene in SCENES.items():
        if given.only in (None, name):
            tell(name, {"differences": scene(root, root / name)})
    failed = sum(bool(f["differences"]) for found in outcome.values() if isinstance(found, list) for f in found)
    print(
        f"{failed} of them not as the undisturbed run: {given.out}" + (f"; kept for a look: {root}" if failed else "")
    )
    if not failed and not given.base:
        shutil.rmtree(root)
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
