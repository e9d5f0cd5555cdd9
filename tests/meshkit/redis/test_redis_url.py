"""URLs of Redis servers and clusters."""

import ssl

import pytest

from meshkit.redis.url import read_redis_url
from meshkit.service_settings import RedisSettings
from meshkit.settings import SettingsError


def test_a_servers_url_is_parsed_by_redis_py() -> None:
    """It contains host, port, database and credentials."""
    [endpoint] = read_redis_url("redis://app:s%20cret@redis.internal:7000/3").endpoints
    assert (endpoint.host, endpoint.port, endpoint.db) == ("redis.internal", 7000, 3)
    assert (endpoint.username, endpoint.password, endpoint.tls) == ("app", "s cret", None)
    assert read_redis_url("unix:///run/redis.sock?db=2").endpoints[0].path == "/run/redis.sock"


def test_a_cluster_has_one_node_or_more_with_the_same_credentials() -> None:
    """Ports may be omitted, and addresses may be IPv6."""
    read = read_redis_url("redis+cluster://:secret@a:7000,b,[::1]:7002/0")
    assert read.is_cluster
    assert [(node.host, node.port, node.password) for node in read.endpoints] == [
        ("a", 7000, "secret"),
        ("b", 6379, "secret"),
        ("::1", 7002, "secret"),
    ]


@pytest.mark.parametrize("url", ["rediss://a", "rediss+cluster://a:1,b:2"])
def test_tls_checks_certificates_and_names(url: str) -> None:
    """The URL may turn this off, as in redis-py."""
    context = read_redis_url(url).endpoints[-1].tls
    assert context is not None
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    lenient = read_redis_url(f"{url}?ssl_check_hostname=false").endpoints[0].tls
    assert lenient is not None
    assert not lenient.check_hostname


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("localhost:6379", "begin with"),
        ("http://localhost", "begin with"),
        ("redis+cluster://", "host:port"),
        ("redis+cluster://a:1,,b:2", "host:port"),
        ("redis+cluster://a:1/5", "database 0"),
        ("redis://:hidden@a:port", "port"),
    ],
)
def test_an_invalid_url_is_refused(url: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process does not start and names the setting, without printing a password."""
    monkeypatch.setenv("LENSFEED_REDIS_URL", url)
    with pytest.raises(SettingsError, match=f"LENSFEED_REDIS_URL: .*{why}") as refused:
        RedisSettings.load()
    assert "hidden" not in str(refused.value)
