"""The slides' template: one master and a few layouts in 16:9, whose placeholders carry place, size and style."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Emu, Inches

from fashion.plots.style import INK, PALETTE, QUIET

WIDTH, HEIGHT, MARGIN = 13.333, 7.5, 0.7

INNER = WIDTH - 2 * MARGIN

#: Where a slide's content begins and ends, inches.
TOP, BOTTOM = 1.65, 6.8

#: A typeface of every office: Arial, or Liberation Sans of the same widths where there is none.
FONT = "Arial"

TITLE_POINTS, TEXT_POINTS, SMALL_POINTS, FOOT_POINTS = 28, 20, 14, 12

#: Numbers of the layouts' placeholders, the same in each.
MAIN, TEXT, LEAD, FOOT, NUMBER = 10, 11, 12, 21, 22

#: What python-pptx's own template holds besides: a picture of an empty slide, a printer, properties of another deck.
LEFT_OUT = (RELATIONSHIP_TYPE.THUMBNAIL, RELATIONSHIP_TYPE.PRINTER_SETTINGS, RELATIONSHIP_TYPE.EXTENDED_PROPERTIES)

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Place:
    """A placeholder of a layout.

    Attributes
    ----------
    kind : str
        `title`, `body`, `chart`, `tbl`, `ftr` or `sldNum`, as the format has them.
    number : int
        By which a slide finds it.
    box : Box
        Left, top, width, height, inches.
    points : float
        Size of its text.
    bullets : bool
        Whether its lines are a list.
    gap : float
        Before each line, points.
    shade : str
        A colour of the theme.
    bold : bool
    anchor : str
        `t`, `ctr` or `b`: where its text stands.
    align : str
        `l` or `r`.
    """

    kind: str
    number: int
    box: Box
    points: float = TEXT_POINTS
    bullets: bool = False
    gap: float = 9
    shade: str = "tx1"
    bold: bool = False
    anchor: str = "t"
    align: str = "l"


FOOTERS = (
    Place("ftr", FOOT, (MARGIN, 6.98, INNER - 1.1, 0.34), FOOT_POINTS, shade="tx2", anchor="ctr"),
    Place("sldNum", NUMBER, (WIDTH - MARGIN - 1, 6.98, 1, 0.34), FOOT_POINTS, shade="tx2", anchor="ctr", align="r"),
)

HEAD = Place("title", 0, (MARGIN, 0.4, INNER, 1.05), TITLE_POINTS, bold=True, anchor="ctr")

CHART_WIDTH = 7.5

SIDE = MARGIN + CHART_WIDTH + 0.35

LAYOUTS: dict[str, tuple[Place, ...]] = {
    "Opening": (
        Place("title", 0, (MARGIN, 0.5, INNER, 1.45), 38, bold=True, anchor="b"),
        Place("body", LEAD, (MARGIN, 2.08, INNER, 0.5), 22, shade="tx2"),
        Place("body", MAIN, (MARGIN, 2.95, 4.2, 2.2), 115, shade="accent1", bold=True, anchor="ctr"),
        Place("body", TEXT, (MARGIN + 4.4, 2.95, INNER - 4.4, 2.2), 24, anchor="ctr"),
    ),
    "Text": (HEAD, Place("body", TEXT, (MARGIN, TOP, INNER, BOTTOM - TOP), 24, bullets=True, gap=17)),
    "Chart": (HEAD, Place("chart", MAIN, (MARGIN, TOP, INNER, BOTTOM - TOP))),
    "Chart and text": (
        HEAD,
        Place("chart", MAIN, (MARGIN, TOP, CHART_WIDTH, BOTTOM - TOP)),
        Place("body", TEXT, (SIDE, TOP + 0.1, WIDTH - MARGIN - SIDE, BOTTOM - TOP - 0.1), bullets=True),
    ),
    "Table": (
        HEAD,
        Place("body", LEAD, (MARGIN, 1.5, INNER, 0.75), 16, shade="tx2", anchor="ctr"),
        Place("tbl", MAIN, (MARGIN, 2.35, INNER, BOTTOM - 2.35)),
    ),
    "Picture": (HEAD, Place("body", LEAD, (MARGIN, 6.2, INNER, 0.6), 18, anchor="ctr")),
    "Photos": (HEAD,),
}


def new_deck() -> Any:
    """An empty deck of this template, without the other parts of python-pptx's default one."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Emu(12_192_000), Emu(6_858_000)
    deck.element.find(qn("p:sldSz")).attrib.pop("type", None)  # it says 4:3, and so do the properties below
    for owner in (deck.part.package, deck.part):
        for name in [name for name, relation in owner._rels.items() if relation.reltype in LEFT_OUT]:
            owner._rels.pop(name)
    for layout in list(deck.slide_layouts)[len(LAYOUTS) :]:
        deck.slide_layouts.remove(layout)
    for layout, (name, places) in zip(deck.slide_layouts, LAYOUTS.items(), strict=True):
        layout.name = name
        layout._element.attrib.pop("type", None)
        _fill(layout, (*places, *FOOTERS))
    _set_master(deck.slide_master)
    set_theme(deck.slide_master.part)
    return deck


