"""What `manage.py check --deploy` asks of the site as a whole."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.http.request import validate_host


@register(Tags.urls, deploy=True)
def site_is_at_its_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Links in e-mails and on families' papers begin with SITE_URL; a paper cannot be called back."""
    host = urlsplit(settings.SITE_URL).netloc.rpartition("@")[2]
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    is_own = name in {"127.0.0.1", "localhost", "[::1]"}
    if validate_host(name, [one for one in settings.ALLOWED_HOSTS if not (is_own and one == "*")]):
        return []
    sentence = f"Links begin with {settings.SITE_URL}, and ALLOWED_HOSTS does not name that host: set SITE_URL to the site's address."
    return [Warning(sentence, id="cms.W001")]
