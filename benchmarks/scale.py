"""The cost of ten million and a billion photos, from measured unit costs: the tables of docs/scale.md.

`python -m benchmarks.scale` rewrites them from docs/unit-costs.toml.
"""

from __future__ import annotations

import math
import sys
import tomllib
from pathlib import Path
from typing import Any

from benchmarks.page import table
from fashion.core.errors import FashionError
from fashion.core.files import write_whole
from fashion.core.paths import project_root

#: The keys of docs/unit-costs.toml and what they mean.
COSTS = {
    "measured": {
        "photos_per_core_second": "photos read, measured, described and embedded in one pass, a second and core",
        "descriptor_bytes": "kept descriptors, a photo",
        "feature_dimensions": "float32 dimensions of all layers, a photo",
        "embedding_dimensions": "float32 dimensions of the learned embedding, a photo",
        "index_bytes_per_item": "the index in half precision",
        "bytes_per_second": "memory read per second by one query's pass",
    },
    "assumed": {
        "photo_bytes": "a shop's photo",
        "machine_cores": "a rented machine's",
        "machine_memory_gib": "a rented machine's",
        "share_of_memory": "for the index; the rest is the system's and the queries'",
        "machine_hour_price": "in any currency",
        "wanted_hours": "for embedding everything",
    },
}

SIZES = (60_000, 10_000_000, 1_000_000_000)

BEGIN, END = "<!-- scale: begin, written by `python -m benchmarks.scale` -->", "<!-- scale: end -->"


def plan(items: int, units: dict[str, dict[str, float]]) -> dict[str, float]:
    """Work, storage and memory for `items` photos.

    Parameters
    ----------
    items : int
    units : dict
        `measured` and `assumed`, as docs/unit-costs.toml has them.

    Returns
    -------
    dict
        Core hours of the pass, machines that do it in the wanted hours, their price; bytes of photos, of descriptors,
        of all features, of embeddings, of the index in half precision and in 8 bits; machines that hold the index;
        seconds of one exact query.
    """
    had, said = units["measured"], units["assumed"]
    core_hours = items / had["photos_per_core_second"] / 3600
    machine_hours = core_hours / said["machine_cores"]
    index = items * had["index_bytes_per_item"]
    small = index - items * had["embedding_dimensions"]  # 8 bits a dimension in place of 16
    room = said["machine_memory_gib"] * 2**30 * said["share_of_memory"]
    return {
        "core_hours": core_hours,
        "machines": math.ceil(machine_hours / said["wanted_hours"]),
        "price": machine_hours * said["machine_hour_price"],
        "photo_bytes": items * said["photo_bytes"],
        "descriptor_bytes": float(items * had["descriptor_bytes"]),
        "feature_bytes": items * had["feature_dimensions"] * 4.0,
        "embedding_bytes": items * had["embedding_dimensions"] * 4.0,
        "index_bytes": index,
        "index_bytes_8_bit": small,
        "index_machines": math.ceil(index / room),
        "index_machines_8_bit": math.ceil(small / room),
        "exact_seconds": items * had["embedding_dimensions"] * 4.0 / had["bytes_per_second"],
    }


def size(count: float) -> str:
    """A number of bytes as text, with the unit that suits it."""
    for unit in ("B", "KB", "MB", "GB", "TB", "PB"):
        if count < 1000 or unit == "PB":
            return f"{count:,.0f} {unit}" if count >= 100 or unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError


def tables(units: dict[str, Any]) -> str:
    """The tables, in markdown."""
    plans = {items: plan(items, units) for items in SIZES}
    said = units["assumed"]
    machines = f"machines of {said['machine_cores']} cores for {said['wanted_hours']} hours"
    rows = [
        ("read, measure and embed, core hours", *(f"{p['core_hours']:,.1f}" for p in plans.values())),
        (machines, *(p["machines"] for p in plans.values())),
        (f"their price at {said['machine_hour_price']} an hour each", *(f"{p['price']:,.0f}" for p in plans.values())),
        ("photos", *(size(p["photo_bytes"]) for p in plans.values())),
        ("descriptors", *(size(p["descriptor_bytes"]) for p in plans.values())),
        ("features of all layers", *(size(p["feature_bytes"]) for p in plans.values())),
        ("embeddings, 256 dimensions", *(size(p["embedding_bytes"]) for p in plans.values())),
        ("index in memory, half precision", *(size(p["index_bytes"]) for p in plans.values())),
        ("the same at 8 bits a dimension", *(size(p["index_bytes_8_bit"]) for p in plans.values())),
        (
            f"machines of {said['machine_memory_gib']} GiB that hold it, half precision / 8 bits",
            *(f"{p['index_machines']} / {p['index_machines_8_bit']}" for p in plans.values()),
        ),
        ("one exact query on one machine", *(f"{p['exact_seconds'] * 1e3:,.0f} ms" for p in plans.values())),
    ]  # fmt: skip
    costs = [
        (f"`{name}`", f"{units[kind][name]:,}", kind, what) for kind in COSTS for name, what in COSTS[kind].items()
    ]
    units_table = table(("unit cost", "value", "kind", "what"), costs)
    return units_table + "\n\n" + table(("photos", *(f"{items:,}" for items in SIZES)), rows)


def units_of(path: Path | None = None) -> dict[str, Any]:
    """The unit costs.

    Raises
    ------
    FashionError
        For a missing or unknown key, or a value that is no number above 0.
    """
    path = path or project_root() / "docs/unit-costs.toml"
    units = tomllib.loads(path.read_text(encoding="utf-8"))
    wanted = {f"{kind}.{name}" for kind, costs in COSTS.items() for name in costs}
    given = {f"{kind}.{name}": value for kind, costs in units.items() for name, value in dict(costs).items()}
    if wanted != set(given):
        wrong = ", ".join(sorted(wanted ^ set(given)))
        raise FashionError(
            f"expected the keys of benchmarks.scale.COSTS in {path}; found {wrong} missing or unknown. Add or remove "
            "them."
        )
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise FashionError(f"expected a number above 0 as {name} in {path}; found {value!r}. Give such a number.")
    return units


def renew(text: str, units: dict[str, Any]) -> str:
    """The document with its tables as `units` makes them."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n{tables(units)}\n{END}{rest.split(END)[1]}"


def main() -> int:
    """Write the tables of docs/scale.md."""
    path = project_root() / "docs/scale.md"
    text = renew(path.read_text(encoding="utf-8"), units_of())
    write_whole(path, lambda aside: aside.write_text(text, encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
