"""Text as programs save it."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from fashion.core.errors import CatalogueError
from fashion.core.texts import clean_text, decode, decoded, fold_text, kind_of, read_toml


@given(st.text(st.characters(codec=None, exclude_categories=())), st.sampled_from(["", "\n", "\t\n"]))
def test_what_is_cleaned_is_xml(text, keep):
    cleaned = clean_text(text, keep)
    etree.Element("a").text = cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned == clean_text(cleaned, keep)

    def seen(signs):
        return "".join(sign for sign in signs if (sign.isprintable() and sign != " ") or sign in keep)

    assert normalize("NFC", seen(cleaned)) == normalize("NFC", seen(text))


@pytest.mark.parametrize("sign", [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF])
def test_each_sign_that_goes(sign):
    assert clean_text(f"a{chr(sign)}b") in ("ab", "a b")
    assert (clean_text(f"a{chr(sign)}b") == "a b") == (chr(sign).isspace())


FAMILY = "\U0001f469\u200d\U0001f467"  # two emoji that a joiner makes one


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("re\u200bd\ufeff", "red"),
        ("\u200ered\u200f dress\u00ad", "red dress"),
        ("re\u200dd", "red"),
        ("re\u200c\u200d\u200cd", "red"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("a\u200b\u0301", "\u00e1"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\u0645\u200d\u200da", "\u0645a"),
        ("\u0645\u200d\u200ba", "\u0645a"),
        (FAMILY, FAMILY),
    ],
)
def test_signs_that_nobody_sees_go_and_joiners_that_change_the_look_stay(text, cleaned):
    assert clean_text(text) == cleaned


@pytest.mark.parametrize(
    ("one", "other"),
    [("Caf\u00e9", "CAFE\u0301"), ("\uff32\uff25\uff24", "red"), ("\uff7c\uff6c\uff82", "\u30b7\u30e3\u30c4"),
     ("\ufb01ne", "fine"), ("re\u200bd", "Red"), ("STRASSE", "stra\u00dfe"), ("\u212b", "\u00e5")],
)  # fmt: skip
def test_what_looks_equal_has_one_look(one, other):
    assert fold_text(one) == fold_text(other) == fold_text(fold_text(one))


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_a_look_is_its_own(text):
    assert fold_text(fold_text(text)) == fold_text(text)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-32", "UTF-32"),
     ("cp1252", "Windows-1252")],
)  # fmt: skip
def test_the_encoding_is_told(encoding, name):
    assert decoded("Tè e caffè\n".encode(encoding)) == ("Tè e caffè\n", name)


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(data):
    try:
        assert isinstance(decode(data), str)
    except CatalogueError as error:
        assert "expected text in utf-" in str(error)


def test_latin_1_stands_in_the_five_gaps():
    assert decode(bytes([0xE9, 0x81, 0x8D, 0x8F, 0x90, 0x9D, 0x80])) == "é\x81\x8d\x8f\x90\x9d€"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_toml_in_every_encoding(tmp_path, encoding):
    path = tmp_path / "a.toml"
    path.write_bytes('title = "Tè — 5 €"\r\n'.encode(encoding))
    assert read_toml(path) == {"title": "Tè — 5 €"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('title = "Tè"'.encode("cp1252"), "Save the file as UTF-8"),
        (b"\xff\xfet\x00i", "expected valid TOML"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "found: a photo"),
        (b'data = "C:\\shop"', "Windows paths with /"),
        (b"data", "expected valid TOML"),
    ],
)
def test_a_toml_that_cannot_be_read(tmp_path, data, said):
    path = tmp_path / "a.toml"
    path.write_bytes(data)
    with pytest.raises(CatalogueError, match=said):
        read_toml(path)
    with pytest.raises(CatalogueError, match="cannot be read"):
        read_toml(tmp_path)


def test_text_is_of_no_kind():
    for data in (b"", b"id,title\n", b"PK,price\n", b"GIF,title", "id\n".encode("utf-16"), "id".encode("utf-8-sig")):
        assert kind_of(data) == ""
