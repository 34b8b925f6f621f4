"""Tags that tell a page how far a recording's processing is, and what has been written down so far."""

from django import template

from recordings import pipeline, sofar
from recordings.models import Recording
from supervision.models import User

register = template.Library()


@register.simple_tag
def processing_progress(recording: Recording) -> pipeline.Progress:
    return pipeline.progress(recording)


@register.simple_tag
def transcript_so_far(recording: Recording, reader: User) -> list[sofar.Line]:
    return sofar.newest(recording, reader)


@register.filter
def clock(seconds: float) -> str:
    return pipeline.clock(seconds)
