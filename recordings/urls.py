from django.urls import URLPattern, URLResolver

app_name = "recordings"
urlpatterns: list[URLPattern | URLResolver] = []
