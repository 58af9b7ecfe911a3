"""Writes what the benchmarks found: reports/bench/README.md with tables, and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import figures, harness
from fashion.core.files import write_whole
from fashion.core.numerals import interval, percent

Row = Sequence[object]


def table(head: Sequence[str], rows: Sequence[Row]) -> str:
    """A markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def spread(row: dict[str, Any], name: str, digits: int = 1) -> str:
    """Median with least and most: 28.6 (28.1-29.0)."""
    return f"{row[name]:,.{digits}f} ({row[name + '_low']:,.{digits}f}-{row[name + '_high']:,.{digits}f})"


def embedding(results: dict[str, Any]) -> str:
    """Tables of the part `embedding`, one a backbone."""
    parts = []
    for network in results["backbones"]:
        rows = [
            (w["way"], spread(w, "rate"), spread(w, "ratio", 2), percent(w["share_of_peak"])) for w in network["ways"]
        ]
        ours = network["ours_to_bare"]
        parity = ", ".join(f"{name} {value:.0e}" for name, value in network["parity"].items())
        parts.append(
            f"### {network['backbone']}, {network['size']} px\n\n"
            f"{network['multiply_adds']:,} multiplications with an addition a photo; the machine's matrix product "
            f"reaches {network['peak_flops'] / 1e9:.0f} GFLOP/s, so its ceiling is "
            f"{network['ceiling_photos_per_second']:.1f} photos/s.\n\n"
            + table(("way", "photos/s", "times the original", "share of peak"), rows)
            + f"\n\nOurs, from JPEG, reaches {percent(ours['ratio'])} ({percent(ours['ratio_low'])}-"
            f"{percent(ours['ratio_high'])}) of the bare network by the same runtime. Largest 1 - cosine with "
            f"TensorFlow's vectors: {parity}."
        )
    return "\n\n".join(parts)


def memory(results: dict[str, Any]) -> str:
    """Table of the part `memory`."""
    rows = [(f"{run['photos']:,}", f"{run['bytes'] / 2**20:,.0f}") for run in results["runs"]]
    return table(("photos embedded", "most memory held, MiB"), rows)


def curve(results: dict[str, Any]) -> str:
    """Table of the part `curve`."""
    rows = []
    for point in results["points"]:
        quality = point["quality"]
        cells = [
            interval(*(quality[name][part] for part in ("mean", "low", "high"))) if quality else "-"
            for name in ("category", "colour", "category and colour")
        ]
        rows.append((
            point["backbone"], point["size"], f"{point['multiply_adds'] / 1e6:,.0f}",
            f"{point['photos_per_second']:.1f}", *cells,
        ))  # fmt: skip
    head = ("backbone", "px", "million multiply-adds", "photos/s", "category", "colour", "category and colour")
    return (
        f"{results['catalogue']}: {results['items']:,} items, {results['queries']:,} queries; share of the six nearest "
        "by the frozen, max-pooled vectors that agree. ResNet-50 has random weights here: its cost alone is measured."
        "\n\n" + table(head, rows)
    )


def neighbours(results: dict[str, Any]) -> str:
    """Tables of the part `neighbours`."""
    parts = []
    for pairs in results["all_pairs"]:
        rates = [
            (w["way"], spread(w, "rate", 0), spread(w, "ratio", 2), percent(w["share_of_peak"])) for w in pairs["ways"]
        ]
        parts.append(
            f"Six nearest among {pairs['items']:,} x {pairs['dimensions']:,}, many queries at once; the matrix product "
            f"reaches {pairs['peak_flops'] / 1e9:.0f} GFLOP/s:\n\n"
            + table(("way", "queries/s", "times ours", "share of peak"), rates)
        )
    rows: list[Row] = []
    for one in results["single"]:
        ms = {
            way: f"{one[way]['p50'] * 1e3:.2f} / {one[way]['p99'] * 1e3:.2f}"
            for way in ("one_pass", "exact", "approximate")
        }
        rows.append((
            f"{one['items']:,}", ms["one_pass"], ms["exact"], f"{one['exact_filtered_seconds'] * 1e3:.1f}",
            ms["approximate"], f"{one['recall']:.4f}", f"{one['build_seconds']:.0f}",
            f"{one['index_bytes'] / 2**20:,.0f}", f"{one['resident_bytes'] / 2**20:,.0f}",
        ))  # fmt: skip
    head = (
        "items x 256", "one pass over memory, ms (p50 / p99)", "exact, ms", "exact under a filter, ms",
        "index, ms", "recall of ten", "building, s", "index, MiB", "memory held, MiB",
    )  # fmt: skip
    parts.append("One query at a time:\n\n" + table(head, rows))
    return "\n\n".join(parts)


