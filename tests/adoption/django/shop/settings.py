"""The settings of the shop. Each database has its URL in a variable."""

import os
from urllib.parse import unquote, urlsplit


def database(variable):
    url = os.environ[variable]
    if url.startswith("sqlite:"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url[len("sqlite:") :]}
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": unquote(parts.password or ""),
    }


DATABASES = {
    "default": database("DATABASE_URL"),
    "users_01": database("USERS_01_URL"),
    "users_02": database("USERS_02_URL"),
}
DATABASE_ROUTERS = ["shop.router.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "plans", "accounts"]
SECRET_KEY = "nothing is signed here"
USE_TZ = True
