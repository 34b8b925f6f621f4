"""A therapist with a consent, who speaks tus."""

import pytest
from django.test import Client

from tests import factories
from tests.recordings.tus_client import Tus


@pytest.fixture(autouse=True)
def quiet_queue(settings):
    settings.TASKS_URL = "db://"


@pytest.fixture
def consent(harbour, thea):
    return factories.make_consent(factories.make_family(harbour, thea))


@pytest.fixture
def client_of(consent):
    def of(user):
        client = Client()
        if user is not None:
            client.force_login(user)
        return Tus(client, consent)

    return of


@pytest.fixture
def thea_sends(client_of, thea):
    return client_of(thea)
