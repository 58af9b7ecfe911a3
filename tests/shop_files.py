"""A small shop in every form that its table and photos come in, for tests of formats and of whole reports on them.

`write_shop` writes all of it. A test that needs one part takes `rows`, `photos`, `write_table` and `pack`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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


@contextmanager
def a_second_later(path: Path) -> Iterator[None]:
    """`path`, written again within the block, is a second later by its time: many systems' times move every 10 ms."""
    before = path.stat().st_mtime_ns
    yield
    os.utime(path, ns=(before + 10**9,) * 2)


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
    root: Path, table: str = "items.csv", packed: str = "", *, name: str = "shop", count: int = 72,
    stock: tuple[Sequence[Row], Sequence[bytes]] | None = None, **options: Any,
) -> Path:  # fmt: skip
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
    stock : tuple of rows and their photos, optional
        In place of `count` drawn ones.
    **options
        Of `write_table`.
    """
    root.mkdir(parents=True, exist_ok=True)
    items, files = stock or (rows(count), photos(rows(count)))
    data = root / "clothes"
    pattern = "images/{id}.jpg"
    if table == "train-*.parquet":
        pattern = "{image.bytes}"
        stored = [
            row | {"image": {"bytes": f, "path": f"{row['id']}.jpg"}} for row, f in zip(items, files, strict=True)
        ]
        each = -(-len(items) // 3)
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


# -- the exports that `fashion init` knows --------------------------------------------------------------------
def write_export(
    root: Path, kind: str, count: int = 24, stock: tuple[Sequence[Row], Sequence[bytes]] | None = None
) -> Path:
    """A small shop as one of `EXPORTS` writes it, in `root`; returns what `fashion init` is given.

    `stock` as in `write_shop`.
    """
    root.mkdir(parents=True, exist_ok=True)
    items, files = stock or (rows(count), photos(rows(count)))
    return EXPORTS[kind](root, items, files)


def _write_photos(folder: Path, names: Sequence[str], files: Sequence[bytes]) -> None:
    for name, file in zip(names, files, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file)


def _shopify(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    """Two rows a product: its further photo and size, with neither title nor type."""
    lines = []
    for n, row in enumerate(items):
        handle, price = f"{row['kind']}-{n}", f"{10 + n}.00"
        address = f"https://cdn.example.com/s/files/1/{n}.jpg?v=17"
        first = {
            "Handle": handle, "Title": f"The {row['kind']} no. {n}", "Body (HTML)": '<p>Soft,\n"fine"</p>',
            "Vendor": "House", "Product Category": "", "Type": row["kind"], "Tags": "new, soft", "Published": "true",
            "Option1 Name": "Size", "Option1 Value": "S", "Option2 Name": "Color", "Option2 Value": row["colour"],
            "Variant SKU": f"SKU{n}", "Variant Price": price, "Image Src": address, "Image Position": "1",
        }  # fmt: skip
        more = {"Handle": handle, "Option1 Value": "M", "Option2 Value": row["colour"], "Variant Price": price,
                "Image Src": address.replace(".jpg", "-back.jpg"), "Image Position": "2"}  # fmt: skip
        lines += [first, dict.fromkeys(first, "") | more]
    return write_table(root / "products_export.csv", lines)


def _shopify_of_2024(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    lines = [
        {
            "Title": f"The {row['kind']} no. {n}", "URL handle": f"item-{n}", "Description": "Soft", "Vendor": "House",
            "Product category": f"Apparel & Accessories > Clothing > {row['kind'].title()}", "Type": "",
            "Option1 name": "Colour", "Option1 value": row["colour"], "Price": 10 + n, "SKU": n,
            "Product image URL": f"https://cdn.example.com/{n}.png", "Image position": 1,
        }
        for n, row in enumerate(items)
    ]  # fmt: skip
    return write_table(root / "products.csv", lines)


def _woocommerce(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    lines = [
        {
            "ID": 900 + n, "Type": "simple", "SKU": "" if n % 3 else f"w{n}", "Name": f"Nice {row['kind']} {n}",
            "Published": 1, "Is featured?": 0, "Visibility in catalog": "visible", "Short description": "",
            "Tax status": "taxable", "In stock?": 1, "Sale price": "", "Regular price": 20 + n,
            "Categories": f"Sale, Clothing > {row['group'].title()} > {row['kind'].title()}", "Tags": "",
            "Images": f"https://shop.example.com/wp-content/uploads/{n}.jpg, https://shop.example.com/{n}-2.jpg",
            "Attribute 1 name": "Color", "Attribute 1 value(s)": row["colour"], "Attribute 1 visible": 1,
        }
        for n, row in enumerate(items)
    ]  # fmt: skip
    return write_table(root / "wc-product-export.csv", lines, encoding="utf-8-sig")


def _magento(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    names = [f"/w/s/ws{n:02d}_main.jpg" for n in range(len(items))]
    lines = [
        {
            "sku": f"WS{n:02d}", "store_view_code": "", "attribute_set_code": "Top", "product_type": "simple",
            "categories": f"Default Category/{row['group'].title()}/{row['kind'].title()},Default Category/Sale",
            "name": f"Fine {row['kind']}, no. {n}", "price": f"{30 + n}.000000", "url_key": f"fine-{n}",
            "color": row["colour"],
            "base_image": name, "small_image": name, "additional_images": f"{name},{name}",
        }
        for n, (row, name) in enumerate(zip(items, names, strict=True))
    ]  # fmt: skip
    write_table(root / "catalog_product.csv", lines)
    _write_photos(root / "pub/media/catalog/product", [name[1:] for name in names], files)
    return root


def _google(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    lines = [
        {
            "id": f"g-{n}", "title": f"Good {row['kind']} {n}", "description": "Soft",
            "link": f"https://example.com/p/{n}",
            "image_link": f"https://img.example.com/i/{n}?w=800", "availability": "in_stock",
            "price": f"{n + 5}.00 EUR",
            "google_product_category": "1604", "product_type": f"Women > {row['group']} > {row['kind']}",
            "brand": "House", "color": row["colour"], "gender": "female" if n % 2 else "male", "item_group_id": n // 2,
        }
        for n, row in enumerate(items)
    ]  # fmt: skip
    return write_table(root / "feed.txt", lines, delimiter="\t")


def _kaggle(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    lines = [
        {
            "id": row["id"], "gender": ("Men", "Women")[n % 2], "masterCategory": "Apparel",
            "subCategory": row["group"],
            "articleType": row["kind"], "baseColour": row["colour"], "season": ("Fall", "Summer")[n // 2 % 2],
            "year": 2012, "usage": "Casual", "productDisplayName": f"House {row['kind']} {n}",
        }
        for n, row in enumerate(items)
    ]  # fmt: skip
    folder = root / "fashion-dataset"
    write_table(folder / "styles.csv", lines)
    write_table(folder / "images.csv", [
        {"filename": f"{row['id']}.jpg", "link": f"http://assets.example.com/{row['id']}.jpg"} for row in items
    ])  # fmt: skip
    _write_photos(folder / "images", [f"{row['id']}.jpg" for row in items], files)
    return root


def _hm(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    """As a zip, beside tables that are none of items; the spreadsheet took the zeros away."""
    names = [f"{108_775_015 + 1_000_000 * n:010d}" for n in range(len(items))]
    lines = [
        {
            "article_id": name.lstrip("0"), "product_code": name[1:7], "prod_name": f"House {n}",
            "product_type_no": n % 3, "product_type_name": row["kind"], "product_group_name": row["group"],
            "graphical_appearance_name": "Solid", "colour_group_code": n % 4, "colour_group_name": row["colour"],
            "perceived_colour_value_name": "Dark", "index_name": "Ladieswear", "detail_desc": "Soft and fine",
        }
        for n, (row, name) in enumerate(zip(items, names, strict=True))
    ]  # fmt: skip
    folder = root / "h-and-m"
    write_table(folder / "articles.csv", lines)
    write_table(folder / "customers.csv", [{"customer_id": f"c{n}", "age": n, "active": 1} for n in range(90)])
    write_table(folder / "transactions_train.csv", [
        {"t_dat": "2020-01-02", "customer_id": f"c{n}", "article_id": lines[n % 9]["article_id"], "price": 0.05}
        for n in range(90)
    ])  # fmt: skip
    _write_photos(folder / "images", [f"{name[:3]}/{name}.jpg" for name in names], files)
    return pack(folder, root / "h-and-m.zip")


def _hugging_face(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    """Photos as bytes in shards of a training and a test part; labels as numbers whose words the metadata has."""
    kinds = [kind.lower() for kind in KINDS]
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": kinds}}
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    stored = [
        {"image": {"bytes": f, "path": f"{row['id']}.jpg"}, "label": kinds.index(row["kind"]), "colour": row["colour"]}
        for row, f in zip(items, files, strict=True)
    ]
    (root / "data").mkdir()
    cut = len(items) // 3
    for name, part in {
        "train-00000-of-00002": stored[:cut], "train-00001-of-00002": stored[cut : 2 * cut],
        "test-00000-of-00001": stored[2 * cut :],
    }.items():  # fmt: skip
        pq.write_table(pa.Table.from_pylist(part).replace_schema_metadata(metadata), root / f"data/{name}.parquet")
    (root / "README.md").write_text("A set")
    return root


def _image_folder(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    """A folder for each class, in training and test; the same file names in each."""
    names = [f"{('train', 'test')[n % 4 == 0]}/{row['kind']}/{n // 3:03d}.jpg" for n, row in enumerate(items)]
    _write_photos(root / "set", names, files)
    return pack(root / "set", root / "set.tar.gz")


def _image_folder_with_metadata(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    names = [f"{row['kind']}/{n:03d}.png" for n, row in enumerate(items)]
    lines = [
        {"file_name": name, "text": f"a {row['colour']} garment, no. {n}"}
        for n, (row, name) in enumerate(zip(items, names, strict=True))
    ]
    write_table(root / "train/metadata.csv", lines)
    _write_photos(root / "train", names, files)
    return root


def _photos_alone(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    """Two folders deep, with notes beside."""
    _write_photos(root / "a/holiday photos", [f"IMG_{n:04d}.JPG" for n in range(len(items))], files)
    (root / "a/notes.txt").write_text("to sort: all of these photos\n")
    return root


def _italian_zip(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    """Semicolons, Windows-1252, Italian names and words, one folder on top."""
    kinds = dict(zip((kind.lower() for kind in KINDS), KINDS, strict=True))
    colours = {colour.lower(): colour for colour in COLOURS}
    lines = [
        {
            "Codice": f"A-{n:03d}", "Denominazione": f"Capo n. {n}, qualità", "Reparto": KINDS[kinds[row["kind"]]],
            "Categoria": kinds[row["kind"]], "Colore": colours[row["colour"]], "Prezzo": f"{n + 9},90 €",
            "Nome file": f"A-{n:03d}.jpg",
        }
        for n, row in enumerate(items)
    ]  # fmt: skip
    write_table(root / "negozio/dati/articoli.csv", lines, delimiter=";", encoding="cp1252")
    _write_photos(root / "negozio/foto", [f"A-{n:03d}.jpg" for n in range(len(items))], files)
    packed = root / "negozio.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted((root / "negozio").rglob("*.*")):
            archive.write(file, file.relative_to(root).as_posix())
    return packed


def _german(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    """A workbook with German names and words; photos by number, with several endings."""
    colours = dict(zip((c.lower() for c in COLOURS), ("rot", "dunkelblau", "grün", "schwarz"), strict=True))
    kinds = dict(zip((k.lower() for k in KINDS), ("Schuhe", "Kleid", "Hose"), strict=True))
    lines = [
        {
            "Artikelnr.": 5000 + n, "Bezeichnung": f"Schönes Stück {n}", "Warengruppe": ("Damen", "Herren")[n % 2],
            "Unterkategorie": kinds[row["kind"]], "Farbe": colours[row["colour"]], "Preis": 9.95 + n,
            "Lagerbestand": n % 5,
        }
        for n, row in enumerate(items)
    ]  # fmt: skip
    write_table(root / "Artikel.xlsx", lines)
    names = [f"Bilder/{5000 + n}{('.jpg', '.jpeg', '.JPG')[n % 3]}" for n in range(len(items))]
    _write_photos(root, names, files)
    return root


def _french(root: Path, items: Sequence[Row], files: Sequence[bytes]) -> Path:
    colours = dict(zip((c.lower() for c in COLOURS), ("rouge", "bleu", "vert", "noir"), strict=True))
    kinds = dict(zip((k.lower() for k in KINDS), ("ballerines", "robe", "pantalon"), strict=True))
    lines = [
        {
            "Référence": f"R{n}", "Désignation": f"Pièce n° {n}", "Catégorie": kinds[row["kind"]],
            "Coloris": colours[row["colour"]], "Prix TTC": f"{n + 20},00", "Photo principale": f"photos\\R{n}.jpg",
        }
        for n, row in enumerate(items)
    ]  # fmt: skip
    write_table(root / "export.tsv.gz", lines, encoding="utf-16")
    _write_photos(root, [f"photos/R{n}.jpg" for n in range(len(items))], files)
    return root


#: Kind -> what writes it.
EXPORTS = {
    "shopify": _shopify, "shopify of 2024": _shopify_of_2024, "woocommerce": _woocommerce, "magento": _magento,
    "google": _google, "kaggle": _kaggle, "hm": _hm, "hugging face": _hugging_face, "image folder": _image_folder,
    "image folder with metadata": _image_folder_with_metadata, "photos alone": _photos_alone,
    "italian zip": _italian_zip, "german": _german, "french": _french,
}  # fmt: skip
