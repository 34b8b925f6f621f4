"""The one settings module. Everything that differs between installations comes from the environment (README, "Configuration")."""

import os
import sys
from pathlib import Path
from typing import Any

from csp.constants import NONCE, SELF
from django.core.exceptions import ImproperlyConfigured

from cms import environment as env

# Before NumPy is there. Its matrices here are too small to be shared: threads of its own would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

BASE_DIR = Path(__file__).resolve().parent.parent
PLUMBLINE_DATA = Path(env.text("PLUMBLINE_DATA", str(BASE_DIR / "var"))).resolve()
try:
    PLUMBLINE_DATA.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"PLUMBLINE_DATA is {PLUMBLINE_DATA}, which cannot be made: {error.strerror}.") from error
PLUMBLINE_VERSION = "0.1.0"

DEBUG = env.flag("DEBUG", default=False)
DEMO = env.flag("DEMO", default=False)
TESTING = "pytest" in sys.modules
BUILDING = any(word in sys.argv for word in ("collectstatic", "transcribe", "agreement", "makemigrations"))
_relaxed = DEBUG or DEMO or TESTING or BUILDING

SECRET_KEY = env.text("SECRET_KEY", "not-a-secret-only-for-demo-and-tests" if _relaxed else None)
if not _relaxed and len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY is too short; use at least 50 random characters.")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"] if _relaxed else [])
# Behind HTTPS everywhere but on a developer's or the demo's own machine.
SECURE = env.flag("SECURE", default=not _relaxed)
SITE_URL = env.address("SITE_URL", "http://127.0.0.1:8000" if _relaxed else env.first_address(ALLOWED_HOSTS, is_secure=SECURE))
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL.startswith("https://") else []
REQUIRE_MFA = env.flag("REQUIRE_MFA", default=not (DEMO or TESTING))

INSTALLED_APPS = [
    "cms",
    "recordings",
    "supervision",
    "learning",
    "wagtail.contrib.settings",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "wagtailmedia",
    "modelcluster",
    "taggit",
    "django_filters",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "csp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django.forms",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "cms.csp.AdminScriptsMiddleware",
    "cms.permissions_policy.PermissionsPolicyMiddleware",
    "cms.opening.OpeningMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "supervision.mfa.RequireMFAMiddleware",
]

ROOT_URLCONF = "cms.urls"
WSGI_APPLICATION = "cms.wsgi.application"
ASGI_APPLICATION = "cms.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "cms.context.shell",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Data -------------------------------------------------------------------------------------------------------

SQLITE_OPTIONS: dict[str, Any] = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;PRAGMA secure_delete=ON;PRAGMA journal_size_limit=67108864;"
    ),
}
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{PLUMBLINE_DATA / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    DATABASES["default"]["TEST"] = {"NAME": str(PLUMBLINE_DATA / "test.sqlite3")}
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Rate limits need a cache that all processes share.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "plumbline_cache"}}

TASKS_URL = env.text("TASKS_URL", "db://", choices=("db://", "immediate://"))
TASKS = {
    "default": {
        "BACKEND": {
            "db://": "django_tasks_db.DatabaseBackend",
            "immediate://": "django_tasks.backends.immediate.ImmediateBackend",
        }[TASKS_URL],
        "QUEUES": ["default", "speech"],
    }
}

# --- Recordings -------------------------------------------------------------------------------------------------

