"""What `fashion init` proposes for each known export, and for tables that nobody knows, is a catalogue as it stands."""

import re
import unicodedata

import pandas as pd
import pytest
from shop_files import EXPORTS, pack, photos, rows, workbook, write_export, write_table

from fashion.catalogue.cleaning import clean_table
from fashion.catalogue.definition import parse_catalogue
from fashion.catalogue.guessing import guess, plain_name
from fashion.catalogue.photo_guess import PhotoNames, guess_pattern
from fashion.catalogue.photo_pattern import columns_of
from fashion.catalogue.proposal import propose, toml_of
from fashion.catalogue.raw_table import RawTable
from fashion.catalogue.table import in_our_columns, read_as_described
from fashion.core.errors import CatalogueError

COUNT = 24
#: Export -> our columns and the table's; items of the first rows; whether its photos are here.
EXPECTED = {
    "shopify": ({"item": "Handle", "category": "Type", "colour": "Option2 Value", "price": "Variant Price"}, False),
    "shopify of 2024": ({"item": "URL handle", "category": "Product category", "colour": "Option1 value"}, False),
    "woocommerce": ({"item": "ID", "category": "Categories", "colour": "Attribute 1 value(s)"}, False),
    "magento": ({"item": "sku", "category": "categories", "colour": "color", "title": "name"}, True),
    "google": ({"item": "id", "category": "product_type", "colour": "color", "gender": "gender"}, False),
    "kaggle": ({"item": "id", "category": "articleType", "colour": "baseColour", "department": "subCategory"}, True),
    "hm": ({"item": "article_id", "category": "product_type_name", "colour": "colour_group_name"}, True),
    "hugging face": ({"item": "image.path", "category": "label", "colour": "colour"}, True),
    "image folder": ({"item": "path", "category": "/"}, True),
    "image folder with metadata": ({"item": "file_name", "category": "/", "title": "text"}, True),
    "photos alone": ({"item": "name"}, True),
    "italian zip": (
        {"item": "Codice", "category": "Categoria", "colour": "Colore", "department": "Reparto", "price": "Prezzo",
         "title": "Denominazione"}, True),
    "german": ({"item": "Artikelnr.", "category": "Unterkategorie", "colour": "Farbe", "price": "Preis"}, True),
    "french": ({"item": "Référence", "category": "Catégorie", "colour": "Coloris", "price": "Prix TTC"}, True),
}  # fmt: skip


def opened(data, tmp_path):
    """The proposal, its catalogue, and the cleaned items."""
    proposal = propose(data, tmp_path / "unpacked")
    text = toml_of(proposal, "mine", "Mine", str(proposal.source.path))
    catalogue = parse_catalogue(text, tmp_path / "mine.toml")
    table, malformed = in_our_columns(catalogue, proposal.source, read_as_described(catalogue, proposal.source))
    return proposal, catalogue, clean_table(catalogue, table, malformed)[0].rows


def test_every_export_is_expected():
    assert set(EXPECTED) == set(EXPORTS)


@pytest.mark.parametrize("kind", EXPECTED)
def test_known_export_becomes_items(kind, tmp_path):
    columns, here = EXPECTED[kind]
    proposal, catalogue, items = opened(write_export(tmp_path / "shop", kind), tmp_path)
    assert {ours: catalogue.columns.get(ours) for ours in columns} == columns
    assert len(items) == COUNT and items["item"].is_unique
    there = items["photo"].map(proposal.source.signature).astype(bool)
    assert there.all() if here else items["photo"].str.startswith("https://").all()
    has_words = kind != "photos alone"
    assert items["category"].nunique() == (3 if has_words else 1)
    if "colour" in columns:
        assert items["colour"].nunique() == 4


def test_words_of_a_path_are_its_last_steps(tmp_path):
    _, catalogue, items = opened(write_export(tmp_path / "shop", "woocommerce"), tmp_path)
    assert catalogue.category_path == ">"
    assert set(items["category_source"]) == {"Ballerina", "Vestito", "Pantaloni"}  # and not Sale, the shallower path
    assert set(items["department_source"]) == {"Calzature", "Vestiti", "Pantaloni"}


