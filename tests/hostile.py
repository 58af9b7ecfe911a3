"""A small catalogue whose every word is an attack, and one of them has a letter that few fonts have."""

import csv
import io
from pathlib import Path

from conftest import draw, jpeg

#: A host that no page may ask; `.invalid` never exists.
EVIL = "http://evil.invalid"
COLOURS = {
    "<img src=x onerror=alert(1)>": (200, 30, 30),
    f'=HYPERLINK("{EVIL}/c","red")': (30, 60, 160),
    '"><svg onload=alert(2)>': (40, 130, 60),
    "'-alert(3)-'": (25, 25, 28),
}
KINDS = {
    "<svg onload=alert(4)>鞄": "BALLERINA",
    "</script><script>alert(5)</script>": "VESTITO",
    f"{{{{7*7}}}}<link rel=stylesheet href={EVIL}/s.css>": "PANTALONI",
}
DEPARTMENTS = ['=HYPERLINK("http://evil.invalid/d","dress")', "@SUM(1)<iframe src=javascript:alert(6)>"]
TITLES = [
    f"<style>@import '{EVIL}/i.css'</style>",
    f"![x]({EVIL}/m.png) $$\\href{{javascript:alert(7)}}{{x}}$$",
    "-2+3",
]
TOML = f"""
name = "hostile"
title = "</title><script>alert(8)</script><b>shop"
language = "en"
terms = "<a href=javascript:alert(9) onclick=alert(9)>terms</a>"
citation = "<img src={EVIL}/t.png>"
[source]
data = "clothes"
table = "items.csv"
photos = "images/{{file}}"
[columns]
item = "name"
colour = "hue"
category = "kind"
department = "group"
title = "title"
season = "season"
"""


def name_of(number):
    """An item's name: markup, and what addresses and paths read as their own."""
    return (f"<img src=x onerror=alert({number + 100})>", f"../{number}?a=1&b=2#c%2f", f'=1+{number}|"x"')[number % 3]


def write_hostile_catalogue(root: Path) -> Path:
    """96 items and two rows without photos; the path of the TOML."""
    (root / "clothes/images").mkdir(parents=True)
    lines = []
    for number in range(96):
        colour, kind = list(COLOURS)[number % 4], list(KINDS)[number // 4 % 3]
        file = f"{number}.jpg"
        (root / "clothes/images" / file).write_bytes(jpeg(draw(KINDS[kind], COLOURS[colour], number)))
        lines.append([
            name_of(number), colour, kind, DEPARTMENTS[number // 4 % 3 % 2], TITLES[number % 3],
            ["<u>summer</u>", "+winter"][number % 2], file,
        ])  # fmt: skip
    lines.append(["=cmd|' /C calc'!A0", *lines[0][1:-1], "none.jpg"])
    lines.append(["@gone", *lines[1][1:-1], "none2.jpg"])
    text = io.StringIO()
    csv.writer(text).writerows([["name", "hue", "kind", "group", "title", "season", "file"], *lines])
    (root / "clothes/items.csv").write_text(text.getvalue(), encoding="utf-8")
    (root / "hostile.toml").write_text(TOML, encoding="utf-8")
    return root / "hostile.toml"
