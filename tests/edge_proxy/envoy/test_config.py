"""The rendered configuration, without running Envoy."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodOptions
from lensfeed.options.v1 import options_pb2

from edge_proxy.contracts import ContractsError, public_methods, read_descriptors
from edge_proxy.envoy import program as envoy
from edge_proxy.envoy.bootstrap import bootstrap
from edge_proxy.envoy.filters.tokens import FILTER, token_configs
from edge_proxy.json_types import Json
from edge_proxy.settings.edge import EdgeSettings
from edge_proxy.sockets import make_socket_folder
from meshkit.settings import SettingsError
from tests.edge_proxy.backend import INTERNAL, SERVICES

# Methods that the edge process serves itself.
OWN = {
    "/grpc.health.v1.Health/Check",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jwks_file: Path) -> pytest.MonkeyPatch:
    """Set only the required settings."""
    for name in ("USER", "FOLLOW", "POST", "MEDIA", "FEED"):
        monkeypatch.setenv(f"LENSFEED_{name}_ADDR", "127.0.0.1:50051")
    monkeypatch.setenv("LENSFEED_S3_ENDPOINT_URL", "http://127.0.0.1:8333")
    monkeypatch.setenv("LENSFEED_EDGE_S3_ACCESS_KEY", "edge-key")
    monkeypatch.setenv("LENSFEED_EDGE_S3_SECRET_KEY", "edge-secret")
    monkeypatch.setenv("LENSFEED_TOKEN_JWKS_FILE", str(jwks_file))
    monkeypatch.setenv("LENSFEED_EDGE_DIR", str(tmp_path))
    return monkeypatch


@pytest.fixture
def settings(environment: pytest.MonkeyPatch) -> EdgeSettings:
    """Load the settings of that environment."""
    return EdgeSettings.load()


def paths(services: tuple[ServiceDescriptor, ...]) -> set[str]:
    """Return the gRPC paths of services."""
    return {f"/{service.full_name}/{method.name}" for service in services for method in service.methods}


def routes(config: Json) -> list[Json]:
    """Return the routes of a configuration."""
    (listener,) = config["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    (host,) = manager["route_config"]["virtual_hosts"]
    listed: list[Json] = host["routes"]
    return listed


def rule_of(rules: list[Json], path: str) -> Json:
    """Return the first rule that matches a path, as Envoy does."""
    return next(
        rule
        for rule in rules
        if rule["match"].get("path") == path or ("prefix" in rule["match"] and path.startswith(rule["match"]["prefix"]))
    )


def test_every_public_method_has_a_route(settings: EdgeSettings) -> None:
    """Each public method has a route to an existing cluster."""
    config = bootstrap(settings)
    clusters = {cluster["name"] for cluster in config["static_resources"]["clusters"]}
    by_path = {
        route["match"]["path"]: route["route"]
        for route in routes(config)
        if "path" in route["match"] and "route" in route
    }
    assert set(by_path) == paths(SERVICES) | OWN
    assert {route["cluster"] for route in by_path.values()} <= clusters
    assert by_path["/lensfeed.follow.v1.FollowService/CreateFollow"]["cluster"] == "follow"


def test_reflection_can_be_turned_off(environment: pytest.MonkeyPatch) -> None:
    """Without reflection, its routes are gone but gRPC health stays."""
    environment.setenv("LENSFEED_EDGE_REFLECTION", "false")
    leading = {route["match"].get("path", "") for route in routes(bootstrap(EdgeSettings.load()))}
    assert {path for path in leading if path.startswith("/grpc.")} == {"/grpc.health.v1.Health/Check"}


def test_a_folder_with_a_long_name_has_its_sockets_elsewhere(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a socket's name would be too long for the kernel, it is in a private folder of its own."""
    folder = tmp_path / ("long" * 26)
    environment.setenv("LENSFEED_EDGE_DIR", str(folder))
    monkey = tmp_path / "tmp"
    monkey.mkdir()
    environment.setattr("tempfile.tempdir", str(monkey))
    admin = bootstrap(EdgeSettings.load())["admin"]["address"]["pipe"]
    assert admin["mode"] == 0o600
    make_socket_folder(folder)
    assert Path(admin["path"]).parent.parent == monkey
    assert Path(admin["path"]).parent.stat().st_mode & 0o777 == 0o700
    Path(admin["path"]).parent.chmod(0o755)
    with pytest.raises(SettingsError, match="other users can open"):
        make_socket_folder(folder)


