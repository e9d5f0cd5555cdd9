"""Commands: `python -m edge_proxy render|validate|run|limits`."""

import argparse
import asyncio
import json
import os
import sys

from edge_proxy.contracts import ContractsError
from edge_proxy.envoy import program as envoy
from edge_proxy.envoy.bootstrap import bootstrap, secrets
from edge_proxy.envoy.filters.token_file import write_tokens
from edge_proxy.run import run
from edge_proxy.settings.edge import EdgeSettings
from meshkit.settings import SettingsError


def main() -> None:
    """Run one command; exit with 2 and a sentence where something about the set-up is wrong."""
    parser = argparse.ArgumentParser(prog="python -m edge_proxy", description="The edge of a mesh: Envoy, configured.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("render", help="print the configuration as JSON")
    commands.add_parser("validate", help="write the configuration and let Envoy check it")
    commands.add_parser("run", help="write the configuration and run Envoy until SIGTERM, then drain")
    commands.add_parser("limits", help="answer several edges that count calls together, until SIGTERM")
    command = parser.parse_args().command
    os.umask(0o077)  # the configuration names credentials
    try:
        if command == "limits":
            _count()
        else:
            _do(command, EdgeSettings.load())
    except (SettingsError, ContractsError, envoy.EnvoyError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def _do(command: str, settings: EdgeSettings) -> None:
    config = bootstrap(settings)
    if command == "render":
        json.dump(config, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    path = envoy.write_config(settings, config, secrets(settings))
    write_tokens(settings)
    if command == "run":
        sys.exit(asyncio.run(run(settings, path)))
    envoy.validate(settings, path)
    sys.stdout.write(f"{path} is valid\n")


def _count() -> None:
    # Edges do not need what this imports.
    from edge_proxy.limits.service import LimitsSettings
    from edge_proxy.limits.service import run as count

    asyncio.run(count(LimitsSettings.load()))


if __name__ == "__main__":
    main()