def layout_of(deck: Any, name: str) -> Any:
    """A layout by its name."""
    return deck.slide_layouts.get_by_name(name)


def _fill(sheet: Any, places: tuple[Place, ...]) -> None:
    """Put placeholders in the place of all that a layout or master has."""
    tree = sheet.shapes._spTree
    for shape in list(tree)[2:]:  # the first two are the tree's own properties
        tree.remove(shape)
    for number, place in enumerate(places, 2):
        tree.append(placeholder(number, place))


def placeholder(shape_id: int, place: Place) -> Any:
    """A placeholder with its box and the style of its first level."""
    left, top, width, height = (int(Inches(value)) for value in place.box)
    number = f' idx="{place.number}"' if place.number else ""
    space = f'<a:spcBef><a:spcPts val="{place.gap * 100:.0f}"/></a:spcBef>'
    marks = (
        f'marL="285750" indent="-285750">{space}<a:buFont typeface="Arial"/><a:buChar char="&#8226;"/>'
        if place.bullets
        else f'marL="0" indent="0">{space}<a:buNone/>'
    )
    said = (
        '<a:fld id="{C1FF6DA9-008F-8B48-92A6-B652298478BF}" type="slidenum"><a:rPr lang="en-GB"/><a:t>0</a:t></a:fld>'
    )
    return parse_xml(
        f'<p:sp {nsdecls("p", "a")}><p:nvSpPr><p:cNvPr id="{shape_id}" name="{place.kind} {place.number}"/>'
        f'<p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr><p:nvPr><p:ph type="{place.kind}"{number}/></p:nvPr></p:nvSpPr>'
        f'<p:spPr><a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'
        f'<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr><p:txBody>'
        f'<a:bodyPr lIns="0" rIns="0" tIns="0" bIns="0" anchor="{place.anchor}"><a:normAutofit/></a:bodyPr>'
        f'<a:lstStyle><a:lvl1pPr algn="{place.align}" {marks}<a:defRPr sz="{place.points * 100:.0f}" '
        f'b="{int(place.bold)}"><a:solidFill><a:schemeClr val="{place.shade}"/></a:solidFill></a:defRPr></a:lvl1pPr>'
        f"</a:lstStyle><a:p>{said if place.kind == 'sldNum' else ''}"
        f'<a:endParaRPr lang="en-GB"/></a:p></p:txBody></p:sp>'
    )


def _set_master(master: Any) -> None:
    """Set the master's title, text, foot and bar beside the title, from which the layouts inherit."""
    _fill(master, (HEAD, Place("body", TEXT, (MARGIN, TOP, INNER, BOTTOM - TOP), bullets=True), *FOOTERS))
    bar = parse_xml(
        f'<p:sp {nsdecls("p", "a")}><p:nvSpPr><p:cNvPr id="9" name="bar" descr="A blue bar, for show"/><p:cNvSpPr/>'
        f'<p:nvPr userDrawn="1"/></p:nvSpPr><p:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{int(Inches(0.22))}" '
        f'cy="{int(Inches(HEIGHT))}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom><a:solidFill>'
        f'<a:schemeClr val="accent1"/></a:solidFill><a:ln><a:noFill/></a:ln></p:spPr></p:sp>'
    )
    master.shapes._spTree.insert(2, bar)
    styles = master._element.find(qn("p:txStyles"))
    for style, points in (("p:titleStyle", TITLE_POINTS), ("p:bodyStyle", TEXT_POINTS)):
        for level in styles.find(qn(style)):
            level.set("algn", "l")
            level.find(qn("a:defRPr")).set("sz", str(points * 100))
            before = level.find(qn("a:spcBef"))
            if before is not None and style == "p:bodyStyle":
                before[:] = [parse_xml(f'<a:spcPts {nsdecls("a")} val="900"/>')]


def set_theme(part: Any) -> None:
    """Typeface and colours of the theme of a master (of slides or of notes)."""
    theme = part.part_related_by(RELATIONSHIP_TYPE.THEME)
    text = theme.blob.decode("utf-8")
    text = re.sub(r'(<a:latin typeface=")[^"]*', rf"\g<1>{escape(FONT)}", text)
    shades = {"dk1": INK, "lt1": "#ffffff", "dk2": QUIET, "lt2": "#f4f2ee"}
    shades |= {f"accent{number}": shade for number, shade in enumerate(PALETTE[:6], 1)}
    for name, shade in shades.items():
        inner = f'<a:srgbClr val="{shade.lstrip("#").upper()}"/>'
        text = re.sub(rf"(<a:{name}>).*?(</a:{name}>)", rf"\g<1>{inner}\g<2>", text, flags=re.DOTALL)
    text = re.sub(r'<a:font script="[^>]*/>', "", text)  # other scripts' typefaces are the system's own choice
    if hasattr(theme, "_element"):  # the notes' theme is held as a tree, the slides' as bytes
        theme._element = parse_xml(text.encode("utf-8"))
    else:
        theme._blob = text.encode("utf-8")
