"""`manage.py weights`: fetches or converts Whisper's weights once, so that the first recording need not wait for them."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recordings import engines, weights
from recordings.checks import is_at_hand


class Command(BaseCommand):
    help = "Makes sure that Whisper's weights are at hand; downloads or converts them where they are not."

    def handle(self, *args: Any, **options: Any) -> None:
        if not is_at_hand(settings.WHISPER_MODEL, settings.WEIGHTS_DIR):
            self.stdout.write("Preparing the Whisper weights; this happens once ...")
            self.stdout.flush()
        try:
            where = engines.resolve(settings.TRANSCRIPTION_ENGINE, settings.WHISPER_MODEL)
        except weights.NoWeights as reason:
            raise CommandError(str(reason)) from None
        self.stdout.write(f"Whisper model {engines.model_name(where)} for {engines.label(settings.TRANSCRIPTION_ENGINE)}: {where}")
