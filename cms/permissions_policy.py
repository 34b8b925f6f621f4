"""What our pages may use of the device: nothing, unless a page says otherwise for itself (the recorder, the microphone)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_NOTHING = "camera=(), geolocation=(), microphone=()"


class PermissionsPolicyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", _NOTHING)
        return response
