"""The slides about the study: finding, problem, results, limits."""

from __future__ import annotations

from typing import Any

from fashion.core.numerals import percent, shown_share
from fashion.evaluation.protocol import CEILING, RANDOM
from fashion.evaluation.summary import LOGISTIC
from fashion.plots.style import PALETTE
from fashion.report.deck.findings import LEARNED, USUAL, WITH_WORDS, Findings, said
from fashion.report.deck.slides import bar_chart, new_slide, write
from fashion.report.deck.template import LEAD, MAIN

#: Departments in the chart, the largest.
DEPARTMENTS = 8

GREY = "#a8a29a"

#: Of shares in charts: small ones with a decimal. A share below 1 is never 100%, by `shown_share`.
FORM = "[<0.0095]0.0%;0%"


def _listed(names: list[str], values: list[float]) -> str:
    return "; ".join(f"{name} {percent(value)}" for name, value in zip(names, values, strict=True))


def _drawn(values: list[float]) -> list[float]:
    """Shares as the sentences write them, so that a bar and a sentence never differ in a digit."""
    return [shown_share(value) for value in values]


def opening(deck: Any, findings: Findings) -> Any:
    """Slide: the opening, with the headline number."""
    own, usual = percent(findings.share(LEARNED)), percent(findings.share(USUAL))
    slide = new_slide(
        deck,
        "Opening",
        f"Suggestions that match in {findings.match}",
        f"Beside every article a shop shows {findings.count} similar ones. An off-the-shelf network gets {usual} of "
        "them "
        f"right in {findings.match} by the photo alone; trained on the shop's own words it gets {own}. Both are "
        "measured "
        "on articles that training did not see. Every figure comes from the study's own report; assumptions are "
        "marked. "
        "In the next ten minutes: the problem, the approach, the results, what it could be worth, what it does not "
        "show, and what to do next.",
        findings.results["06"]["source_line"],
    )
    about = f": {findings.made}" if findings.made else ""
    write(slide, [f"The business case, on the {_lower(findings.place['title'])}{about}"], LEAD)
    write(slide, [own], MAIN)
    write(
        slide,
        [
            f"of {findings.count} suggestions share the article's {findings.match}, found by its photo alone,",
            f"against {usual} by an off-the-shelf network (frozen).",
        ],
    )
    return slide


def _lower(title: str) -> str:
    """A catalogue's title within a sentence: "Sample catalogue" begins small, a name such as "H&M" does not."""
    return title[0].lower() + title[1:] if title[1:2].islower() and title.endswith("catalogue") else title


