from django.urls import URLPattern, URLResolver, path

from recordings.views import audio, consents, library, processing, review, uploads

app_name = "recordings"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", library.index, name="list"),
    path("upload/", uploads.upload, name="upload"),
    path("families/<int:family_pk>/consent/", consents.create, name="consent-create"),
    path("consents/<int:pk>/", consents.detail, name="consent-detail"),
    path("consents/<int:pk>/print/", consents.printable, name="consent-print"),
    path("consents/<int:pk>/withdraw/", consents.withdraw, name="consent-withdraw"),
    path("<uuid:pk>/", library.detail, name="detail"),
    path("<uuid:pk>/audio/", audio.stream, name="audio"),
    path("<uuid:pk>/delete/", library.delete, name="delete"),
    path("<uuid:pk>/certificate/", library.certificate, name="certificate"),
    *processing.urlpatterns,
    *review.urlpatterns,
]
