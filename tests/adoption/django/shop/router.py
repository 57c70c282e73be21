"""Which database an application's tables are in."""


class Router:
    def allow_migrate(self, db, app_label, **hints):
        return (app_label == "accounts") == db.startswith("users_")
