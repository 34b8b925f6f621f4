"""Initials, wherever they are typed: of a family, of somebody who is heard, of another voice in a session.

They stand in plain text in the database and outlive what was recorded, so a first name must not pass for them.
"""

import re

from django.core.validators import RegexValidator

NEVER_A_NAME = "Enter initials only, such as M.B.: at most four letters, never a name."
PATTERN = re.compile(r"^[^\W\d_](?:\.?[^\W\d_]){0,3}\.?\Z")  # letters of any script, each with a full stop or without

validate_initials = RegexValidator(PATTERN, NEVER_A_NAME)


def are_initials(typed: str) -> bool:
    """ "M.B.", "mb", "J": one to four letters and nothing else but full stops."""
    return PATTERN.match(typed) is not None
