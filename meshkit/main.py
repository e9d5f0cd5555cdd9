"""The command line of a service: `python -m NAME COMMAND`."""

import argparse
import asyncio
import ctypes
import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog
import uvloop

from meshkit.crash_points import arm
from meshkit.grpc.server import ServerSettings
from meshkit.logs import set_up_logs
from meshkit.settings import SettingsError
from meshkit.telemetry.set_up import set_up_telemetry

# Its parameters become arguments of the command line, converted to the annotated types.
Command = Callable[..., Awaitable[None]]
_PR_SET_DUMPABLE = 4


def main(name: str, commands: Mapping[str, Command]) -> None:
    """Run one of a service's commands on uvloop. The first line of a command's docstring is its help.

    Exits with 2 and a message if settings are mistyped, missing or wrong, and with 1 for any later failure.
    """
    # Imported here because it changes what is imported after it.
    from meshkit.lean import end_imports

    end_imports()
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=f"One process of {name}.")
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for word, command in commands.items():
        choice = choices.add_parser(word, help=(command.__doc__ or "").partition("\n")[0])
        for parameter in inspect.signature(command).parameters.values():
            choice.add_argument(parameter.name, type=parameter.annotation, metavar=parameter.name.upper())
    arguments = vars(parser.parse_args())
    os.umask(0o077)  # databases, originals and keys are for this user alone
    hide_from_other_processes()
    chosen = arguments.pop("command")
    try:
        settings = ServerSettings.load()
        arm(settings.crashpoint)
        set_up_logs(f"{name} {chosen}", settings.log_level, settings.log_format)
        set_up_telemetry(name if chosen == "serve" else f"{name} {chosen}")
        uvloop.run(_run(partial(commands[chosen], **arguments)))
    except SettingsError as error:
        sys.exit(_usage(str(error)))
    except Exception:  # noqa: BLE001 - the process ends, and this is logged like everything else
        structlog.get_logger().exception("process_failed")
        sys.exit(1)


def hide_from_other_processes() -> None:
    """Close this process's memory and environment, which hold secrets, to other processes of the same user.

    Only Linux can. Child processes that exec are not affected. There are no core dumps either.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _usage(text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - for the person at the terminal, before logging is set up
    return 2


async def _run(command: Command) -> None:
    # Only one event loop per process: grpc.aio fails on a second one.
    asyncio.get_running_loop().slow_callback_duration = 1.0
    await command()
