"""What must not reach a log: secrets that stand in addresses."""

import logging
import re

# A family's link to withdraw and an invitation: whoever reads the log could use them.
_SECRET = re.compile(r"(/(?:withdraw|join)/)[\w-]{20,}")


class HideSecrets(logging.Filter):
    """Puts an ellipsis in place of the secret in every line that names such an address."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        cleaned = _SECRET.sub(r"\1…", message)
        if cleaned != message:
            record.msg, record.args = cleaned, ()
        return True
