"""A small shop in every form that its table and photos come in, for tests of formats and of whole reports on them.

`write_shop` writes all of it. A test that needs one part takes `rows`, `photos`, `write_table` and `pack`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from conftest import COLOURS, KINDS, draw, jpeg

Row = Mapping[str, Any]

TOML = """
name = "{name}"
title = "A small shop"
[source]
data = "{data}"
table = "{table}"
photos = "{photos}"
[columns]
item = "id"
colour = "colour"
category = "kind"
department = "group"
title = "title"
"""


def rows(count: int = 72) -> list[dict[str, Any]]:
    """Items of 3 kinds in 4 colours; `id` and `price` are numbers, a few titles and prices are missing."""
    kinds, colours = list(KINDS), list(COLOURS)
    return [
        {
            "id": 1000 + n, "colour": colours[n // 3 % 4].lower(), "kind": kinds[n % 3].lower(),
            "group": KINDS[kinds[n % 3]].lower(), "title": f"Tè «{n}», 5 €" if n % 7 else None,
            "price": round(9.9 + n, 2) if n % 5 else None,
        }
        for n in range(count)
    ]  # fmt: skip


def photos(items: Sequence[Row]) -> list[bytes]:
    """A drawn JPEG for each row."""
    return [jpeg(draw(row["kind"].upper(), COLOURS[row["colour"].upper()], n)) for n, row in enumerate(items)]


def write_table(
    path: Path, items: Sequence[Row], *, encoding: str = "utf-8", delimiter: str = "", group: int | None = None
) -> Path:
    """Write rows in the format that the path's ending names, with `.gz` behind it packed with gzip.

    Parameters
    ----------
    path : Path
        Ends in .csv, .tsv, .txt, .jsonl, .parquet, .xlsx or .ods.
    items : sequence of mapping
        Values may be missing (None); of Parquet, also bytes and mappings.
    encoding, delimiter : str
        Of text; commas, or tabs in .tsv and .txt, if not given.
    group : int, optional
        Rows of a row group of Parquet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = path.name.endswith(".gz")
    kind = path.with_suffix("").suffix if packed else path.suffix
    header = list(items[0])
    if kind == ".jsonl":
        data = "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in items).encode(encoding)
    elif kind == ".parquet":
        data = _parquet(items, group)
    elif kind == ".xlsx":
        data = workbook({"Items": [header, *([row[name] for name in header] for row in items)]})
    elif kind == ".ods":
        data = _ods([header, *([row[name] for name in header] for row in items)])
    else:
        text = io.StringIO(newline="")
        delimiter = delimiter or ("," if kind == ".csv" else "\t")
        writer = csv.DictWriter(text, header, delimiter=delimiter, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(items)
        data = text.getvalue().encode(encoding)
    path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return path


def _parquet(items: Sequence[Row], group: int | None) -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in items]), data, row_group_size=group)
    return data.getvalue()


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()) -> bytes:
    """An Excel workbook (.xlsx) of sheets, each a list of rows."""
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    for name, lines in sheets.items():
        sheet = book.add_worksheet(name)
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line)
        if name in hidden:
            sheet.hide()
    book.close()
    return data.getvalue()


def _ods(lines: Sequence[Sequence[Any]]) -> bytes:
    def cell(value: Any) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, int | float):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'

    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    body = "".join(f"<table:table-row>{''.join(map(cell, line))}</table:table-row>" for line in lines)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("META-INF/manifest.xml", "<manifest/>")
        packed.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content {names}><office:body><office:spreadsheet>'
            f'<table:table table:name="Items">{body}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )
    return data.getvalue()


def pack(folder: Path, target: Path) -> Path:
    """Pack a folder's files as the target's name ends: .zip, .tar, .tar.gz; or copy them to a folder of that name."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, file.relative_to(folder).as_posix())
    elif ".tar" in target.suffixes:
        with tarfile.open(target, "w:gz" if target.suffix == ".gz" else "w") as archive:
            for file in files:
                archive.add(file, file.relative_to(folder).as_posix())
    else:
        shutil.copytree(folder, target)
    return target


def write_shop(
    root: Path, table: str = "items.csv", packed: str = "", *, name: str = "shop", count: int = 72, **options: Any
) -> Path:
    """A shop's TOML, its table and its photos, for `read_table` or a whole report; returns the TOML's path.

    Parameters
    ----------
    root : Path
        Folder of the TOML.
    table : str
        As in the TOML. The ending chooses the format; `train-*.parquet` is three shards with the photos inside.
    packed : str
        "clothes.zip", "clothes.tar" or "clothes.tar.gz"; a folder if empty.
    name : str
        Of the catalogue.
    count : int
        Rows.
    **options
        Of `write_table`.
    """
    root.mkdir(parents=True, exist_ok=True)
    items, files = rows(count), photos(rows(count))
    data = root / "clothes"
    pattern = "images/{id}.jpg"
    if table == "train-*.parquet":
        pattern = "{image.bytes}"
        stored = [
            row | {"image": {"bytes": f, "path": f"{row['id']}.jpg"}} for row, f in zip(items, files, strict=True)
        ]
        each = -(-count // 3)
        for shard in range(3):
            part = data / f"train-{shard:05d}-of-00003.parquet"
            write_table(part, stored[shard * each : (shard + 1) * each], **{"group": 10} | options)
    else:
        write_table(data / table, items, **options)
        (data / "images").mkdir()
        for row, photo in zip(items, files, strict=True):
            (data / f"images/{row['id']}.jpg").write_bytes(photo)
    if packed:
        pack(data, root / packed)
        shutil.rmtree(data)
    toml = root / f"{name}.toml"
    toml.write_text(TOML.format(name=name, data=packed or "clothes", table=table, photos=pattern), encoding="utf-8")
    return toml
