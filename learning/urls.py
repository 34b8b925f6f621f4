from django.urls import path

from learning.views import home, lessons, record

app_name = "learning"
urlpatterns = [
    path("", home.home, name="home"),
    path("record/", record.record, name="record"),
    path("record/download.csv", record.record_csv, name="record-csv"),
    path("record/<uuid:reference>/", record.certificate, name="certificate"),
    path("courses/<uuid:key>/enrol/", home.enrol, name="course-enrol"),
    path("courses/<uuid:key>/finish/", home.finish, name="course-finish"),
    path("lessons/<uuid:key>/check/", lessons.check, name="lesson-check"),
    path("lessons/<uuid:key>/exercise/", lessons.exercise, name="lesson-exercise"),
    path("lessons/<uuid:key>/note/", lessons.note, name="lesson-note"),
    path("lessons/<uuid:key>/done/", lessons.done, name="lesson-done"),
    path("lessons/<uuid:key>/place/", lessons.place, name="lesson-place"),
]