VAULT_DIR = PLUMBLINE_DATA / "vault"
KEYSTORE_PATH = PLUMBLINE_DATA / "keys" / "keystore.sqlite3"
KEY_FILE = PLUMBLINE_DATA / "keys" / "vault.key"
VAULT_KEY = env.text("PLUMBLINE_VAULT_KEY", "")
VAULT_KEY_PREVIOUS = env.text("PLUMBLINE_VAULT_KEY_PREVIOUS", "")  # only while `manage.py rotate_key` re-wraps the data keys
# Sealed files lie in VAULT_DIR, or in an S3-compatible store where S3_BUCKET is set.
S3_BUCKET = env.text("S3_BUCKET", "")
S3_ENDPOINT_URL = env.text("S3_ENDPOINT_URL", "")
S3_REGION = env.text("S3_REGION", "")
S3_ACCESS_KEY_ID = env.text("S3_ACCESS_KEY_ID", "")
S3_SECRET_ACCESS_KEY = env.text("S3_SECRET_ACCESS_KEY", "")
S3_PREFIX = env.text("S3_PREFIX", "")
# How long backups of the key store are kept: a destroyed recording can be read by nobody after that many days.
KEYSTORE_BACKUP_DAYS = env.number("KEYSTORE_BACKUP_DAYS", 7)
SENT_FLUSH_SECONDS = 5  # which parts of a sound went to whose browser is written at most this often by each process
WEIGHTS_DIR = Path(env.text("WEIGHTS_DIR", str(PLUMBLINE_DATA / "weights")))
WHISPER_MODEL = env.text("WHISPER_MODEL", "auto")
TRANSCRIPTION_ENGINE = env.text("TRANSCRIPTION_ENGINE", "whisper", choices=("whisper", "faster-whisper"))
TRANSCRIPTION_DEVICE = env.text("TRANSCRIPTION_DEVICE", "auto", choices=("auto", "cpu", "cuda"))
RECORDING_MIN_SECONDS = env.number("RECORDING_MIN_SECONDS", 20, least=1)
RECORDING_MAX_SECONDS = env.number("RECORDING_MAX_SECONDS", 3 * 3600, least=60)
PROCESSING_LEASE_SECONDS = env.number("PROCESSING_LEASE_SECONDS", 60, least=2)
RECORDING_MAX_BYTES = env.number("RECORDING_MAX_BYTES", 2 * 1024**3, least=1024)
# What the form takes in one piece, where the browser runs no script; more than that must be resumable.
RECORDING_PLAIN_MAX_BYTES = env.number("RECORDING_PLAIN_MAX_BYTES", 200 * 1024**2, least=1024)
# A resumable upload that nobody has gone on with for this long is cleared away.
UPLOAD_EXPIRY_HOURS = env.number("UPLOAD_EXPIRY_HOURS", 48, least=1)
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# --- People and sign-in -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "supervision.User"
AUTHENTICATION_BACKENDS = ["supervision.backend.MembershipBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "supervision.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an invitation reached the address; that is the proof
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Plumbline: "
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
MFA_ADAPTER = "allauth.mfa.adapter.DefaultMFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
MFA_TOTP_ISSUER = "Plumbline"
INVITATION_DAYS = env.number("INVITATION_DAYS", 14, least=1)
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-sessionid" if SECURE else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if SECURE else "csrftoken"

# --- Transport and content security ---------------------------------------------------------------------------

SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", default=SECURE) else None
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"  # Wagtail's preview says otherwise for itself; browsers follow frame-ancestors below
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
    }
}

# --- Wagtail ---------------------------------------------------------------------------------------------------

WAGTAIL_SITE_NAME = "Plumbline"
WAGTAILADMIN_BASE_URL = SITE_URL
WAGTAILADMIN_LOGIN_URL = "account_login"
WAGTAIL_FRONTEND_LOGIN_URL = "/accounts/login/"
WAGTAILIMAGES_IMAGE_MODEL = "learning.CourseImage"
WAGTAILDOCS_DOCUMENT_MODEL = "learning.CourseDocument"
WAGTAILMEDIA = {"MEDIA_MODEL": "learning.CourseMedia"}
WAGTAILDOCS_EXTENSIONS = ["pdf", "docx", "xlsx", "pptx", "odt", "txt", "csv"]
WAGTAILDOCS_SERVE_METHOD = "serve_view"
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAIL_PASSWORD_RESET_ENABLED = False
WAGTAIL_PASSWORD_MANAGEMENT_ENABLED = False
WAGTAIL_EMAIL_MANAGEMENT_ENABLED = False
WAGTAIL_PRIVATE_PAGE_OPTIONS = {"SHARED_PASSWORD": False}
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}

# --- The rest --------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.time_zone("TIME_ZONE", "Europe/London")
USE_I18N = USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = PLUMBLINE_DATA / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = PLUMBLINE_DATA / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
vars().update(env.email("EMAIL_URL", "consolemail://"))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", "plumbline@localhost")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"hide_secrets": {"()": "cms.logs.HideSecrets"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["hide_secrets"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}, "django_tasks": {"level": "WARNING"}, "wagtail": {"level": "WARNING"}},
}
