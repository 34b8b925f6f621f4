"""The words of a consent do not change under those who agreed to them."""

import pytest
from django.core.exceptions import ValidationError

from tests import factories


def test_a_wording_that_nobody_has_agreed_to_can_be_changed(harbour):
    wording = factories.make_wording(harbour.programme)
    wording.text = "Better words."
    wording.full_clean()


def test_a_wording_that_a_consent_rests_on_cannot(harbour, thea):
    consent = factories.make_consent(factories.make_family(harbour, thea))
    consent.wording.text = "Other words."
    with pytest.raises(ValidationError, match="Add the next version"):
        consent.wording.full_clean()


def test_the_back_office_refuses_to_delete_it(client, harbour, thea):
    consent = factories.make_consent(factories.make_family(harbour, thea))
    boss = factories.make_user("boss", is_superuser=True)
    client.force_login(boss)
    address = f"/admin/snippets/recordings/consentwording/delete/{consent.wording.pk}/"
    client.post(address)
    consent.wording.refresh_from_db()
