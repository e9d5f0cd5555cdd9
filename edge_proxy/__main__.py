"""Commands: `python -m edge_proxy render|validate|run|limits`."""

import argparse
import asyncio
import json
import os
import sys

import meshkit.lean  # first: it decides what libraries import
from edge_proxy.contracts import ContractsError
from edge_proxy.descriptors import fit_connections
from edge_proxy.envoy import program as envoy
from edge_proxy.envoy.bootstrap import bootstrap, secrets
from edge_proxy.envoy.capabilities import write_capabilities
from edge_proxy.envoy.filters.token_file import write_tokens
from edge_proxy.run import run
from edge_proxy.settings.edge import EdgeSettings
from meshkit.settings import SettingsError


def main() -> None:
    """Run one command. Exits with 2 and a message if the configuration is wrong."""
    meshkit.lean.end_imports()
    parser = argparse.ArgumentParser(
        prog="python -m edge_proxy", description="Configure and run Envoy as the edge of a mesh."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("render", help="print the configuration as JSON")
    commands.add_parser("validate", help="write the configuration and have Envoy check it")
    commands.add_parser("run", help="write the configuration and run Envoy until SIGTERM, then drain")
    commands.add_parser("limits", help="run the rate limit service that several edges share")
    command = parser.parse_args().command
    os.umask(0o077)  # the configuration names credentials
    try:
        if command == "limits":
            _run_limits()
        else:
            _run_edge(command, fit_connections(EdgeSettings.load()))
    except (SettingsError, ContractsError, envoy.EnvoyError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def _run_edge(command: str, settings: EdgeSettings) -> None:
    config = bootstrap(settings)
    if command == "render":
        json.dump(config, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    path = envoy.write_config(settings, config, secrets(settings))
    write_tokens(settings)
    write_capabilities(settings)
    if command == "run":
        sys.exit(asyncio.run(run(settings, path)))
    envoy.validate(settings, path)
    sys.stdout.write(f"{path} is valid\n")


def _run_limits() -> None:
    # Imported here because the other commands do not need it.
    from edge_proxy.limits.service import LimitsSettings
    from edge_proxy.limits.service import run as count

    asyncio.run(count(LimitsSettings.load()))


if __name__ == "__main__":
    main()
