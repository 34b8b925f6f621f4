"""To somebody of another team, no address of a team exists."""

import pytest
from django.urls import get_resolver, reverse

from tests import factories


def team_addresses():
    patterns = get_resolver("supervision.urls").url_patterns
    return sorted((pattern.name, tuple(pattern.pattern.converters)) for pattern in patterns if "slug" in pattern.pattern.converters)


@pytest.mark.parametrize(("name", "parts"), team_addresses())
@pytest.mark.parametrize("stranger", ["olly", "otto", "lena"])
def test_a_stranger_finds_nothing(request, client, harbour, thea, name, parts, stranger):
    requirement = factories.make_requirement(harbour.programme, "course", key="orientation")
    person = request.getfixturevalue(stranger)
    values = {"slug": harbour.slug, "pk": thea.pk, "person_pk": thea.pk, "requirement_key": requirement.key}
    url = reverse(f"supervision:{name}", kwargs={part: values[part] for part in parts})
    client.force_login(person)
    assert {client.get(url).status_code, client.post(url).status_code} <= {404, 405}
    assert client.post(url).status_code in {404, 405}
    if name not in {"invitation-resend", "invitation-cancel"}:
        assert client.get(url).status_code == 404


@pytest.mark.parametrize(("name", "parts"), team_addresses())
def test_nobody_gets_in_without_signing_in(client, harbour, name, parts):
    values = {"slug": harbour.slug, "pk": 1, "person_pk": 1, "requirement_key": "x"}
    response = client.get(reverse(f"supervision:{name}", kwargs={part: values[part] for part in parts}))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
