"""The slides about the study: finding, problem, results, limits."""

from __future__ import annotations

from typing import Any

from fashion.core.numerals import percent
from fashion.evaluation.protocol import CEILING, RANDOM
from fashion.plots.style import PALETTE
from fashion.report.deck.findings import KNOWN, LEARNED, USUAL, Findings, said
from fashion.report.deck.slides import bar_chart, new_slide, write
from fashion.report.deck.template import LEAD, MAIN

#: Departments in the chart, the largest.
DEPARTMENTS = 8

GREY = "#a8a29a"

#: Of shares in charts: small ones with a decimal.
FORM = "[<0.0095]0.0%;0%"


def _listed(names: list[str], values: list[float]) -> str:
    return "; ".join(f"{name} {percent(value)}" for name, value in zip(names, values, strict=True))


def opening(deck: Any, found: Findings) -> Any:
    """Opening slide, with the headline number."""
    known, usual = found.share(KNOWN), found.share(USUAL)
    slide = new_slide(
        deck,
        "Opening",
        f"Suggestions that match in {found.match}",
        f"Beside every article a shop shows {found.count} similar ones. Today's method gets {percent(usual)} of them "
        f"right in {found.match}; this study's gets {percent(known)} where the catalogue's words are known, as they "
        "are in a shop. Every figure comes from the study's own report; assumptions are marked. In the next "
        "ten minutes: the problem, the approach, the results, what it could be worth, what it does not show, and what "
        "to do next.",
        found.results["06"]["source_line"],
    )
    write(slide, [f"The business case, on {found.place['title']}"], LEAD)
    write(slide, [percent(known)], MAIN)
    write(
        slide,
        [
            f"of the {found.count} suggestions beside an article have its very {found.match},",
            f"against {percent(usual)} by the usual network, not adapted.",
        ],
    )
    return slide


def problem(deck: Any, found: Findings) -> None:
    """What the usual network sees."""
    columns = ["department", "category"] if found.measured else ["department", "category", "colour", found.key]
    values = [found.share(USUAL, column) for column in columns]
    shares = "share the kind" if found.measured else "share the kind, and only {} kind and colour"
    slide = new_slide(
        deck,
        "Chart and text",
        f"Today: {percent(found.share(USUAL, 'category'))} of suggestions "
        + shares.format(percent(found.share(USUAL, found.key))),
        "The usual network was trained on ImageNet to classify objects, and is not adapted. It sees shapes, but "
        "learned neither colours nor this shop's words. It represents off-the-shelf "
        f"visual similarity. Measured here: {_listed(columns, values)}; by chance {percent(found.share(RANDOM))} "
        f"would be right in {found.match}.",
        f"{found.source}; {found.count} suggestions for each of {found.results['06']['queries']:,} articles",
    )
    names = ["kind" if column == "category" else column.replace("category", "kind") for column in columns]
    bar_chart(
        slide,
        names,
        [(said(USUAL), values)],
        f"Bar chart, share of {found.count} suggestions by the usual network that match the article, by label: "
        f"{_listed(names, values)}.",
        shades=[GREY],
        floor=0,
        form=FORM,
    )
    colour = "the right shape in the wrong colour" if not found.measured else "another kind of garment"
    write(
        slide,
        [
            f"A shopper who clicks a red dress and sees {colour} starts over.",
            "The usual network, trained on ImageNet and not adapted, sees shapes. It knows none of the shop's words.",
            "Rules on words alone need clean words for every item, and cannot answer a customer's photo.",
        ],
    )


def results(deck: Any, found: Findings) -> None:
    """All methods side by side."""
    shown = [name for name in found.whole if name != CEILING]
    best, usual, known = found.whole[LEARNED][found.key], found.share(USUAL), found.share(KNOWN)
    names, values = [said(name) for name in shown], [found.share(name) for name in shown]
    times = f", {best['mean'] / usual:.1f} times as often" if usual > 0 and best["mean"] > 1.05 * usual else ""
    slide = new_slide(
        deck,
        "Chart",
        f"Right in {found.match}: {percent(best['mean'])} by a photo alone against {percent(usual)}{times}",
        f"{found.results['06']['protocol']} Blue are this study's methods, grey the others. By a photo alone "
        f"{best['mean']:.1%}, 95 % interval {best['low']:.1%} to {best['high']:.1%}; where the catalogue's words are "
        f"known {known:.1%}. The gallery itself allows {found.share(CEILING):.1%}: not every article has "
        f"{found.count} true matches. Double-click the chart to edit its numbers.",
        found.results["06"]["protocol"],
    )
    bar_chart(
        slide,
        names,
        [(f"right in {found.match}", values)],
        f"Bar chart, share of {found.count} suggestions right in {found.match}: {_listed(names, values)}.",
        marked=[place for place, name in enumerate(shown) if name.startswith(LEARNED)],
        floor=0,
        form=FORM,
    )


