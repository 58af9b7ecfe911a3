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


def opening(deck: Any, findings: Findings) -> Any:
    """Opening slide, with the headline number."""
    known, usual = findings.share(KNOWN), findings.share(USUAL)
    slide = new_slide(
        deck,
        "Opening",
        f"Suggestions that match in {findings.match}",
        f"Beside every article a shop shows {findings.count} similar ones. Today's method gets {percent(usual)} of "
        f"them right in {findings.match}; this study's gets {percent(known)} where the catalogue's words are known, "
        "as they are in a shop. Every figure comes from the study's own report; assumptions are marked. In the next "
        "ten minutes: the problem, the approach, the results, what it could be worth, what it does not show, and what "
        "to do next.",
        findings.results["06"]["source_line"],
    )
    write(slide, [f"The business case, on {findings.place['title']}"], LEAD)
    write(slide, [percent(known)], MAIN)
    write(
        slide,
        [
            f"of the {findings.count} suggestions beside an article have its very {findings.match},",
            f"against {percent(usual)} by the usual network, not adapted.",
        ],
    )
    return slide


def problem(deck: Any, findings: Findings) -> None:
    """What the usual network sees."""
    columns = ["department", "category"] if findings.measured else ["department", "category", "colour", findings.key]
    values = [findings.share(USUAL, column) for column in columns]
    shares = "share the kind" if findings.measured else "share the kind, and only {} kind and colour"
    slide = new_slide(
        deck,
        "Chart and text",
        f"Today: {percent(findings.share(USUAL, 'category'))} of suggestions "
        + shares.format(percent(findings.share(USUAL, findings.key))),
        f"The usual network was {findings.origin}, and is not adapted. It sees shapes, but "
        "learned neither colours nor this shop's words. It represents off-the-shelf "
        f"visual similarity. Measured here: {_listed(columns, values)}; by chance {percent(findings.share(RANDOM))} "
        f"would be right in {findings.match}.",
        f"{findings.source}; {findings.count} suggestions for each of {findings.results['06']['queries']:,} articles",
    )
    names = ["kind" if column == "category" else column.replace("category", "kind") for column in columns]
    bar_chart(
        slide,
        names,
        [(said(USUAL), values)],
        f"Bar chart, share of {findings.count} suggestions by the usual network that match the article, by label: "
        f"{_listed(names, values)}.",
        shades=[GREY],
        floor=0,
        form=FORM,
    )
    colour = "the right shape in the wrong colour" if not findings.measured else "another kind of garment"
    write(
        slide,
        [
            f"A shopper who clicks a red dress and sees {colour} starts over.",
            f"The usual network, {findings.origin}, sees shapes. It knows none of the shop's words.",
            "Rules on words alone need clean words for every item, and cannot answer a customer's photo.",
        ],
    )


def results(deck: Any, findings: Findings) -> None:
    """All methods side by side."""
    shown = [name for name in findings.whole if name != CEILING]
    best, usual, known = findings.whole[LEARNED][findings.key], findings.share(USUAL), findings.share(KNOWN)
    names, values = [said(name) for name in shown], [findings.share(name) for name in shown]
    times = f", {best['mean'] / usual:.1f} times as often" if usual > 0 and best["mean"] > 1.05 * usual else ""
    slide = new_slide(
        deck,
        "Chart",
        f"Right in {findings.match}: {percent(best['mean'])} by a photo alone against {percent(usual)}{times}",
        f"{findings.results['06']['protocol']} Blue are this study's methods, grey the others. By a photo alone "
        f"{best['mean']:.1%}, 95 % interval {best['low']:.1%} to {best['high']:.1%}; where the catalogue's words are "
        f"known {known:.1%}. The gallery itself allows {findings.share(CEILING):.1%}: not every article has "
        f"{findings.count} true matches. Double-click the chart to edit its numbers.",
        findings.results["06"]["protocol"],
    )
    bar_chart(
        slide,
        names,
        [(f"right in {findings.match}", values)],
        f"Bar chart, share of {findings.count} suggestions right in {findings.match}: {_listed(names, values)}.",
        marked=[place for place, name in enumerate(shown) if name.startswith(LEARNED)],
        floor=0,
        form=FORM,
    )