def test_italian_words_are_translated_where_all_are_known(tmp_path):
    _, catalogue, items = opened(write_export(tmp_path / "shop", "italian zip"), tmp_path)
    assert catalogue.language == "it" and set(items["colour"]) == {"red", "blue", "green", "black"}
    data = tmp_path / "other"
    table = [row | ({"kind": "farsetto"} if n == 3 else {}) for n, row in enumerate(rows(COUNT))]
    write_table(data / "items.csv", table)
    write_photos(data, table)
    proposal, catalogue, items = opened(data, tmp_path)
    assert catalogue.language == "en" and "farsetto" in set(items["category"])  # a report does not stop at it
    text = toml_of(proposal, "mine", "Mine", ".")
    assert re.search(r'^# language = "it".*lacks 1 of its words: farsetto', text, re.MULTILINE)


def write_photos(folder, items, name="{id}.jpg"):
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for row, photo in zip(items, photos(rows(len(items))), strict=True):
        (folder / "images" / name.format(**row)).write_bytes(photo)


def test_columns_with_names_that_say_nothing_are_told_by_their_cells(tmp_path):
    items = rows(COUNT)
    table = [
        {"a": f"x{n % 5}", "b": f"{row['id']}", "c": row["colour"], "d": row["kind"], "e": n % 7}
        for n, row in enumerate(items)
    ]
    write_table(tmp_path / "shop/t.txt", table, delimiter="|")
    write_photos(tmp_path / "shop", items)
    proposal, catalogue, cleaned = opened(tmp_path / "shop", tmp_path)
    assert catalogue.columns == {"item": "b", "category": "d", "colour": "c"}
    assert catalogue.photos == "images/{b}.jpg" and len(cleaned) == COUNT
    assert proposal.guess.candidates["department"] == ["a"]
    assert '# department = "a"  # not recognised: one of a?' in toml_of(proposal, "mine", "Mine", ".")


@pytest.mark.parametrize("packed", ["shop.zip", "shop.tar.gz", "two/levels"])
def test_folders_two_levels_deep_and_archives_read_alike(tmp_path, packed):
    items = rows(COUNT)
    inner = tmp_path / "in/export 2024/tables"
    write_table(
        inner / "articles.csv", [{"sku": row["id"], "type": row["kind"], "Farbe": row["colour"]} for row in items]
    )
    write_photos(inner.parent, items)
    _, catalogue, cleaned = opened(pack(tmp_path / "in", tmp_path / packed), tmp_path)
    assert (catalogue.table, catalogue.photos) == ("tables/articles.csv", "images/{sku}.jpg")
    assert len(cleaned) == COUNT


def test_the_table_of_the_items_is_taken_among_several(tmp_path):
    items = rows(COUNT)
    write_table(tmp_path / "shop/a-orders.csv", [{"order": n, "sku": 1000 + n % 9, "price": "9.90"} for n in range(90)])
    write_table(
        tmp_path / "shop/z-items.csv", [{"sku": r["id"], "kind": r["kind"], "colour": r["colour"]} for r in items]
    )
    (tmp_path / "shop/README.txt").write_text("a, b\n1, 2\n")
    write_photos(tmp_path / "shop", items)
    proposal, catalogue, _ = opened(tmp_path / "shop", tmp_path)
    assert (catalogue.table, proposal.others) == ("z-items.csv", ["a-orders.csv"])


def test_the_sheet_of_the_items_is_taken_and_a_broken_table_is_named(tmp_path):
    items = rows(COUNT)
    lines = [["SKU", "Colore", "Tipo"], *([row["id"], row["colour"], row["kind"]] for row in items)]
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/a.xlsx").write_bytes(workbook({"Info": [["about", "us"], ["x", "y"]], "Articoli": lines}))
    (tmp_path / "shop/b.xlsx").write_bytes(b"PK\x03\x04 broken")
    write_photos(tmp_path / "shop", items)
    proposal, catalogue, cleaned = opened(tmp_path / "shop", tmp_path)
    assert (catalogue.form.sheet, catalogue.columns["item"], len(cleaned)) == ("Articoli", "SKU", COUNT)
    assert len(proposal.troubles) == 1 and "b.xlsx" in proposal.troubles[0]


def test_splits_are_no_classes_and_colours_are_no_categories(tmp_path):
    files = photos(rows(COUNT))
    for n, row in enumerate(rows(COUNT)):
        for root, name in (("split", ("train", "test")[n % 2]), ("colours", row["colour"]), ("each", str(n))):
            path = tmp_path / root / name / f"{n}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[n])
    assert opened(tmp_path / "split", tmp_path)[1].columns == {"item": "name"}
    assert opened(tmp_path / "colours", tmp_path)[1].columns == {"item": "name", "colour": "/"}
    assert opened(tmp_path / "each", tmp_path)[1].columns == {"item": "name"}


