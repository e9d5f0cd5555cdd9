"""Who may see whom: the gate that every answer with other accounts' data passes.

follow_svc decides (`Sights`), and each service has one `Gate` that asks it. Only the gate makes `Seen` values.
"""

from meshkit.sight.errors import AccountPrivateError, UserBlockedError
from meshkit.sight.gate import Gate, for_service, of_caller
from meshkit.sight.kinds import SightKind
from meshkit.sight.ports import Sights
from meshkit.sight.seen import Seen

__all__ = [
    "AccountPrivateError",
    "Gate",
    "Seen",
    "SightKind",
    "Sights",
    "UserBlockedError",
    "for_service",
    "of_caller",
]