def tsne(results: dict[str, Any]) -> str:
    """Tables of the part `tsne`."""
    parts = [f"Vectors: {results['vectors']}."]
    for one in results["tables"]:
        runs = pd.DataFrame(one["runs"])
        rows = []
        for way, group in runs.groupby("way", sort=False):
            seconds = group["seconds"]
            rows.append((
                way, f"{group['perplexity'].median():g}" if "perplexity" in group else "-",
                f"{seconds.median():.1f} ({seconds.min():.1f}-{seconds.max():.1f})", f"{group['recall'].median():.3f}",
                f"{group['trustworthiness'].median():.4f}",
            ))  # fmt: skip
        parts.append(
            f"{one['items']:,} x {one['dimensions']:,}:\n\n"
            + table(("way", "perplexity", "seconds (least-most)", "recall of ten neighbours", "trustworthiness"), rows)
        )
    new = results["placing"]
    parts.append(
        f"{new['placed']} items placed on the map of {new['items']:,} others in {new['seconds']:.1f} s; the map "
        f"{'did not move' if new['map_unmoved'] else 'MOVED'}."
    )
    return "\n\n".join(parts)


def run(results: dict[str, Any]) -> str:
    """Table of the part `run`."""
    names = list(results["reports"][0]["seconds"])
    rows = [
        (
            f"{r['catalogue']}, {r['items']:,}", *(f"{r['seconds'][name]:.0f}" for name in names),
            f"{r['cold_seconds']:.0f}", f"{r['warm_seconds']:.1f}",
        )
        for r in results["reports"]
    ]  # fmt: skip
    if results["exponents"]:
        rows.append(("grows as items to the power of", *(f"{results['exponents'][n]:.2f}" for n in names), "", ""))
    text = table(("report, items", *names, "cold, all", "nothing changed"), rows)
    new = results["adding"]
    if new:
        text += (
            f"\n\nAdding {new['added']} photos to the {new['items']:,} of {new['catalogue']} took "
            f"{new['seconds']:.1f} s, {percent(new['seconds'] / new['all_seconds'])} of the "
            f"{new['all_seconds']:.0f} s that "
            "reading, measuring and embedding all of them took"
            + (
                f"; as a command, with Python's start, {new['command_seconds']:.1f} s."
                if "command_seconds" in new
                else "."
            )
        )
    return text


def shop(results: dict[str, Any]) -> str:
    """Tables of the part `shop`."""
    rows: list[Row] = [
        (one["step"], f"{one['seconds']:,.1f}", f"{one['processor']:,.1f}", _mib(one["most_bytes"]))
        for one in results["steps"]
    ]
    sums = [f"{sum(one[name] for one in results['steps']):,.0f}" for name in ("seconds", "processor")]
    rows.append(("all", *sums, _mib(max(one["most_bytes"] for one in results["steps"]))))
    width, height = results["photo"]
    held = ", ".join(f"{name} {count / 1e6:,.0f}" for name, count in results["bytes"].items())
    before, after = (results["load_average"][when][0] for when in ("before", "after"))
    return (
        f"A Shopify export of {results['products']:,} products with {results['photos']:,} photos of {width} x {height} "
        f"pixels, by address from a server on this machine (`pause = 0`); {results['items']:,} items. Load average "
        f"{before:.1f} before, {after:.1f} after.\n\n"
        + table(("step", "seconds", "processor seconds", "peak memory of a process, MiB"), rows)
        + f"\n\nOn disk, MB: {held}. Notebook 01 read and embedded {results['embedding']['photos_per_second']:.0f} "
        f"photos a second; training took {results['training_seconds']:.0f} s of notebook 03."
    )


