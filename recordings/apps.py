from django.apps import AppConfig
from django.conf import settings


class RecordingsConfig(AppConfig):
    name = "recordings"
    verbose_name = "Recordings"

    def ready(self) -> None:
        from learning import clips as lessons
        from recordings import checks, clips  # noqa: F401 (registers them)
        from recordings.models import Recording
        from recordings.s3 import check_settings
        from recordings.sitekey import site_key
        from supervision import blinding

        blinding.register(Recording.objects.being_rated_by)

        lessons.register(clips)
        check_settings()
        if settings.VAULT_KEY or settings.VAULT_KEY_PREVIOUS:  # a wrong one stops the start; a missing one is made at its first use
            site_key()