def test_internal_methods_have_no_route(settings: EdgeSettings) -> None:
    """No route except the last, which refuses, matches an internal method."""
    for path in paths(INTERNAL):
        for route in routes(bootstrap(settings)):
            match = route["match"]
            catches = match.get("path") == path or ("prefix" in match and path.startswith(match["prefix"]))
            leads_somewhere = route.get("route", {}).get("cluster", "unknown") != "unknown"
            assert not (catches and leads_somewhere)


def test_access_follows_the_contract(settings: EdgeSettings) -> None:
    """A method needs a token unless its contract says ACCESS_ANYONE."""
    resources = token_configs(public_methods(read_descriptors(settings.descriptor_set)), "")
    rules = resources[FILTER]["rules"]
    opened = {
        f"/{service.full_name}/{method.name}"
        for service in SERVICES
        for method in service.methods
        if method.GetOptions().Extensions[options_pb2.access] == options_pb2.ACCESS_ANYONE
    }
    assert opened
    for path in paths(SERVICES):
        assert ("requires" in rule_of(rules, path)) == (path not in opened)


def test_a_new_method_needs_a_token(settings: EdgeSettings) -> None:
    """A method without an access option needs a token."""
    descriptors = FileDescriptorSet()
    descriptors.CopyFrom(read_descriptors(settings.descriptor_set))
    (file,) = (file for file in descriptors.file if file.name == "lensfeed/user/v1/user_service.proto")
    file.service[0].method.add(name="NewMethod", input_type=".a", output_type=".b")
    methods = public_methods(descriptors)
    rules = token_configs(methods, "")[FILTER]["rules"]
    assert "/lensfeed.user.v1.UserService/NewMethod" in {method.path for method in methods}
    assert "requires" in rule_of(rules, "/lensfeed.user.v1.UserService/NewMethod")


