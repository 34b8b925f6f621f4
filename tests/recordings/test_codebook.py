import pytest

from recordings import codebook
from recordings.models import Code
from supervision.instruments import load_instruments
from supervision.models import Item
from tests import factories

pytestmark = pytest.mark.django_db


def test_it_has_one_code_for_each_digit():
    codes = codebook.load(factories.make_programme())
    assert [code.digit for code in codes] == list(range(1, 10))
    assert len({code.shape for code in codes}) == 9
    assert all(code.definition and code.shape in codebook.SHAPES for code in codes)
    assert {code.tone for code in codes} == set(Code.Tone.values)


def test_every_code_bears_on_an_item_of_the_practice_review_or_on_none():
    load_instruments()
    keys = set(Item.objects.filter(instrument__slug="practice-review").values_list("key", flat=True))
    codes = codebook.load(factories.make_programme())
    assert {code.item_key for code in codes} - {""} <= keys


def test_loading_again_changes_nothing_and_keeps_a_programmes_own_words():
    programme = factories.make_programme()
    codebook.load(programme)
    Code.objects.filter(programme=programme, slug="fit-explored").update(name="Our own name", is_current=False)
    codes = codebook.load(programme)
    assert Code.objects.filter(programme=programme).count() == 9
    assert len(codes) == 8
    assert Code.objects.get(programme=programme, slug="fit-explored").name == "Our own name"


def test_each_programme_has_its_own():
    codebook.load(factories.make_programme())
    assert codebook.current(factories.make_programme()) == []
