"""The layers around every method, composed once when the server is built.

grpc.aio sets up its interceptors again for each call. These layers wrap a method once, so each costs one await.
"""

from meshkit.grpc.layers.base import Handler, Layer, Method
from meshkit.grpc.layers.caller import caller
from meshkit.grpc.layers.deadline import deadline
from meshkit.grpc.layers.errors import errors
from meshkit.grpc.layers.peers import peers
from meshkit.grpc.layers.requests import requests
from meshkit.grpc.layers.shedding import shedding
from meshkit.grpc.layers.telemetry import telemetry

__all__ = ["Handler", "Layer", "Method", "compose", "default_layers", "ops_layers"]


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
    )


def ops_layers(*, default_deadline: float, mutual_tls: bool = False) -> tuple[Layer, ...]:
    """Return the layers of operators' methods, without those that refuse calls to a busy server."""
    return (caller(default_deadline), errors(), *((peers(),) if mutual_tls else ()))


def compose(method: Method, layers: tuple[Layer, ...], handler: Handler) -> Handler:
    """Wrap a method's handler in layers, the first outermost."""
    for layer in reversed(layers):
        handler = layer(method, handler)
    return handler
