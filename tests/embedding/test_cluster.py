"""Two worker processes, one of them killed with SIGKILL, give what one machine gives."""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import lend, write_small_catalogue
from plain import photo_metadata, vectors_of

from fashion.cli.main import main
from fashion.core.errors import ArtefactError
from fashion.embedding.distributed import Distributed, Job, distribute, open_home, tools
from fashion.embedding.extraction import read_photos
from fashion.photos.metadata import in_order, kept_metadata, signatures_of


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_part_and_nothing_else(tmp_path, networks, monkeypatch):
    lend(networks, tmp_path / "home")
    folder = write_small_catalogue(tmp_path / "clothes", each=10)
    job = Job("imagelab", str(folder), str(tmp_path / "shared"), "efficientnet-lite0", size=96)
    killed = []

    def kill_one(client):
        workers = client.run(os.getpid)
        assert len(workers) == 2 and os.getpid() not in workers.values()
        deadline = time.monotonic() + 300
        while len(list((tmp_path / "shared").glob("*.json"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
        victim = next(iter(workers.values()))
        os.kill(victim, signal.SIGKILL)
        killed.append((victim, len(list((tmp_path / "shared").glob("*.json")))))

    environment = dict(os.environ)
    done = distribute(job, tmp_path / "home", workers=2, size=4, progress=False, started=kill_one)
    assert dict(os.environ) == environment
    assert (done.photos, done.shards, done.done, done.reused) == (120, 30, 30, 0)
    assert 2 <= killed[0][1] < 30, "the kill came too late to prove anything"
    job = replace(job, kept=str(networks))  # converting it again would take longer than all the rest
    source, backbone, runtime = tools(job)
    names = sorted(path.relative_to(folder).as_posix() for path in (folder / "images").iterdir())
    metadata = photo_metadata(source, names)
    kept = kept_metadata(tmp_path / "home", source, signatures_of(source, names))
    assert len(kept) == len(names)
    pd.testing.assert_frame_equal(in_order([kept], names), metadata)
    alone = vectors_of(source, names, backbone, runtime)
    home = open_home(job, tmp_path / "home").gather(metadata["sha256"].tolist())
    assert all(np.array_equal(home[name], alone[name]) for name in alone)
    monkeypatch.setattr(type(source), "read", lambda *_: pytest.fail("a photo is read again"))
    report = read_photos(source, names, tmp_path / "home", backbone, progress=False)
    assert report.read == 0 and np.array_equal(report.vectors.blocks["multilayer"], alone["multilayer"])
    assert len(report.descriptor("hog")) == len(names)
    monkeypatch.undo()
    again = distribute(job, tmp_path / "home", workers=2, size=4, progress=False)
    assert (again.done, again.reused, again.embedded) == (0, 30, 0)


def test_several_backbones_are_refused_before_anything_runs(tmp_path, capsys):
    given = ["--backbone", "efficientnet-lite0,efficientnet-lite1", "--shared", str(tmp_path / "shared")]
    with pytest.raises(SystemExit):
        main(["distribute", *given, "--processed", str(tmp_path / "p")])
    assert "expected one backbone to distribute; found efficientnet-lite0,efficientnet-lite1" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_no_scheduler_is_an_error_that_says_what_to_do(tmp_path, small_folder, networks, monkeypatch):
    lend(networks, tmp_path)
    client = __import__("distributed").Client
    monkeypatch.setattr("distributed.Client", lambda address, timeout: client(address, timeout="1s"))
    job = Job("imagelab", str(small_folder), str(tmp_path / "shared"), "efficientnet-lite0", size=96)
    with pytest.raises(ArtefactError, match=r"scheduler at tcp://127.0.0.1:9; found none.*--scheduler local"):
        distribute(job, tmp_path, scheduler="tcp://127.0.0.1:9", progress=False)


def test_a_cluster_that_cannot_be_reached_leaves_no_process_and_no_setting(
    tmp_path, small_folder, networks, monkeypatch
):
    lend(networks, tmp_path)

    def unreachable(cluster, timeout):
        assert "PYTHONHASHSEED" in os.environ, "Dask has set it"
        raise TimeoutError("no answer")

    monkeypatch.setattr("distributed.Client", unreachable)
    environment, processes = dict(os.environ), set(psutil.Process().children(recursive=True))
    job = Job("imagelab", str(small_folder), str(tmp_path / "shared"), "efficientnet-lite0", size=96)
    with pytest.raises(ArtefactError, match="scheduler at local; found none: no answer"):
        distribute(job, tmp_path, workers=1, progress=False)
    assert dict(os.environ) == environment
    left = set(psutil.Process().children(recursive=True)) - processes
    assert not [one for one in left if "spawn_main" in " ".join(one.cmdline())]


def test_command_says_what_was_wrong(capsys, small_folder):
    command = ["distribute", "-c", "imagelab", "--data", str(small_folder), "--shared", "x", "--workers", "0"]
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2 and "from 1 to 1000; found '0'" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--limit=5", "--first=5", "--seed=1", "--queries=a", "--keep-unknown"])
def test_what_would_be_ignored_is_refused(capsys, option):
    with pytest.raises(SystemExit):
        main(["distribute", "--shared", "x", option])
    assert f"lists; found {option}." in capsys.readouterr().err


def test_the_next_command_asks_for_the_network_that_was_distributed(monkeypatch, capsys, tmp_path):
    jobs = []

    def distributed(job, root, **_):
        jobs.append(job)
        return Distributed(12, 1, 1, 0, 12, tmp_path / "metadata.parquet")

    monkeypatch.setattr("fashion.embedding.distributed.distribute", distributed)
    data = str(tmp_path / "my clothes")
    main(["distribute", "-c", "imagelab", "--data", data, "--shared", "x", "--backbone", "efficientnet-lite0",
          "--size", "96", "--processed", str(tmp_path / "home")])  # fmt: skip
    assert (jobs[0].size, jobs[0].backbone, jobs[0].runtime) == (96, "efficientnet-lite0", "auto")
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == (
        f"next: fashion report --catalogue imagelab --data '{data}' --backbone efficientnet-lite0 --size 96 "
        f"--processed {tmp_path / 'home'}"
    )
