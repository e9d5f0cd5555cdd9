"""The layers around every method, composed once when the server is built.

grpc.aio sets up its interceptors again for each call. These layers wrap a method once, so each costs one await.
"""

from meshkit.grpc.layers.base import Handler, Layer, Method
from meshkit.grpc.layers.caller import caller
from meshkit.grpc.layers.errors import errors
from meshkit.grpc.layers.peers import peers

__all__ = ["Handler", "Layer", "Method", "compose", "ops_layers"]


def ops_layers(*, default_deadline: float, mutual_tls: bool = False) -> tuple[Layer, ...]:
    """Return the layers of operators' methods, without those that refuse calls to a busy server."""
    return (caller(default_deadline), errors(), *((peers(),) if mutual_tls else ()))


def compose(method: Method, layers: tuple[Layer, ...], handler: Handler) -> Handler:
    """Wrap a method's handler in layers, the first outermost."""
    for layer in reversed(layers):
        handler = layer(method, handler)
    return handler
