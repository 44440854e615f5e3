"""What a server does by itself from time to time: remove what has expired, deliver webhooks."""

import threading
from collections.abc import Callable

from faceagent.errors import StorageError
from faceagent.serve.logs import logger
from faceagent.serve.service import Service
from faceagent.serve.webhooks import deliver_due
from faceagent.serve.worker import job_ended
from faceagent.storage.database.api_keys import forget_uses
from faceagent.storage.database.audit import forget_entries
from faceagent.storage.database.browser_sessions import forget_sessions
from faceagent.storage.database.cases import expire_cases
from faceagent.storage.database.deliveries import forget_deliveries
from faceagent.storage.database.engine import now
from faceagent.storage.database.jobs import expire_jobs


def remove_expired(service: Service) -> int:
    """Remove the content of cases and jobs whose time is over, and old log lines; returns how many cases ended."""
    database, settings = service.database, service.settings
    ended = expire_cases(database)
    expire_jobs(database, finished=job_ended)
    forget_uses(database)
    forget_sessions(database)
    forget_entries(database, now() - settings.audit_seconds)
    forget_deliveries(database, now() - settings.job_seconds)
    return ended


def threads(service: Service) -> list[threading.Thread]:
    """The threads that do it until the service stops."""
    settings = service.settings

    def removing() -> None:
        remove_expired(service)

    def delivering() -> None:
        deliver_due(service.database, settings, service.metrics)

    work = (("removal", settings.purge_seconds, removing), ("webhooks", settings.poll_seconds, delivering))
    return [
        threading.Thread(target=_repeat, args=(service, seconds, one), name=f"faceagent-{name}", daemon=True)
        for name, seconds, one in work
    ]


def _repeat(service: Service, seconds: float, work: Callable[[], None]) -> None:
    while not service.stopping.wait(seconds):
        try:
            work()
        except StorageError as error:
            logger.warning("upkeep_waits", code=error.code)
        except Exception as error:
            logger.exception("upkeep_crashed", kind=type(error).__name__)
