"""How long commands of the multiplexed connection take, as metrics."""

import pytest

from meshkit.redis import measured_mux
from meshkit.redis.measured_mux import MeasuredMux
from meshkit.redis.mux import open_mux
from meshkit.telemetry.catalog import STATEMENT_DURATION
from tests.recorded import Recorded


async def test_round_trips_are_measured(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With metrics on, a connection counts each round trip by its first command, and answers as before."""
    monkeypatch.setenv("LENSFEED_METRICS_ADDR", "127.0.0.1:0")
    recorded = Recorded(monkeypatch).replace(measured_mux, _duration=STATEMENT_DURATION)
    async with open_mux(valkey_url) as mux:
        assert isinstance(mux, MeasuredMux)
        await mux.execute("SET", "{measured}", "1")
        assert await mux.execute_many([("INCR", "{measured}"), ("GET", "{measured}")]) == [2, b"2"]
        assert await mux.get_many([b"{measured}"]) == [b"2"]
        assert await mux.execute_many([]) == await mux.get_many([]) == []
    assert recorded.values(STATEMENT_DURATION) == {("redis", "", name, ""): 1 for name in ("SET", "INCR", "MGET")}
