"""What every call passes on its way to a method, composed once a method when the server is built.

grpc.aio runs its own interceptors anew for each call; ours wrap a method once, so that a layer costs one await.
"""

from meshkit.grpc.layers.base import Handler, Layer, Method
from meshkit.grpc.layers.caller import caller
from meshkit.grpc.layers.deadline import deadline
from meshkit.grpc.layers.errors import errors
from meshkit.grpc.layers.parsing import parsing
from meshkit.grpc.layers.peers import peers
from meshkit.grpc.layers.shedding import shedding
from meshkit.grpc.layers.telemetry import telemetry
from meshkit.grpc.layers.validation import validation

__all__ = ["Handler", "Layer", "Method", "compose", "default_layers", "ops_layers"]


def default_layers(*, max_in_flight: int, default_deadline: float, mutual_tls: bool = False) -> tuple[Layer, ...]:
    """Return the layers of a server, outermost first. With mutual TLS, callers are told apart by their certificates."""
    return (
        caller(default_deadline),  # first: everything below, logs included, knows the request id and who calls
        telemetry(),  # outside of errors, to see the status that the caller gets
        errors(),  # turns what the layers below raise into a status
        *((peers(),) if mutual_tls else ()),  # before the call costs anybody else anything
        shedding(max_in_flight),  # before any work is done for the call
        deadline(),  # bounds parsing, too
        parsing(),  # bytes to message: below errors, so that bad bytes are an error of ours
        validation(),  # the rules of the contract, the last before the method
    )


def ops_layers(*, default_deadline: float, mutual_tls: bool = False) -> tuple[Layer, ...]:
    """Return the layers of what a server tells the people who run it: none that a full or slow one would refuse them by."""
    return (caller(default_deadline), errors(), *((peers(),) if mutual_tls else ()))


def compose(method: Method, layers: tuple[Layer, ...], handler: Handler) -> Handler:
    """Wrap a method's handler in layers, the first outermost."""
    for layer in reversed(layers):
        handler = layer(method, handler)
    return handler