def load(results: dict[str, Any]) -> str:
    """Tables of the part `load`."""
    rows = []
    for one in results["ways"]:
        ms = [f"{one[name] * 1e3:,.1f}" for name in ("p50", "p99", "processor")]
        rows.append((one["way"], one["clients"], f"{one['rate']:,.1f}", *ms, sum(one["errors"].values())))
    head = (
        f"{results['catalogue']}, {results['items']:,} items, open {results['start_seconds']:.1f} s after its start. "
        "Server and clients share the machine; a client asks again when it has its answer. "
        f"{results['busy_before']:.1f} other processes wanted to compute when it began (load average).\n\n"
    )
    requests = table(
        ("asked for", "clients", "requests/s", "p50, ms", "p99, ms", "processor, ms a request", "errors"), rows
    )
    return f"{head}{requests}\n\n{_mixed(results['mixed'])}\n\n{_swap(results['swap'])}"


def _mixed(mixed: dict[str, Any]) -> str:
    memory = mixed["memory"]
    shares = ", ".join(f"{kind} {share}%" for kind, share in mixed["mixture"].items())
    return (
        f"Mixed load ({shares}) by {mixed['clients']} clients for {mixed['seconds'] / 60:.1f} minutes: "
        f"{mixed['requests']:,} requests, {mixed['rate']:,.1f} a second, p50 {mixed['p50'] * 1e3:,.0f} ms, p99 "
        f"{mixed['p99'] * 1e3:,.0f} ms, {sum(mixed['errors'].values())} errors. Resident memory "
        f"{_mib(memory['first'])} MiB in its first tenth, {_mib(memory['last'])} in its last "
        f"({percent(memory['growth'], '+')}), at most {_mib(memory['most'])}."
    )


def _swap(swap: dict[str, Any]) -> str:
    return (
        f"A report exchanged under {swap['clients']} clients: {swap['answers']:,} answers, {swap['old']:,} of them the "
        f"old report's and {swap['new']:,} the new one's, {swap['neither']} neither's, {swap['too_early']} new before "
        f"the report was whole, {swap['back']} old after new, {swap['failed']} failed; shown "
        f"{swap['shown_after']:.1f} s after its end; the slowest answer took {swap['slowest']:.2f} s."
    )


def _mib(count: float) -> str:
    return f"{count / 2**20:,.0f}"


PARTS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "embedding": ("Embedding", embedding),
    "memory": ("Memory of embedding", memory),
    "curve": ("Quality against cost", curve),
    "neighbours": ("Neighbours", neighbours),
    "tsne": ("The map", tsne),
    "run": ("The whole run", run),
    "shop": ("A shop's export, from its file to its report", shop),
    "load": ("The shop window under load", load),
}


def write(folder: Path) -> Path:
    """Write README.md and figures of all parts that have been measured."""
    parts = ["# Benchmarks\n\nMade by `make bench`; every number is measured, medians with least and most in brackets."]
    for name, (title, describe) in PARTS.items():
        results = harness.read(folder, name)
        if results is None:
            continue
        small = " **Tiny sizes, to prove that it runs: no measurement.**" if results.get("quick") else ""
        where = results["machine"]
        on = f"{where['processor']}, {where['cores']} cores, {where['memory_bytes'] / 2**30:.0f} GiB"
        parts.append(f"## {title}\n\n*{on}.*{small}\n\n{describe(results)}")
        drawn = figures.draw(name, results, folder)
        parts += [f"![{title}]({path.name})" for path in drawn]
    text = "\n\n".join(parts) + "\n"
    return write_whole(folder / "README.md", lambda aside: aside.write_text(text, encoding="utf-8"))
