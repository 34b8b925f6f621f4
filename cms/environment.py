"""Reading the environment so that a wrong value stops start-up with a sentence that names it.

django-environ does the parsing; this adds what it leaves out: `NAME_FILE` without its trailing newline, an
unknown word for a yes/no is refused rather than read as "no", and every error names the variable.
"""

import os
import re
import zoneinfo
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}
_HOST = re.compile(r"\*|\.?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]")
_ADDRESS = re.compile(r"https?://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")


def text(name: str, default: str | None = None, *, choices: tuple[str, ...] = ()) -> str:
    """The variable's value, or that of the file which `NAME_FILE` points to; stripped."""
    value = os.environ.get(name)
    file = os.environ.get(f"{name}_FILE")
    if value is None and file:
        try:
            value = Path(file).read_text(encoding="utf-8")
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE points to a file that cannot be read: {error.strerror}.") from error
    if value is None or value.strip() == "":
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set. Give it a value in the environment, or a file in {name}_FILE.")
        return default
    value = value.strip()
    if choices and value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of: {', '.join(choices)}.")
    return value


def flag(name: str, *, default: bool) -> bool:
    value = text(name, "").lower()
    if value in _YES:
        return True
    if value in _NO:
        return False
    if value == "":
        return default
    raise ImproperlyConfigured(f"{name} is {value!r}; use yes or no.")


def number(name: str, default: int, *, least: int = 0) -> int:
    value = text(name, str(default))
    try:
        parsed = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number.") from None
    if parsed < least:
        raise ImproperlyConfigured(f"{name} is {parsed}; it must be at least {least}.")
    return parsed


def words(name: str, default: list[str]) -> list[str]:
    return [word.strip() for word in text(name, ",".join(default)).split(",") if word.strip()]


def hosts(name: str, default: list[str]) -> list[str]:
    """Host names as browsers send them, without scheme, port or path."""
    found = words(name, default)
    for host in found:
        if not _HOST.fullmatch(host):
            raise ImproperlyConfigured(f"{name} holds {host!r}; write the host name alone, such as plumbline.example.org.")
    return found


def first_address(hosts: list[str], *, is_secure: bool) -> str:
    """Where the site is reached if nobody says so: at the first of its hosts that is one. This machine's own address where none is,
    which `cms.checks` tells of."""
    named = (host for host in hosts if host != "*" and not host.startswith("."))
    return f"http{'s' if is_secure else ''}://{host}" if (host := next(named, None)) else "http://127.0.0.1:8000"


def address(name: str, default: str) -> str:
    """Where the site is reached: scheme, host and perhaps a port. What goes out by e-mail and on paper begins with it."""
    value = text(name, default).rstrip("/")
    if not _ADDRESS.fullmatch(value):
        raise ImproperlyConfigured(f"{name} is {value!r}; write the site's whole address, such as https://plumbline.example.org.")
    return value


def time_zone(name: str, default: str) -> str:
    value = text(name, default)
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a time zone such as Europe/London.") from None
    return value


def database(name: str, default: str) -> dict[str, Any]:
    """A Django database configuration from a URL; `sqlite:///…` or `postgres://…`."""
    url = text(name, default)
    try:
        config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    except (ValueError, KeyError, ImproperlyConfigured):
        config = {}
    if config.get("ENGINE") not in {"django.db.backends.sqlite3", "django.db.backends.postgresql"}:
        raise ImproperlyConfigured(f"{name} is not a database address Plumbline knows; use sqlite:///… or postgres://….")
    return config


def email(name: str, default: str) -> dict[str, Any]:
    try:
        return dict(environ.Env.email_url_config(text(name, default)))
    except (KeyError, ValueError, ImproperlyConfigured):
        raise ImproperlyConfigured(f"{name} is not a mail address Plumbline knows; use smtp://… or consolemail://.") from None