def test_only_repeatable_methods_are_retried(settings: EdgeSettings) -> None:
    """Exactly the methods with an idempotency level have a retry policy."""
    retried = {
        route["match"]["path"]
        for route in routes(bootstrap(settings))
        if "path" in route["match"] and "retry_policy" in route.get("route", {})
    }
    assert retried == {
        f"/{service.full_name}/{method.name}"
        for service in SERVICES
        for method in service.methods
        if method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "LENSFEED_FEED_ADDR": "dns:///feed.mesh.internal:50051",
            "LENSFEED_USER_ADDR": "[::1]:50051",
            "LENSFEED_S3_ENDPOINT_URL": "https://s3.eu-central-1.amazonaws.com",
            "LENSFEED_CORS_ORIGINS": "https://a.example, https://b.example:8443",
            "LENSFEED_EDGE_ADDR": "0.0.0.0:8080",
            "LENSFEED_LOG_LEVEL": "debug",
        },
    ],
)
def test_envoy_accepts_the_configuration(environment: pytest.MonkeyPatch, changes: dict[str, str]) -> None:
    """Envoy accepts the rendered configuration, for one machine and for production."""
    for name, value in changes.items():
        environment.setenv(name, value)
    done = subprocess.run(
        [sys.executable, "-m", "edge_proxy", "validate"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout.endswith("is valid\n")


def test_envoys_error_is_reported(settings: EdgeSettings) -> None:
    """If Envoy refuses the configuration, its message is reported."""
    path = envoy.write_config(settings, {"static_resources": {"listeners": [{"nonsense": 1}]}})
    with pytest.raises(envoy.EnvoyError, match="nonsense"):
        envoy.validate(settings, path)


def test_names_are_resolved_and_addresses_are_not(environment: pytest.MonkeyPatch) -> None:
    """DNS names use STRICT_DNS and addresses are static."""
    environment.setenv("LENSFEED_FEED_ADDR", "feed.mesh.internal:50051")
    clusters = bootstrap(EdgeSettings.load())["static_resources"]["clusters"]
    kinds = {cluster["name"]: cluster["type"] for cluster in clusters}
    assert (kinds["feed"], kinds["user"]) == ("STRICT_DNS", "STATIC")


def test_calls_are_spread_over_several_addresses(environment: pytest.MonkeyPatch) -> None:
    """A setting may list the addresses of a service's processes."""
    environment.setenv("LENSFEED_FEED_ADDR", "10.0.0.1:50055, [fd00::2]:50056")
    clusters = {cluster["name"]: cluster for cluster in bootstrap(EdgeSettings.load())["static_resources"]["clusters"]}
    [group] = clusters["feed"]["load_assignment"]["endpoints"]
    addresses = [each["endpoint"]["address"]["socket_address"] for each in group["lb_endpoints"]]
    assert [(each["address"], each["port_value"]) for each in addresses] == [("10.0.0.1", 50055), ("fd00::2", 50056)]
    assert clusters["feed"]["type"] == "STATIC"


@pytest.mark.parametrize(("host", "kind"), [("s3.example", "DNS"), ("192.0.2.1", "IP_ADDRESS")])
def test_a_store_with_tls_is_verified(environment: pytest.MonkeyPatch, host: str, kind: str) -> None:
    """The store's certificate must match its name and a trusted root."""
    environment.setenv("LENSFEED_S3_ENDPOINT_URL", f"https://{host}")
    clusters = {cluster["name"]: cluster for cluster in bootstrap(EdgeSettings.load())["static_resources"]["clusters"]}
    trust = clusters["s3"]["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]
    assert trust["match_typed_subject_alt_names"] == [{"san_type": kind, "matcher": {"exact": host}}]
    assert "BEGIN CERTIFICATE" in Path(trust["trusted_ca"]["filename"]).read_text()
    assert "transport_socket" not in clusters["feed"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LENSFEED_EDGE_ADMIN_ADDR", "0.0.0.0:9901"),
        ("LENSFEED_EDGE_ADDR", "127.0.0.1"),
        ("LENSFEED_FEED_ADDR", "127.0.0.1:99999"),
        ("LENSFEED_FEED_ADDR", "feed-1.internal:50055,feed-2.internal:50055"),
        ("LENSFEED_USER_ADDR", " , "),
        ("LENSFEED_S3_ENDPOINT_URL", "127.0.0.1:8333"),
        ("LENSFEED_S3_BUCKET", "Not A Bucket"),
        ("LENSFEED_EDGE_S3_SECRET_KEY", ""),
        ("LENSFEED_CORS_ORIGINS", "*"),
        ("LENSFEED_CORS_ORIGINS", "https://a.example/path"),
        ("LENSFEED_EDGE_TIMEOUT_SECONDS", "0"),
    ],
)
def test_wrong_settings_are_named(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    """An invalid setting raises an error that names it."""
    environment.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        EdgeSettings.load()


def test_a_missing_envoy_names_its_setting(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A missing Envoy raises an error that names the setting."""
    environment.setenv("LENSFEED_ENVOY_BINARY", str(tmp_path / "nothing"))
    with pytest.raises(envoy.EnvoyError, match="LENSFEED_ENVOY_BINARY"):
        envoy.find_binary(EdgeSettings.load())


def test_missing_descriptors_name_their_setting(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A missing descriptor set raises an error that says how to create it."""
    environment.setenv("LENSFEED_DESCRIPTOR_SET", str(tmp_path / "nothing"))
    with pytest.raises(ContractsError, match="make protos"):
        bootstrap(EdgeSettings.load())


def test_a_missing_setting_ends_with_a_message(environment: pytest.MonkeyPatch) -> None:
    """The command exits with 2 and a message, not with a traceback."""
    environment.delenv("LENSFEED_USER_ADDR")
    done = subprocess.run(
        [sys.executable, "-m", "edge_proxy", "render"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == "LENSFEED_USER_ADDR: Field required\n"
