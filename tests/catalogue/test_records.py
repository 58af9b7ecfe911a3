"""Quoted cells, line breaks in them, and quotation marks that went astray."""

import csv
import io
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashion.catalogue.records import Records

HEADER = ["id", "colour", "kind", "group", "title"]
KINDS, COLOURS = ["top", "skirt", "bag"], ["red", "blue", "green"]


def lines_of(n):
    return [",".join(row) for row in rows_of(n)]


def rows_of(n):
    return [[str(1000 + i), COLOURS[i // 3 % 3], KINDS[i % 3], "clothes", f"item {i}"] for i in range(n)]


def read(text, delimiter=",", known=("colour", "kind", "group")):
    found = list(Records(text, delimiter, known))
    return [r.fields for r in found if not r.reason and r.fields], [r for r in found if r.reason]


def join(lines, end="\n"):
    return end.join([",".join(HEADER), *lines]) + end


def written(rows, **options):
    text = io.StringIO(newline="")
    csv.writer(text, **options).writerows(rows)
    return text.getvalue()


# Letters that cannot make a word of the known columns: else two marks that went astray look alike, letter by letter.
CELLS = st.text(st.sampled_from('x"\n\r, ;\té'), max_size=12)


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
@given(
    cells=st.lists(st.tuples(CELLS, CELLS, st.sampled_from(KINDS)), min_size=1, max_size=8),
    order=st.permutations([0, 1, 2]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_csv_writes_is_read(delimiter, cells, order, quoting, end):
    rows = [[row[column] for column in order] for row in cells]
    header = [["id", "body", "kind"][column] for column in order]
    if end != "\r\n":
        quoting = csv.QUOTE_ALL  # before 3.13 Python quotes no other break than the line's own end
    text = written([header, *rows], delimiter=delimiter, quoting=quoting, lineterminator=end)
    good, bad = read(text, delimiter)
    assert good == rows and bad == []


@given(
    cells=st.lists(st.tuples(CELLS, CELLS, st.sampled_from(KINDS)), min_size=1, max_size=6),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_legal_text_reads_as_python_reads_it_without_known_words(cells, quoting):
    text = written([["id", "body", "kind"], *cells], quoting=quoting)
    assert read(text, known=())[0] == list(csv.reader(io.StringIO(text, newline="")))[1:]


#: Rows in every form that a shop's export has.
FORMS = {
    "plain": lambda row: ",".join(row),
    "quoted": lambda row: ",".join(f'"{cell}"' for cell in row),
    "delimiter": lambda row: ",".join([*row[:4], f'"{row[4]}, soft"']),
    "inch": lambda row: ",".join([*row[:4], f'{row[4]} 15"']),
    "break": lambda row: ",".join([*row[:4], f'"{row[4]}\nWash at 30."']),
    "break inside": lambda row: ",".join([f'"{row[0]}"', f'"{row[1]}"', row[2], '"clothes\n\n"', row[4]]),
}


@given(
    forms=st.lists(st.sampled_from(sorted(FORMS)), min_size=12, max_size=40),
    strays=st.sets(st.integers(0, 39), min_size=1, max_size=6),
    column=st.integers(0, 4),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_stray_mark_costs_its_row_and_no_other(forms, strays, column, end):
    rows, strays = rows_of(len(forms)), {n for n in strays if n < len(forms)}
    forms = ["plain" if n in strays else form for n, form in enumerate(forms)]
    lines = [FORMS[form](row) for form, row in zip(forms, rows, strict=True)]
    begins, line = [], 2
    for n, text in enumerate(lines):
        begins.append(line)
        line += 1 + text.count("\n")
        if n in strays:
            cells = text.split(",")
            lines[n] = ",".join([*cells[:column], '"' + cells[column], *cells[column + 1 :]])
    good, bad = read(join(lines).replace("\n", end))
    assert [row[0] for row in good] == [row[0] for n, row in enumerate(rows) if n not in strays]
    assert [(r.line, f"line {r.line}:" in r.reason) for r in bad] == [(begins[n], True) for n in sorted(strays)]


@pytest.mark.parametrize("places", [[500, 2000], [500, 501], [0, 2999], [0], [2999], [1, 3, 5, 7]])
def test_two_marks_do_not_make_one_cell(places):
    """The second one stands where it closes what the first one began."""
    lines = lines_of(3000)
    for n, place in enumerate(places):
        lines[place] = lines[place].replace("item", '"item') if n % 2 == 0 else lines[place] + '"'
    good, bad = read(join(lines))
    expected = [place for n, place in enumerate(places) if n % 2 == 0]
    assert [r.line for r in bad] == [place + 2 for place in expected]
    assert len(good) == 3000 - len(expected)


def test_a_mark_that_closes_in_another_column():
    lines = lines_of(100)
    lines[10] = lines[10].replace(",green", ',"green').replace(",red", ',"red').replace(",blue", ',"blue')
    lines[40] = lines[40].replace(",clothes", '",clothes')
    good, bad = read(join(lines))
    assert len(good) == 99 and [r.line for r in bad] == [12]


def test_breaks_and_stray_marks_in_one_row():
    broken = {
        5: '1005,red,top,"clothes,"Soft.\nWash at 30."',  # before a cell that is quoted already
        9: '1009,"red\ndark",top,clothes,"item 9',  # after a cell that runs on
        15: '1015,"red,"top\nshort",clothes,item 15',
    }
    lines = [broken.get(n, FORMS["break" if n % 3 else "plain"](row)) for n, row in enumerate(rows_of(60))]
    good, bad = read(join(lines))
    assert [row[0] for row in good] == [str(1000 + n) for n in range(60) if n not in broken]
    assert len(bad) == 3


def test_marks_inside_a_cell_are_letters():
    text = 'id,title,kind\n1,"Levi\'s "501" jeans",top\n2,19" bag,top\n3,"5" wide, red",top\n4,"a" ,top\n'
    good, bad = read(text)
    assert bad == [] and [row[1] for row in good[1:]] == ['19" bag', '5" wide, red', "a "]
    assert "501" in good[0][1] and [len(row) for row in good] == [3, 3, 3, 3]
    good, bad = read('id,title,kind\n1,"Soft "jersey".\nWash at 30.",top\n2,b,top\n')
    assert bad == [] and good[0] == ["1", 'Soft "jersey".\nWash at 30.', "top"]


def test_a_text_with_commas_is_no_row():
    text = 'id,kind,body\n1,top,"Soft.\nCotton, wool, silk"\n2,skirt,"a, b, c\nd, e, f\ng, h, i"\n3,top,x\n'
    good, bad = read(text)
    assert bad == [] and [row[0] for row in good] == ["1", "2", "3"]
    text = "id,kind,body\n" + "".join(f'{n},{KINDS[n % 3]},"Soft.\nCotton, wool, silk"\n' for n in range(90))
    assert [len(found) for found in read(text)] == [90, 0]


@pytest.mark.parametrize("known", [("category",), ("category", "colour"), ()])
def test_lines_that_look_like_rows_stay_in_their_cell(known):
    text = 'item,category,colour,body\n1,dress,red,"Goes with\nboots, dress, scarf, hat\nof ours"\n2,boots,blue,x\n'
    good, bad = read(text, known=known)
    assert bad == [] and [row[0] for row in good] == ["1", "2"]
    listed = "\n".join(f"a{n}, b, c, d" for n in range(25))
    for end in ["\nof ours", ""] if known else ["\nof ours"]:  # without known words such lines are rows
        good, bad = read(text + f'3,dress,blue,"{listed}{end}"\n4,boots,red,y\n', known=known)
        assert bad == [] and [row[0] for row in good] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("column", range(5))
def test_one_word_of_a_row_may_be_new(column):
    lines = lines_of(12)  # rows 3 to 5 alone are blue
    cells = lines[2 if column == 4 else 3].split(",")
    lines[2 if column == 4 else 3] = ",".join([*cells[:column], '"' + cells[column], *cells[column + 1 :]])
    lines[5] += ' 15"'
    good, bad = read(join(lines))
    assert len(good) == 11 and len(bad) == 1


def test_a_table_between_two_marks_that_went_astray_is_many_rows():
    lines = lines_of(60)
    lines[0], lines[59] = lines[0].replace("item", '"item'), lines[59] + '"'
    for known in ((), ("kind",), ("kind", "colour"), ("kind", "colour", "group")):
        good, bad = read(join(lines), known=known)
        assert len(good) == 59 and [r.line for r in bad] == [2]


def test_a_closed_cell_of_another_width_is_one_row():
    good, bad = read('id,title,kind\n1,"a\nb",top,red\n3,c,top\n')
    assert good == [["3", "c", "top"]] and [r.line for r in bad] == [2]
    assert "lines 2 to 3" in bad[0].reason and "4 fields where the header has 3" in bad[0].reason


def test_a_row_of_several_lines_may_be_short_of_its_last_cells():
    good, bad = read('item,colour,kind,body\n1,red,dress\n2,red,"sh\noe"\n3,red\n4,"a, b\nc"\n')
    assert bad == [] and good == [["1", "red", "dress"], ["2", "red", "sh\noe"], ["3", "red"], ["4", "a, b\nc"]]
    good, bad = read('item,colour,kind,body\n"1,red,top,x\n2,red,top,y"\n3,red,top,z\n')  # two marks that went astray
    assert [row[0] for row in good] == ["2", "3"] and [r.line for r in bad] == [2]


def test_a_blank_after_the_closing_mark():
    text = 'id,kind,body\n1,top,"a, b" \n2,top,"a\nb" \n3,"to\np" ,x\n4,bag,c\n'
    assert read(text) == (
        [["1", "top", "a, b "], ["2", "top", "a\nb "], ["3", "to\np ", "x"], ["4", "bag", "c"]],
        [],
    )


def test_a_carriage_return_alone_ends_no_line_where_others_do():
    good, bad = read('id,kind,body\r\n1,top,a\rb\r\n2,bag,"c\rd"\r\n')
    assert bad == [] and good == [["1", "top", "a\rb"], ["2", "bag", "c\rd"]]
    found = list(Records("id,kind\r\r\n1,top\r\r\n2,bag\r\r\n", ","))
    assert [(r.line, r.fields) for r in found] == [(2, ["1", "top"]), (3, ["2", "bag"])]


def test_tabs_and_marks():
    """In tab-separated text a mark is a letter, but where a cell has to be quoted, and is, as spreadsheets do it."""
    rows = [["id", "title", "kind"], ["1", '"Boss"', "top"], ["2", '"Boss" x', "top"], ["3", '"x', "bag"]]
    text = "".join("\t".join(row) + "\n" for row in rows)
    assert read(text, "\t") == (rows[1:], [])
    text += '4\t"Check, shirt"\ttop\n5\t"a\tb\nc ""d"""\ttop\n6\tx"\ttop\n'
    assert read(text, "\t") == (
        [*rows[1:], ["4", "Check, shirt", "top"], ["5", 'a\tb\nc "d"', "top"], ["6", 'x"', "top"]],
        [],
    )


@given(cells=st.lists(st.tuples(CELLS, st.sampled_from(KINDS)), min_size=1, max_size=6))
def test_tabbed_text_of_spreadsheets_is_read(cells):
    cells = [(text.replace('"', "'") + ",\t", kind) for text, kind in cells]  # a mark alone stays a letter
    text = written([["body", "kind"], *cells], dialect="excel-tab", lineterminator="\n")
    assert read(text, "\t") == ([list(row) for row in cells], [])


def test_header_with_line_breaks_and_blank_lines_before_it():
    records = Records('\n\nid,"Body\n(HTML)",kind\n1,a,top\n\n2,b,top\n', ",", ["kind"])
    assert records.header == ["id", "Body\n(HTML)", "kind"]
    assert [(r.line, r.fields) for r in records] == [(5, ["1", "a", "top"]), (6, []), (7, ["2", "b", "top"])]


#: Texts that invite a reader to look again and again at the same lines: name -> the lines of n rows.
HOSTILE = {
    "strays": lambda n: [line.replace("item", '"item') if i % 200 == 7 else line for i, line in enumerate(lines_of(n))],
    "every line": lambda n: [line.replace("item", '"item') for line in lines_of(n)],
    "chains": lambda n: ['x",y,"z'] * n,
    "pairs": lambda n: ['1,"",""'] * (n // 2) + ['2,"a'] + ['1,"",""'] * (n // 2),
    "odd": lambda n: ['1,"""'] * n,
    "no end": lambda n: ['1,"a', *lines_of(n)],
    "alone": lambda n: ['"'] * n,
    "fragments": lambda n: ['1,"a"b\nc'] * (n // 2),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_time_is_linear(name):
    def seconds(n):
        text = join(HOSTILE[name](n))
        begin = time.process_time()
        list(Records(text, ",", ["kind", "colour"]))
        return time.process_time() - begin

    seconds(500)
    small = min(seconds(1_000) for _ in range(3))
    # 16 if it is linear, 256 if it is quadratic; the best of three takes, of which the first is mostly enough
    assert any(seconds(16_000) < 80 * max(small, 0.005) for _ in range(3))


def test_random_marks_cost_no_more_than_their_rows():
    drawn = random.Random(0)
    lines = lines_of(5000)
    for n in range(0, 5000, 25):
        at = drawn.randrange(len(lines[n]))
        lines[n] = lines[n][:at] + '"' + lines[n][at:]
    good, bad = read(join(lines))
    assert len(good) + len(bad) == 5000 and len(bad) <= 200
    assert sum(r.line % 25 != 2 for r in bad) == 0