def test_departments_and_categories_of_folders(tmp_path):
    for n, photo in enumerate(photos(rows(COUNT))):
        path = tmp_path / "set" / ("men", "women")[n % 2] / ("shirts", "trousers", "shoes")[n // 2 % 3] / f"{n}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo)
    _, catalogue, items = opened(tmp_path / "set", tmp_path)
    assert catalogue.columns == {"item": "name", "category": "/", "department": "../"}
    assert set(items["department"]) == {"men", "women"} and set(items["category"]) == {"shirts", "trousers", "shoes"}


def test_the_finer_of_two_columns_of_categories_is_the_category():
    table = pd.DataFrame({
        "Image": [f"https://example.com/{n}.jpg" for n in range(30)],
        "Categoria": ["Abbigliamento" if n % 6 < 4 else "Borse" for n in range(30)],
        "Sottocategoria": [("Abiti", "Gonne", "Abiti", "Maglie", "Zaini", "Pochette")[n % 6] for n in range(30)],
    })  # fmt: skip
    found = guess(raw_of(table), [])
    assert found.columns["category"].theirs == "Sottocategoria" and found.columns["department"].theirs == "Categoria"
    assert found.columns["item"].theirs == "#"


def raw_of(table):
    table.index = range(1, len(table) + 1)
    return RawTable(list(table), table.astype(str), pd.DataFrame(columns=["row", "reason"]), frozenset(), [], "a table")


@pytest.mark.parametrize(
    ("cells", "files", "pattern"),
    [
        (["a.jpg", "b.jpg"], ["x/a.jpg", "x/b.jpg"], "x/{c}"),
        (["a", "b"], ["a.PNG", "b.PNG"], "{c}.PNG"),
        (["a", "b"], ["p/a.jpg", "p/b.webp"], "p/{c}"),
        (["/w/s/a.jpg", "/w/s/b.jpg"], ["media/w/s/a.jpg", "media/w/s/b.jpg"], "media{c}"),
        (["in\\a.jpg", "in\\b.jpg"], ["shop/in/a.jpg", "shop/in/b.jpg"], "shop/{c}"),
        (["7", "12"], ["im/00007.jpg", "im/00012.jpg"], "im/{c:0>5}.jpg"),
        (["0108775015", "0110065001"], ["im/010/0108775015.jpg", "im/011/0110065001.jpg"], "im/{c:.3}/{c}.jpg"),
        (["a", "b"], ["{x}/a.jpg", "{x}/b.jpg"], "{{x}}/{c}.jpg"),
        (["u", "v"], ["a.jpg", "b.jpg"], None),
    ],
)
def test_patterns_of_photos(cells, files, pattern):
    found = guess_pattern("c", pd.DataFrame({"c": cells}), PhotoNames(files))
    assert (found.pattern if found else None) == pattern
    assert found is None or found.share == 1


def test_addresses_in_lists_and_columns_with_a_colon_are_photos_too():
    for cells in ([f'[{{"src": "https://example.com/{n}.jpg"}}]' for n in range(12)],
                  [f"https://example.com/{n}.jpg, https://example.com/{n}-2.jpg" for n in range(12)],
                  [f"//example.com/{n}.png?v=3" for n in range(12)]):  # fmt: skip
        found = guess(raw_of(pd.DataFrame({"g:id": range(12), "g:image_link": cells})), [])
        assert found.photo.theirs == "{g:image_link}" and found.columns["item"].theirs == "g:id"
    assert columns_of("{g:image_link}") == ["g:image_link"] and columns_of("{id:0>8}") == ["id"]
    pages = pd.DataFrame({"id": range(12), "page": [f"https://example.com/p/{n}" for n in range(12)]})
    assert guess(raw_of(pages), []).photo is None


def test_names_of_columns_are_compared_without_accents_and_signs():
    assert plain_name("RÉFÉRENCE_N°") == "reference n" and plain_name("productDisplayName") == "product display name"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "expected a table or photos of clothes in .*found no file at all"),
        ({"a.pdf": b"%PDF"}, r"found a\.pdf\. Name the folder"),
        ({"notes.csv": b"only one line\n"}, "expected a table with a header, several columns and rows"),
    ],
)
def test_what_is_no_catalogue_is_an_error(tmp_path, files, said):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CatalogueError, match=said):
        propose(tmp_path)
    with pytest.raises(CatalogueError, match=r"expected a folder, zip, tar or table of clothes at .*found nothing"):
        propose(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("names", "cells", "photo"),
    [
        (("image", "image_2", "image_3", "thumbnail"), "{n}{side}.jpg", None),
        (("Photo front", "Photo back", "Photo detail", "Size chart"), "https://shop.example/{n}{side}.jpg", None),
        (("image", "image2", "additional_images", "logo"), None, "{{{name}.bytes}}"),
    ],
)
def test_columns_of_further_photos_are_listed(tmp_path, names, cells, photo):
    """By files, addresses and bytes; not every row has each, and what is named otherwise is none."""
    items = rows(COUNT)
    for number, (row, blob) in enumerate(zip(items, photos(items), strict=True)):
        for place, name in enumerate(names):
            here = place < 2 or number % 3 == 0
            cell = cells.format(n=number, side="abcd"[place]) if cells else {"bytes": blob + bytes([place])}
            row[name] = cell if here else None
            if here and cells and not cells.startswith("http"):
                (tmp_path / "shop").mkdir(exist_ok=True)
                (tmp_path / "shop" / cell).write_bytes(blob)
    write_table(tmp_path / ("shop/items.csv" if cells else "shop/items.parquet"), items)
    _, catalogue, _ = opened(tmp_path / "shop", tmp_path)
    wanted = [(photo or "{{{name}}}").format(name=name) for name in names[:3]]
    assert [catalogue.photos, *catalogue.more_photos] == wanted
    assert not set(names) & set(catalogue.columns.values())


