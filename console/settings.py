"""All settings, from the environment alone. docs/settings.md has a line for each."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from console import env

BASE_DIR = Path(__file__).resolve().parent.parent
STATE = Path(env.text("COUNTERSIGN_STATE", str(BASE_DIR / "var")))

# Security
DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. ./run makes one for its state folder; elsewhere set SECRET_KEY "
        "or SECRET_KEY_FILE to 50 random characters that nobody else knows."
    )
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")
HTTPS = env.flag("COUNTERSIGN_HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Application
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_rq",
    "console",
    "approvals",
    "executions",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Deny by default: a page is for signed-in people unless it says otherwise.
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "console.iam.middleware.acting_principal",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "console.middleware.Refusals",
]
ROOT_URLCONF = "console.urls"
ASGI_APPLICATION = "console.asgi.application"
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
                "console.context.console",
            ],
        },
    },
]
STATIC_URL = "/static/"
# Where collectstatic puts the files of a release; without it they are served from the source.
STATIC_ROOT = env.text("COUNTERSIGN_STATIC_ROOT") or None
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"  # RQ's and SSM's clock; the browser shows the viewer's zone
LANGUAGE_CODE = "en-us"

# Database
DATABASES = {"default": env.database(env.text("DATABASE_URL", f"sqlite:///{STATE}/db.sqlite3"))}
# In the database, so that sign-in limits hold on every host and without Redis.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "console_cache",
    }
}

# People
AUTH_USER_MODEL = "console.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "console.iam.adapter.Adapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = None
# Hard on memory as well as on time; the second one reads what was stored before.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Queue
REDIS_URL = env.text("REDIS_URL", f"unix://{STATE}/redis.sock")
WORKERS = env.count("COUNTERSIGN_WORKERS", 2)
RQ_QUEUES = {
    "engine": {
        "URL": REDIS_URL,
        "SERIALIZER": "rq.serializers.JSONSerializer",
        "DEFAULT_RESULT_TTL": 0,
        # A bell that cannot be rung at once is not worth waiting for: the clock rings later.
        "REDIS_CLIENT_KWARGS": {"socket_connect_timeout": 1, "socket_timeout": 5},
    }
}

# AWS
AWS_ENDPOINT_URL = env.text("AWS_ENDPOINT_URL")  # the simulated account; empty is AWS itself
AWS_CONNECT_TIMEOUT = timedelta(seconds=env.seconds("COUNTERSIGN_AWS_CONNECT_SECONDS", 5))
AWS_READ_TIMEOUT = timedelta(seconds=env.seconds("COUNTERSIGN_AWS_READ_SECONDS", 25))

# Documents of one account; AWS begins with 500 for each account and Region
MOST_DOCUMENTS = env.count("COUNTERSIGN_MOST_DOCUMENTS", 5_000)

# Engine
LEASE = timedelta(seconds=env.seconds("COUNTERSIGN_LEASE_SECONDS", 30))
# How long after its time-out a request of a dead worker may still arrive at AWS.
QUIET_TIME = timedelta(seconds=env.seconds("COUNTERSIGN_QUIET_SECONDS", 60))
TURN_STEPS = 20
# Of one execution, with every pass of its loops.
MOST_STEPS = env.count("COUNTERSIGN_MOST_STEPS", 10_000)
# Of one account: running at once, blocked in aws:approve, aws:pause or aws:sleep besides, queued.
MOST_RUNNING = env.count("COUNTERSIGN_MOST_RUNNING", 100)
MOST_BLOCKED = env.count("COUNTERSIGN_MOST_BLOCKED", 400, least=0)
MOST_QUEUED = env.count("COUNTERSIGN_MOST_QUEUED", 5000, least=0)
TURN_TIME = timedelta(seconds=30)
DRAIN_TIME = timedelta(minutes=5)
RETRY_DELAY = timedelta(seconds=env.seconds("COUNTERSIGN_RETRY_SECONDS", 3))
POLL_FAST = timedelta(seconds=env.seconds("COUNTERSIGN_POLL_SECONDS", 5))
THROTTLING_RETRY_LIMIT = timedelta(seconds=env.seconds("COUNTERSIGN_THROTTLING_SECONDS", 300))
TAKEOVERS_WITHOUT_PROGRESS = 3
# How long a process that is told to stop goes on with what it is doing.
STOP_TIME = timedelta(seconds=env.seconds("COUNTERSIGN_STOP_SECONDS", 25))
CLOCK_LONGEST_SLEEP = timedelta(seconds=5)

# The web: hosts that webhooks may be posted to, *.example.com for all below one, * for any
EGRESS_HOSTS = env.names("COUNTERSIGN_EGRESS_HOSTS")

# Scripts of aws:executeScript: their Python, and what this host remembers of them
SANDBOX_FOLDER = Path(env.text("COUNTERSIGN_SANDBOX_FOLDER", str(STATE / "sandbox-runtime")))
SCRIPT_SPOOL = STATE / "scripts"

# Approvals
STARTER_MAY_APPROVE = env.flag("COUNTERSIGN_STARTER_MAY_APPROVE")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
}
