"""The cast, and what every test needs."""

import hypothesis
import pytest
from django.conf import settings
from django.core.management import call_command

from supervision.models import Membership
from tests import factories

Role = Membership.Role

# How long an example takes says what else the machine does, and nothing of what is tested. The same code gets the same examples,
# so that its verdict is the same for everybody; `--hypothesis-profile=search` looks for new ones.
_patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("plumbline", _patient, derandomize=True, database=None)
hypothesis.settings.register_profile("search", _patient)
hypothesis.settings.load_profile("plumbline")


@pytest.fixture(scope="session", autouse=True)
def static_folder():
    """WhiteNoise warns at every client when its folder is missing."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that commit come last: they empty the tables, and with them Wagtail's root page, which a migration made. A file's
    tests stay in one process, because they share what is dear to make; the files that take long begin first."""

    def commits(item):
        marker = item.get_closest_marker("django_db")
        return marker is not None and bool(marker.kwargs.get("transaction"))

    for item in items:
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}{'-commits' if commits(item) else ''}"))
    yield
    items.sort(key=lambda item: (commits(item), item.get_closest_marker("slow") is None))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        call_command("createcachetable", verbosity=0)


@pytest.fixture(autouse=True)
def private_data(settings, tmp_path):
    """Each test has a vault, a key store and a media folder of its own."""
    settings.VAULT_DIR = tmp_path / "vault"
    settings.KEYSTORE_PATH = tmp_path / "keys" / "keystore.sqlite3"
    settings.KEY_FILE = tmp_path / "keys" / "vault.key"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SENT_FLUSH_SECONDS = 0  # at once, so that no thread writes into the next test
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # only for speed


@pytest.fixture
def harbour(db):
    return factories.make_team("Harbour MST team", slug="harbour")


@pytest.fixture
def meadow(db):
    return factories.make_team("Meadow MST-CAN team", slug="meadow")


@pytest.fixture
def thea(harbour):
    """Therapist."""
    return factories.make_member("thea", harbour, Role.THERAPIST)


@pytest.fixture
def tom(harbour):
    """Another therapist of the same team."""
    return factories.make_member("tom", harbour, Role.THERAPIST)


@pytest.fixture
def sam(harbour):
    """Supervisor."""
    return factories.make_member("sam", harbour, Role.SUPERVISOR)


@pytest.fixture
def bea(harbour):
    """Back-up supervisor, for a time."""
    return factories.make_member("bea", harbour, Role.BACKUP_SUPERVISOR)


@pytest.fixture
def cora(harbour):
    """Consultant."""
    return factories.make_member("cora", harbour, Role.CONSULTANT)


@pytest.fixture
def ada(harbour):
    """Administrator."""
    return factories.make_member("ada", harbour, Role.ADMINISTRATOR)


@pytest.fixture
def mona(harbour):
    """Service manager."""
    return factories.make_member("mona", harbour, Role.SERVICE_MANAGER)


@pytest.fixture
def ed(db):
    """Content editor, in no team."""
    return factories.make_member("ed", None, Role.CONTENT_EDITOR)


@pytest.fixture
def iggy(db):
    """Information governance lead."""
    return factories.make_member("iggy", None, Role.IG_LEAD)


@pytest.fixture
def olly(meadow):
    """Therapist of another team: a stranger."""
    return factories.make_member("olly", meadow, Role.THERAPIST)


@pytest.fixture
def otto(meadow):
    """Consultant of another team."""
    return factories.make_member("otto", meadow, Role.CONSULTANT)


@pytest.fixture
def lena(harbour):
    """Therapist whose membership ended yesterday."""
    return factories.make_member("lena", harbour, Role.THERAPIST, ends_on=factories.days_ago(1))


@pytest.fixture
def as_user(client):
    """`as_user(thea)` gives a client signed in as her."""

    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in
