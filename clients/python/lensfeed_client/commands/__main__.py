"""`python -m lensfeed_client.commands`."""

from lensfeed_client.commands.app import main

main()