def stocked(tmp_path, names, **columns):
    """A folder with a photo for each row, and a table of these rows with further columns."""
    for name, photo in zip(names, photos(rows(12)), strict=True):
        (tmp_path / "shop" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "shop" / name).write_bytes(photo)
    further = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    write_table(tmp_path / "shop/items.csv", [row | cells for row, cells in zip(rows(12), further, strict=True)])
    return opened(tmp_path / "shop", tmp_path)


@pytest.mark.parametrize("folder", ["", "pictures/"])
@pytest.mark.parametrize("between", [", ", "|", ";"])
def test_lists_of_files_in_a_cell_name_the_shown_photo_and_further_ones(folder, between, tmp_path):
    names = [f"pictures/{n}-front.jpg" for n in range(12)]
    lists = [between.join(f"{folder}{n}-{side}.jpg" for side in ("front", "back")) for n in range(12)]
    proposal, catalogue, items = stocked(tmp_path, names, looks=lists)
    assert catalogue.photos == ("{looks}" if folder else "pictures/{looks}") and proposal.table == "items.csv"
    assert items["photo"].tolist() == names
    assert items["more_photos"].tolist() == [(f"pictures/{n}-back.jpg",) for n in range(12)]


def test_names_in_another_unicode_form_than_the_files_are_found(tmp_path):
    """macOS decomposes accents: the file's name is longer than the cell."""
    decomposed = [unicodedata.normalize("NFD", f"photos/Été {n}.jpg") for n in range(12)]
    cells = [unicodedata.normalize("NFC", f"Photos\\Été {n}.JPG") for n in range(12)]
    _, catalogue, items = stocked(tmp_path, decomposed, file=cells)
    assert catalogue.photos == "{file}" and items["photo"].tolist() == decomposed


def test_a_caption_with_a_colour_in_it_is_no_colour(tmp_path):
    data = write_table(tmp_path / "shop/train.parquet", [
        {"image": photo, "caption": f"a {row['colour']} hat {n}"}
        for n, (row, photo) in enumerate(zip(rows(12), photos(rows(12)), strict=True))
    ])  # fmt: skip
    _, catalogue, items = opened(data, tmp_path)
    assert "colour" not in catalogue.columns and len(items) == 12


def test_a_set_in_parts_with_a_table_in_each_is_one_table(tmp_path):
    """ImageFolder's layout: names in a metadata.csv are relative to its folder, and recur in the other split."""
    for part, count in (("train", 16), ("test", 8)):
        folder = tmp_path / "set" / part
        table = [{"file_name": f"{n:03d}.jpg", "label": row["kind"]} for n, row in enumerate(rows(count))]
        write_table(folder / "metadata.csv", table)
        for row, photo in zip(table, photos(rows(24))[-count:], strict=True):
            (folder / row["file_name"]).write_bytes(photo)
    proposal, catalogue, items = opened(pack(tmp_path / "set", tmp_path / "set.zip"), tmp_path)
    assert catalogue.table == "*/metadata.csv" and catalogue.columns["category"] == "label"
    assert len(items) == 24 and items["item"].is_unique
    shown = [f"{part}/{n:03d}.jpg" for part, count in (("test", 8), ("train", 16)) for n in range(count)]
    assert items["photo"].tolist() == shown
    assert items["photo"].map(proposal.source.signature).astype(bool).all()
