from django.apps import AppConfig
from django.conf import settings


class RecordingsConfig(AppConfig):
    name = "recordings"
    verbose_name = "Recordings"

    def ready(self) -> None:
        from recordings import checks  # noqa: F401 (registers them)
        from recordings.sitekey import site_key

        if settings.VAULT_KEY:  # a wrong one stops the start; a missing one is made at its first use
            site_key()