def new_stock(deck: Any, findings: Findings) -> None:
    """The stricter test: items unseen in training."""
    methods = (USUAL, LEARNED, KNOWN)
    names = [said(method) for method in methods]
    whole, unseen = ([ask(method) for method in methods] for ask in (findings.share, findings.new_stock))
    slide = new_slide(
        deck,
        "Chart and text",
        f"New arrivals: {percent(unseen[2])} right in {findings.match} with their words, {percent(unseen[0])} by the "
        "usual network",
        "The network was trained on the stock, so its numbers for the stock are optimistic. This test is stricter: "
        f"only the {findings.results['06']['unseen_gallery_items']:,} items unseen in training. Photo alone "
        f"{unseen[1]:.1%} against {whole[1]:.1%} in the whole catalogue; with words known {unseen[2]:.1%}. New "
        "articles join without training; the next training includes them.",
        f"{findings.results['06']['unseen_gallery_items']:,} items unseen in training; "
        f"{findings.results['06']['queries']:,} queries",
    )
    bar_chart(
        slide,
        names,
        [("whole catalogue", whole), ("new arrivals only", unseen)],
        f"Bar chart, share right in {findings.match}. Whole catalogue: {_listed(names, whole)}. New arrivals only: "
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
            f"A smaller gallery also has fewer true matches to find: at most {percent(findings.new_stock(CEILING))} "
            f"here, {percent(findings.share(CEILING))} in the whole catalogue.",
        ],
    )


def _helped(usual: float, photo: float, known: float) -> str:
    """How to read the figures of new arrivals."""
    if max(photo, known) <= usual:
        return "Here the usual network is ahead: train again before adding new arrivals."
    if known > photo:
        return f"New arrivals start lower; giving them their words lifts {percent(photo)} to {percent(known)} at once."
    return "New arrivals start lower until the next training; words alone do not lift them here."


def departments(deck: Any, findings: Findings) -> bool:
    """The same by department; False, and no slide, where the catalogue has but one or its colours were measured."""
    rows = findings.results["06"]["by_department"][:DEPARTMENTS]
    if len(rows) < 2 or findings.measured:
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
        f"{findings.source}; share right in {findings.match}, whole catalogue",
    )
    bar_chart(
        slide,
        names,
        [(said("frozen"), frozen), (said(LEARNED), learned)],
        f"Bar chart, share right in {findings.match}. Frozen network: {_listed(names, frozen)}. This study: "
        f"{_listed(names, learned)}.",
        shades=[GREY, PALETTE[0]],
        floor=0,
        form=FORM,
    )
    return True


def limits(deck: Any, findings: Findings) -> None:
    """Limits of the study."""
    nothing = findings.results["06"]["nothing_agrees"]["share"]
    lines = [
        f"Same {findings.match} is not the same as liked or bought: no click was measured.",
        f"By a photo alone new arrivals reach {percent(findings.new_stock(LEARNED))}, not "
        f"{percent(findings.share(LEARNED))}.",
        f"For {percent(nothing)} of the queries none of the {findings.count} shares kind or colour.",
        "Labels err: what one buyer calls azure is sky blue to another.",
        "Size, price, cloth, print and occasion are not in the model.",
        "One catalogue and its photos; another shop's figures will differ.",
    ]
    if findings.measured:
        lines[3] = "This catalogue has no colour words: its colours were measured, so matching colours prove nothing."
    if findings.catalogue.maker:
        lines[5] = "This catalogue was made for the study, its colours dyed: a real shop's are harder."
    slide = new_slide(
        deck,
        "Text",
        "Not shown yet: whether customers click, and results in other shops",
        "Matching words are not taste, and no customer has been asked: the A/B test asks them. The "
        "labels themselves err, so no method can be perfect. No word right at all: "
        f"{findings.results['06']['nothing_agrees']['queries']:,} of {findings.results['06']['queries']:,} queries. "
        "The model card lists what it should not be used for.",
        f"results/06.json of the report; {findings.source}",
    )
    write(slide, lines)
