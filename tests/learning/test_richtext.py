"""Markdown becomes the editor's own few elements, and nothing else."""

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from learning.richtext import rich_text


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("## Aim\n\nOne **bold** and *slanted*.", "<h2>Aim</h2><p>One <b>bold</b> and <i>slanted</i>.</p>"),
        ("- one\n- two", "<ul><li>one</li><li>two</li></ul>"),
        ("[NICE](https://www.nice.org.uk)", '<p><a href="https://www.nice.org.uk">NICE</a></p>'),
        ("a line\nfolded", "<p>a line folded</p>"),
        ("[x](javascript:alert(1))", "<p>x</p>"),
        ("<script>alert(1)</script>ok", "<p>ok</p>"),
        ('<b onclick="x()">hi</b>', "<p><b>hi</b></p>"),
        ("before <!-- hidden --> after", "<p>before  after</p>"),
        ("`code` and <u>this</u>", "<p>code and this</p>"),
    ],
)
def test_it_keeps_what_the_editor_keeps(source, html):
    assert rich_text(source).replace("> <", "><").replace("<ul> ", "<ul>").replace(" </ul>", "</ul>") == html


def test_small_texts_have_no_headings():
    assert rich_text("## Aim", headings=False) == "<p>Aim</p>"


@given(st.text(max_size=200))
def test_no_text_makes_a_script_or_a_handler(source):
    html = rich_text(f"{source}<img src=x onerror=alert(1)><script>x</script>{source}")

    found = {tag.name for tag in BeautifulSoup(html, "html.parser").find_all(True)}
    assert found <= {"p", "br", "b", "i", "ol", "ul", "li", "a", "h2", "h3", "hr"}
    assert "<script" not in html
    assert "<img" not in html


def test_a_block_of_code_keeps_its_words_as_words():
    assert rich_text("    <script>alert(1)</script>").strip() == "&lt;script&gt;alert(1)&lt;/script&gt;"
