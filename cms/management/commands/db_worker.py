"""`manage.py db_worker`: that of django-tasks-db, which outlives a database that was locked for longer than it waits."""

import logging
from typing import Any

from django.db import OperationalError, connection
from django_tasks_db.management.commands import db_worker
from django_tasks_db.utils import is_locked_database_exception

logger = logging.getLogger("cms.db_worker")


class Command(db_worker.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        while True:
            try:
                return super().handle(*args, **options)
            except OperationalError as error:
                if not is_locked_database_exception(error):
                    raise
                logger.warning("The database was locked for too long; the worker asks again.")
                connection.close()
