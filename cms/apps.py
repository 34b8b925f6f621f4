from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "cms"
    verbose_name = "Site and demo"
