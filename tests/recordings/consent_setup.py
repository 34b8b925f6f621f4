"""What the form of a consent carries besides the answers."""

import uuid

from recordings import consentwording
from tests import factories


def carried(wording):
    """The words as the page has shown them, and the form's own number."""
    return {"wording": wording.pk, "shown": consentwording.digest(wording), "submission": str(uuid.uuid4())}


def shown(family):
    """The same, for the words in force today."""
    return carried(consentwording.current(family.team.programme, on=factories.today()))
