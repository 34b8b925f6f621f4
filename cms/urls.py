"""Every address of the site. Wagtail's own login pages are routed to allauth, so that two-step sign-in cannot be bypassed."""

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from wagtail import views as wagtail_views
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls
from wagtail.urls import serve_pattern

from cms import views

to_login = login_not_required(RedirectView.as_view(pattern_name="account_login", query_string=True))

urlpatterns = [
    path("", views.home, name="home"),
    path("health/live", views.health_live, name="health-live"),
    path("health/ready", views.health_ready, name="health-ready"),
    path("admin/login/", to_login, name="admin-login"),
    re_path(r"^admin/password_reset/.*$", to_login),
    path("_util/login/", to_login),
    path("admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("accounts/", include("allauth.urls")),
    path("learning/", include("learning.urls")),
    path("supervision/", include("supervision.urls")),
    path("recordings/", include("recordings.urls")),
    path("media/<path:path>", views.media, name="media"),
    re_path(serve_pattern, login_not_required(wagtail_views.serve), name="wagtail_serve"),
]
