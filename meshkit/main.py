"""The command line of a service: `python -m NAME COMMAND`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping

import uvloop

from meshkit.logs import set_up_logs
from meshkit.server import ServerSettings
from meshkit.settings import SettingsError
from meshkit.telemetry import set_up_telemetry

Command = Callable[[], Awaitable[None]]


def main(name: str, commands: Mapping[str, Command]) -> None:
    """Run one of a service's commands on uvloop. The first line of a command's docstring is its help.

    Exits with 2 for settings that are mistyped, missing or wrong, after saying which.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=f"One process of {name}.")
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for word, command in commands.items():
        choices.add_parser(word, help=(command.__doc__ or "").partition("\n")[0])
    chosen = parser.parse_args().command
    try:
        settings = ServerSettings.load()
        set_up_logs(f"{name} {chosen}", settings.log_level, settings.log_format)
        set_up_telemetry(name)
        uvloop.run(_run(commands[chosen]))
    except SettingsError as error:
        sys.exit(_usage(str(error)))


def _usage(text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - for the person at the terminal, before logs make sense
    return 2


async def _run(command: Command) -> None:
    # One loop a process: grpc.aio fails on a second one.
    asyncio.get_running_loop().slow_callback_duration = 1.0
    await command()
