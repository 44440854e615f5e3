"""The folder that the process works in, which may have been deleted."""

import logging
import os

logger = logging.getLogger(__name__)


def leave_deleted_folder() -> None:
    """Go to the root where the working directory has been deleted: torch's mathematics end the process there.

    This helps only before torch is imported, or where the folder was still there at that time.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        logger.warning("The working directory has been deleted; the process goes on in %s.", os.sep)
        os.chdir(os.sep)
