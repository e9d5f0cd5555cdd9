"""Every environment variable that some part of lensfeed reads, so that each part can refuse a mistyped one.

A process reads only its own settings, but the variables of a whole mesh often stand in one environment: what is foreign is
fine, what is unknown is a mistake. A test holds this list against the settings classes of all rooms.
"""

SETTING_NAMES = frozenset(
    {
        "LENSFEED_LISTEN_ADDR",
    }
)
