from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "cms"
    verbose_name = "Site and demo"

    def ready(self) -> None:
        from cms import checks  # noqa: F401 (registers them)
