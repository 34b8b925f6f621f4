"""The tag that tells a page how far a recording's processing is."""

from django import template

from recordings import pipeline
from recordings.models import Recording

register = template.Library()


@register.simple_tag
def processing_progress(recording: Recording) -> pipeline.Progress:
    return pipeline.progress(recording)
