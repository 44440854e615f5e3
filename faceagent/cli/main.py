"""Assembles the command line; each command has a module of its own in this package.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 error, 2 wrong usage,
3 refused by policy, 4 some pictures could not be analysed while the others were, 130 ended by Ctrl-C, 143 by SIGTERM.
"""

import logging
import signal
import sys
from typing import Annotated, NoReturn

import typer
from rich.logging import RichHandler
from rich.text import Text

from faceagent import __version__
from faceagent.cli import (
    analyze,
    chat,
    doctor,
    mcp,
    reproduce,
    route,
    serve,
    sessions,
    tools,
    verify_report,
    vlm,
    weights,
)
from faceagent.cli.checkout import add_evaluation
from faceagent.cli.exit_codes import ERROR, INTERRUPTED, OK, REFUSED, TERMINATED, USAGE
from faceagent.cli.render import err, out
from faceagent.cli.streams import abandon_stdout, prepare
from faceagent.errors import FaceagentError, InputError, PolicyRefusal
from faceagent.working_folder import leave_deleted_folder

app = typer.Typer(
    name="faceagent",
    help="Explainable face analysis: expression, deepfake, identity.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    chat.chat,
    route.route,
    analyze.analyze,
    verify_report.verify_report,
    reproduce.reproduce,
    tools.tools,
    serve.serve,
    doctor.doctor,
    mcp.mcp,
):
    app.command()(_command)
for _name, _group in (("weights", weights.app), ("vlm", vlm.app), ("sessions", sessions.app)):
    app.add_typer(_group, name=_name)


def main() -> None:
    """Entry point: runs the command and turns faceagent's errors into a message and an exit code."""
    prepare()
    signal.signal(signal.SIGTERM, _terminate)
    handler = RichHandler(console=err, show_time=False, show_path=False)
    handler.addFilter(logging.Filter("faceagent"))  # what other libraries log is not for the terminal
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    leave_deleted_folder()
    try:
        # Only where it is run or listed: importing the evaluation takes time.
        if sys.argv[1:2] in ([], ["eval"], ["-h"], ["--help"]):
            add_evaluation(app)
        app()
    except PolicyRefusal as refusal:
        _fail(refusal, REFUSED)
    except InputError as error:
        _fail(error, USAGE)
    except FaceagentError as error:
        _fail(error, ERROR)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        # Standard output itself: a full disk, a closed terminal.
        abandon_stdout()
        if not isinstance(error, BrokenPipeError):
            err.print(f"error: the output cannot be written: {error.strerror}.")
        sys.exit(OK if isinstance(error, BrokenPipeError) else ERROR)


def _terminate(number: int, frame: object) -> NoReturn:
    """End as after an error, so that temporary files are deleted and child processes stopped."""
    del number, frame
    sys.exit(TERMINATED)


def _fail(error: FaceagentError, code: int) -> NoReturn:
    err.print(Text(f"{error.code}: ", style="bold red") + Text(str(error), style="default"))
    sys.exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"faceagent {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version