def new_stock(deck: Any, found: Findings) -> None:
    """The stricter test: items unseen in training."""
    methods = (USUAL, LEARNED, KNOWN)
    names = [said(method) for method in methods]
    whole, unseen = ([ask(method) for method in methods] for ask in (found.share, found.new_stock))
    slide = new_slide(
        deck,
        "Chart and text",
        f"New arrivals: {percent(unseen[2])} right in {found.match} with their words, {percent(unseen[0])} by the "
        "usual network",
        "The network was trained on the stock, so its numbers for the stock are optimistic. This test is stricter: "
        f"only the {found.results['06']['unseen_gallery_items']:,} items unseen in training. Photo alone "
        f"{unseen[1]:.1%} against {whole[1]:.1%} in the whole catalogue; with words known {unseen[2]:.1%}. New "
        "articles join without training; the next training includes them.",
        f"{found.results['06']['unseen_gallery_items']:,} items unseen in training; "
        f"{found.results['06']['queries']:,} queries",
    )
    bar_chart(
        slide,
        names,
        [("whole catalogue", whole), ("new arrivals only", unseen)],
        f"Bar chart, share right in {found.match}. Whole catalogue: {_listed(names, whole)}. New arrivals only: "
        f"{_listed(names, unseen)}.",
        shades=[PALETTE[0], PALETTE[4]],
        floor=0,
        form=FORM,
    )
    write(
        slide,
        [
            "The network was trained on the stock: expect the first figures for items in stock.",
            _helped(*unseen),
            f"A smaller gallery also has fewer true matches to find: at most {percent(found.new_stock(CEILING))} "
            f"here, {percent(found.share(CEILING))} in the whole catalogue.",
        ],
    )


def _helped(usual: float, photo: float, known: float) -> str:
    """How to read the figures of new arrivals."""
    if max(photo, known) <= usual:
        return "Here the usual network is ahead: train again before adding new arrivals."
    if known > photo:
        return f"New arrivals start lower; giving them their words lifts {percent(photo)} to {percent(known)} at once."
    return "New arrivals start lower until the next training; words alone do not lift them here."


def departments(deck: Any, found: Findings) -> bool:
    """The same by department; False, and no slide, where the catalogue has but one or its colours were measured."""
    rows = found.results["06"]["by_department"][:DEPARTMENTS]
    if len(rows) < 2 or found.measured:
        return False
    names = [row["department"] for row in rows]
    frozen, learned = [row["frozen"] for row in rows], [row[LEARNED] for row in rows]
    better = sum(mine > theirs for mine, theirs in zip(learned, frozen, strict=True))
    counted = f"all {len(rows)}" if better == len(rows) else f"{better} of {len(rows)}"
    slide = new_slide(
        deck,
        "Chart",
        f"From a photo alone, this study does better in {counted} departments shown",
        f"The largest {len(rows)} departments by queries, number in brackets. The baseline is the frozen network "
        "with the features that notebook 2 chose. Intervals, wide where a department has few queries, are in "
        "notebook 6.",
        f"{found.source}; share right in {found.match}, whole catalogue",
    )
    bar_chart(
        slide,
        names,
        [(said("frozen"), frozen), (said(LEARNED), learned)],
        f"Bar chart, share right in {found.match}. Frozen network: {_listed(names, frozen)}. This study: "
        f"{_listed(names, learned)}.",
        shades=[GREY, PALETTE[0]],
        floor=0,
        form=FORM,
    )
    return True


def limits(deck: Any, found: Findings) -> None:
    """Limits of the study."""
    nothing = found.results["06"]["nothing_agrees"]["share"]
    lines = [
        f"Same {found.match} is not the same as liked or bought: no click was measured.",
        f"By a photo alone new arrivals reach {percent(found.new_stock(LEARNED))}, not "
        f"{percent(found.share(LEARNED))}.",
        f"For {percent(nothing)} of the queries none of the {found.count} shares kind or colour.",
        "Labels err: what one buyer calls azure is sky blue to another.",
        "Size, price, cloth, print and occasion are not in the model.",
        "One catalogue and its photos; another shop's figures will differ.",
    ]
    if found.measured:
        lines[3] = "This catalogue has no colour words: its colours were measured, so matching colours prove nothing."
    if found.catalogue.maker:
        lines[5] = "This catalogue was made for the study, its colours dyed: a real shop's are harder."
    slide = new_slide(
        deck,
        "Text",
        "Not shown yet: whether customers click, and results in other shops",
        "Matching words are not taste, and no customer has been asked: the A/B test asks them. The "
        "labels themselves err, so no method can be perfect. No word right at all: "
        f"{found.results['06']['nothing_agrees']['queries']:,} of {found.results['06']['queries']:,} queries. The "
        "model card lists what it should not be used for.",
        f"results/06.json of the report; {found.source}",
    )
    write(slide, lines)
