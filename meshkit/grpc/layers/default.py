"""The layers around the methods of a service."""

from meshkit.grpc.layers.base import Layer
from meshkit.grpc.layers.caller import caller
from meshkit.grpc.layers.deadline import deadline
from meshkit.grpc.layers.errors import errors
from meshkit.grpc.layers.peers import peers
from meshkit.grpc.layers.requests import requests
from meshkit.grpc.layers.shedding import shedding
from meshkit.grpc.layers.sight import sight
from meshkit.grpc.layers.telemetry import telemetry


def default_layers(*, max_in_flight: int, default_deadline: float, mutual_tls: bool = False) -> tuple[Layer, ...]:
    """Return the layers of a server, outermost first. With mutual TLS, they check callers' certificates."""
    return (
        caller(default_deadline),  # first: everything below, including logs, knows the request id and the caller
        telemetry(),  # outside of errors, to see the status that the caller gets
        errors(),  # turns what the layers below raise into a status
        *((peers(),) if mutual_tls else ()),  # before the call takes a place
        shedding(max_in_flight),  # before any work is done for the call
        deadline(),  # bounds parsing, too
        requests(),  # inside of errors, so that invalid bytes and broken rules get an error of the contract
        sight(),  # innermost: it sees whether the method itself asked the gate
    )