def problem(deck: Any, findings: Findings) -> None:
    """Slide: the precision of an off-the-shelf network."""
    columns = ["department", "category"] if findings.measured else ["department", "category", "colour", findings.key]
    values = [findings.share(USUAL, column) for column in columns]
    shares = "share the kind" if findings.measured else "share the kind, only {} kind and colour"
    slide = new_slide(
        deck,
        "Chart and text",
        f"Off the shelf, {percent(findings.share(USUAL, 'category'))} of suggestions "
        + shares.format(percent(findings.share(USUAL, findings.key))),
        f"The network was {findings.origin}, and is used as it is. It sees shapes, but learned "
        f"neither colours nor this shop's words. Measured here: {_listed(columns, values)}; by chance "
        f"{percent(findings.share(RANDOM))} would be right in {findings.match}. What the shop shows today was not "
        "measured.",
        findings.tested,
    )
    names = ["kind" if column == "category" else column.replace("category", "kind") for column in columns]
    bar_chart(
        slide,
        names,
        [(said(USUAL), _drawn(values))],
        f"Bar chart, share of {findings.count} suggestions by the frozen network that match the article, by label: "
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
    """Slide: all methods that know a photo alone, side by side."""
    shown = [name for name in findings.whole if name not in (CEILING, *WITH_WORDS)]
    own, usual = findings.share(LEARNED), findings.share(USUAL)
    names, values = [said(name) for name in shown], [findings.share(name) for name in shown]
    times = f", {own / usual:.1f} times as often" if usual > 0 and own > 1.05 * usual else ""
    rival = findings.share(LOGISTIC) if LOGISTIC in findings.whole else 0.0
    simple = (
        f" Logistic regression, taught the same words, reaches {percent(rival)}: most of the gain is "
        "the words'."
        if rival - usual > (own - usual) / 2 > 0 else ""
    )  # fmt: skip
    slide = new_slide(
        deck,
        "Chart",
        f"Right in {findings.match}: {percent(own)} by the learned network, {percent(usual)} off the shelf{times}",
        f"Every method sees the photo alone. Blue is this study's network, grey the others.{simple} The catalogue "
        "itself "
        f"allows {percent(findings.share(CEILING))}: not every article has {findings.count} true matches. Notebook 6 "
        "has the intervals. Double-click the chart to edit its numbers.",
        findings.tested,
    )
    bar_chart(
        slide,
        names,
        [(f"right in {findings.match}", _drawn(values))],
        f"Bar chart, share of {findings.count} suggestions right in {findings.match}: {_listed(names, values)}.",
        marked=[place for place, name in enumerate(shown) if name.startswith(LEARNED)],
        floor=0,
        form=FORM,
    )


def new_stock(deck: Any, findings: Findings) -> None:
    """Slide: the stricter test, on items unseen in training."""
    methods = (USUAL, LEARNED)
    names = [said(method) for method in methods]
    whole, unseen = ([ask(method) for method in methods] for ask in (findings.share, findings.new_stock))
    slide = new_slide(
        deck,
        "Chart and text",
        f"New arrivals: {percent(unseen[1])} right in {findings.match} by the learned network, {percent(unseen[0])} "
        "off "
        "the shelf",
        "The network was trained on the stock, so its numbers for the stock are optimistic. This test is stricter: "
        f"only the {findings.results['06']['unseen_gallery_items']:,} items unseen in training. New articles join "
        "without training; the next training includes them.",
        f"{findings.results['06']['unseen_gallery_items']:,} items unseen in training; "
        f"{findings.results['06']['queries']:,} queries by photo alone",
    )
    bar_chart(
        slide,
        names,
        [("whole catalogue", _drawn(whole)), ("new arrivals only", _drawn(unseen))],
        f"Bar chart, share right in {findings.match}. Whole catalogue: {_listed(names, whole)}. New arrivals only: "
        f"{_listed(names, unseen)}.",
        shades=[GREY, PALETTE[0]],
        floor=0,
        form=FORM,
    )
    write(
        slide,
        [
            "The network was trained on the stock: expect the first figures for items in stock.",
            _helped(findings.new_stock_gain, unseen[1] < whole[1]),
            f"A smaller gallery also has fewer true matches to find: at most {percent(findings.new_stock(CEILING))} "
            f"here, {percent(findings.share(CEILING))} in the whole catalogue.",
        ],
    )


def _helped(gain: tuple[float, float], lower: bool) -> str:
    """A sentence on the figures of new arrivals, by the interval of the gain; `lower` than the stock's or not."""
    start = "New arrivals start lower until the next training" if lower else "New arrivals do as well as the stock"
    if gain[1] < 0:
        return "Here the off-the-shelf network is ahead: train again before adding new arrivals."
    if gain[0] <= 0:
        return f"{start}; a lead over the off-the-shelf network is not shown."
    return f"{start}, {'but' if lower else 'and'} beat the off-the-shelf network from the first day."


def departments(deck: Any, findings: Findings) -> bool:
    """Slide: both methods by department; False, and no slide, for one department or measured colours."""
    rows = findings.results["06"]["by_department"][:DEPARTMENTS]
    if len(rows) < 2 or findings.measured:
        return False
    names = [row["department"] for row in rows]
    frozen, learned = [row[USUAL] for row in rows], [row[LEARNED] for row in rows]
    better = sum(mine > theirs for mine, theirs in zip(learned, frozen, strict=True))
    counted = f"all {len(rows)}" if better == len(rows) else f"{better} of {len(rows)}"
    slide = new_slide(
        deck,
        "Chart",
        f"By photo alone, the learned network does better in {counted} departments shown",
        f"The largest {len(rows)} departments by queries, number in brackets. The baseline is the frozen network "
        "with the features that notebook 2 chose. Intervals, wide where a department has few queries, are in "
        "notebook 6.",
        f"{findings.tested}; share right in {findings.match}",
    )
    bar_chart(
        slide,
        names,
        [(said(USUAL), _drawn(frozen)), (said(LEARNED), _drawn(learned))],
        f"Bar chart, share right in {findings.match}. Frozen network: {_listed(names, frozen)}. This study: "
        f"{_listed(names, learned)}.",
        shades=[GREY, PALETTE[0]],
        floor=0,
        form=FORM,
    )
    return True


def limits(deck: Any, findings: Findings) -> None:
    """Slide: limits of the study."""
    nothing, queries = findings.results["06"]["nothing_agrees"]["queries"], findings.results["06"]["queries"]
    lines = [
        f"Same {findings.match} is not the same as liked or bought: no click was measured.",
        f"New arrivals reach {percent(findings.new_stock(LEARNED))}, not {percent(findings.share(LEARNED))}.",
        "Labels err: what one buyer calls azure is sky blue to another.",
        "Size, price, fabric, print and occasion are not in the model.",
        "One catalogue and its photos; another shop's figures will differ.",
    ]
    if findings.measured:
        lines[2] = "This catalogue has no colour words: its colours were measured, so matching colours prove nothing."
    if findings.catalogue.maker:
        lines[4] = "This catalogue was made for the study, its colours dyed: a real shop's are harder."
    wrong = 1 - findings.share(LEARNED)
    if wrong > 0:
        every = f"; for {nothing:,} of {queries:,} articles all are" if nothing else ""
        either = findings.match.replace(" and ", " or ")
        lines.insert(2, f"{percent(wrong)} of the suggestions are wrong in {either}{every}.")
    slide = new_slide(
        deck,
        "Text",
        "Not shown yet: whether customers click, and results in other shops",
        "Matching labels do not measure taste, and no customer has been asked: the A/B test asks them. The "
        "labels themselves err, so no method can be perfect. "
        "The model card lists what it should not be used for.",
        f"results/06.json of the report; {findings.source}",
    )
    write(slide, lines)
