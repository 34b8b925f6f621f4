"""One's own training record."""

import datetime as dt
import uuid

from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from learning.http import AuthenticatedRequest
from learning.models import TrainingRecord
from learning.record import records
from learning.spreadsheets import csv_response


@require_safe
def record(request: AuthenticatedRequest) -> HttpResponse:
    mine = records([request.user.pk])
    return render(request, "learning/record_list.html", {"records": mine, "hours": mine.aggregate(total=Sum("hours"))["total"]})


@require_safe
def certificate(request: AuthenticatedRequest, reference: uuid.UUID) -> HttpResponse:
    mine = get_object_or_404(TrainingRecord.objects.of(request.user), reference=reference)
    lessons = [{**each, "day": dt.date.fromisoformat(each["completed_on"])} for each in mine.lessons]
    return render(request, "learning/record_certificate.html", {"record": mine, "lessons": lessons})


@require_safe
def record_csv(request: AuthenticatedRequest) -> HttpResponse:
    rows = [
        (
            each.learner_name,
            each.course_title,
            each.course_kind,
            each.completed_on.isoformat(),
            each.hours,
            len(each.lessons),
            each.reference,
        )
        for each in records([request.user.pk])
    ]
    return csv_response("training-record.csv", ["Name", "Course", "Kind", "Completed on", "Hours", "Lessons", "Reference"], rows)
