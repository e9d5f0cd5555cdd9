"""The chart renders valid, safe and complete objects, whatever the values."""

from pathlib import Path

import pytest

from docs.generate.settings_classes import PROCESSES
from media_svc.settings import S3Settings
from meshkit.identity.parts import SERVICES, dns_name, spiffe_id
from meshkit.service_settings import ServiceSettings
from meshkit.settings import PREFIX, Settings
from tests.deploy.chart import CHART, CUSTOM, NEWEST, OLDEST, SAMPLES, by_name, environment, objects, pods, render, run
from tests.deploy.chart import write_schemas as write
from tools.roles import ROLES

pytestmark = pytest.mark.slow  # it needs Helm

every_sample = pytest.mark.parametrize("sample", SAMPLES)
# Commands of jobs, and what they read.
JOBS: dict[str, type[Settings]] = {
    **{f"{part} migrate": ServiceSettings for part in ("user", "follow", "post", "media")},
    "media set-up-bucket": S3Settings,
}
WORKERS = {"post-work", "media-work", "feed-work"}


@pytest.fixture(scope="module", params=[OLDEST, NEWEST])
def schemas(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the schemas of the oldest and of the newest Kubernetes."""
    folder = tmp_path_factory.mktemp("schemas")
    write(folder, request.param)
    return folder


@every_sample
def test_every_object_is_valid(sample: str | None, schemas: Path) -> None:
    """Kubernetes, cert-manager, KEDA and the Gateway API know each field of each object."""
    files = [f"{folder}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json" for folder in (schemas, CUSTOM)]
    locations = [word for file in files for word in ("-schema-location", file)]
    run("kubeconform", "-strict", *locations, text=render(sample))


def test_helm_finds_no_fault() -> None:
    """`helm lint --strict` accepts the chart."""
    run("helm", "lint", "--strict", str(CHART), "--kube-version", NEWEST)


@every_sample
def test_each_variable_is_a_setting_of_its_process(sample: str | None) -> None:
    """A container gets only settings that its process reads, and all that the process requires."""
    for name, pod in pods(sample):
        [container] = pod["containers"]
        package, command = container["command"][2:]
        process = f"{package.removesuffix('_svc').removesuffix('_proxy')} {command}"
        fields = {**PROCESSES, **JOBS}[process].model_fields
        given = {each.removeprefix(PREFIX).lower() for each in environment(pod) if each.startswith(PREFIX)}
        required = {field for field, info in fields.items() if info.is_required()}
        assert given <= fields.keys(), name
        assert required <= given, name


@every_sample
def test_every_container_is_confined(sample: str | None) -> None:
    """No container is root, writes to its image, gains privileges or lacks limits, and no pod has a token of the cluster."""
    for name, pod in pods(sample):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert {*container["resources"]["requests"], *container["resources"]["limits"]} == {"cpu", "memory"}


@every_sample
def test_every_image_is_built(sample: str | None) -> None:
    """The chart names an image of a role that `make images` builds, which holds the package that its container runs."""
    for name, pod in pods(sample):
        [container] = pod["containers"]
        role = container["image"].partition("lensfeed-")[2].partition(":")[0]
        assert ROLES[role] == container["command"][2], name


@every_sample
def test_every_process_is_probed_and_drains(sample: str | None) -> None:
    """Each process has three probes, and its pod lives longer than it sleeps and drains."""
    for name, deployment in by_name(sample, "Deployment").items():
        pod = deployment["spec"]["template"]["spec"]
        [container] = pod["containers"]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), name
        sleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        drains = [
            float(each["value"])
            for key, each in environment(pod).items()
            if key.endswith(("DRAIN_SECONDS", "LEAVE_SECONDS"))
        ]
        assert pod["terminationGracePeriodSeconds"] > sleep + sum(drains)


@every_sample
def test_every_secret_is_a_reference(sample: str | None) -> None:
    """Settings that are secret come from secrets that exist already; the chart creates none."""
    assert not objects(sample, "Secret")
    for _, pod in pods(sample):
        for key, each in environment(pod).items():
            if key.endswith(("_KEY", "_KEYS", "_SECRET", "PASSWORD", "REDIS_URL", "_TOKEN")):
                assert "secretKeyRef" in each["valueFrom"], key


@every_sample
def test_only_callers_come_in(sample: str | None) -> None:
    """Each port of a service is open to the parts that call it, of a worker to nobody, and metrics to whom the values name."""
    policies = by_name(sample, "NetworkPolicy")
    deployments = by_name(sample, "Deployment")
    assert policies.keys() == deployments.keys()
    for name, policy in policies.items():
        rules = policy["spec"]["ingress"]
        selected = policy["spec"]["podSelector"]["matchLabels"]
        assert selected.items() <= deployments[name]["spec"]["template"]["metadata"]["labels"].items()
        ports = {port["port"]: rule for rule in rules for port in rule["ports"]}
        [container] = deployments[name]["spec"]["template"]["spec"]["containers"]
        named = {port["name"] for port in container["ports"]}
        assert ports.keys() <= named
        assert named - ports.keys() <= ({"metrics", "grpc"} if name in WORKERS else {"metrics"})
        if "grpc" in ports:
            callers = {
                each["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for each in ports["grpc"]["from"]
            }
            assert callers == {each for each in deployments if _calls(environment_of(deployments[each]), name)}


@every_sample
def test_pods_of_a_part_spread_and_stay(sample: str | None) -> None:
    """Each part has a disruption budget, spreads over zones and nodes, and scales unless its number is fixed."""
    deployments = by_name(sample, "Deployment")
    scaled = by_name(sample, "HorizontalPodAutoscaler").keys() | by_name(sample, "ScaledObject").keys()
    assert by_name(sample, "PodDisruptionBudget").keys() == deployments.keys()
    for name, each in deployments.items():
        assert ("replicas" in each["spec"]) == (name not in scaled)
        spread = each["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [rule["topologyKey"] for rule in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]


@every_sample
def test_services_are_headless_for_their_callers(sample: str | None) -> None:
    """A caller gets every pod of a service by DNS; only the edge has an address of its own, and workers have no Service."""
    services = by_name(sample, "Service")
    assert services.keys() == by_name(sample, "Deployment").keys() - WORKERS
    for name, service in services.items():
        assert (service["spec"].get("clusterIP") == "None") == (name != "edge")


def test_certificates_name_the_parts() -> None:
    """cert-manager issues the names by which parts know each other, into the folders that they read."""
    certificates = by_name(None, "Certificate")
    for part in (*SERVICES, "edge"):
        spec = certificates[f"mesh-{part}"]["spec"]
        assert (spec["dnsNames"], spec["uris"]) == ([dns_name(part)], [spiffe_id(part)])
    for name, pod in pods(None):
        if name in by_name(None, "Deployment"):
            [container] = pod["containers"]
            [mount] = [each for each in container["volumeMounts"] if each["name"] == "mesh-tls"]
            part = "edge" if name == "limits" else name.removesuffix("-work")
            assert mount["mountPath"] == f"/etc/lensfeed/mesh/{part}"


def test_tables_are_updated_before_processes_start() -> None:
    """Migrations and the bucket's rules are hooks of an installation and of an update."""
    jobs = by_name(None, "Job")
    assert jobs.keys() == {"migrate-user", "migrate-follow", "migrate-post", "migrate-media", "set-up-bucket"}
    assert {each["metadata"]["annotations"]["helm.sh/hook"] for each in jobs.values()} == {"pre-install,pre-upgrade"}


def test_keda_counts_the_events_that_wait() -> None:
    """With KEDA, workers scale by the lag of their groups, and have no autoscaler of their own."""
    scaled = by_name("valkey-cluster", "ScaledObject")
    assert scaled.keys() == WORKERS
    assert not scaled.keys() & by_name("valkey-cluster", "HorizontalPodAutoscaler").keys()
    streams = {
        (name, trigger["metadata"]["stream"], trigger["metadata"]["consumerGroup"])
        for name, each in scaled.items()
        for trigger in each["spec"]["triggers"]
        if trigger["type"] == "redis-cluster-streams"
    }
    assert streams == set(_streams())


def test_a_gateway_routes_to_the_edge() -> None:
    """A gateway sends HTTP with a time limit, or passes TLS through to an edge that has a certificate."""
    [http] = objects("k8ssandra", "HTTPRoute")
    assert http["spec"]["rules"][0]["timeouts"] == {"request": "30s"}
    [tls] = objects("aws", "TLSRoute")
    assert tls["spec"]["rules"][0]["backendRefs"] == [{"name": "photos-edge", "port": 443}]
    assert "LENSFEED_EDGE_TLS_CERT_FILE" in environment(dict(pods("aws"))["edge"])


def environment_of(deployment: dict[str, object]) -> set[str]:
    """Return the values of a deployment's plain variables."""
    spec: dict[str, dict[str, dict[str, object]]] = deployment["spec"]  # type: ignore[assignment]  # of a Deployment
    return {str(each.get("value")) for each in environment(spec["template"]["spec"]).values()}


def _calls(values: set[str], name: str) -> bool:
    return any(f"photos-{name}:" in value for value in values)


def _streams() -> list[tuple[str, str, str]]:
    from feed_svc.events import FAN_OUT, STREAMS
    from feed_svc.events import GROUP as FEED
    from media_svc.events import GROUP as MEDIA
    from media_svc.events import POST_STREAM
    from media_svc.events import STREAM as MEDIA_STREAM
    from post_svc.events import GROUP as POST

    return [
        *(("feed-work", each.key, FEED) for each in (*STREAMS, FAN_OUT)),
        *(("media-work", each.key, MEDIA) for each in (MEDIA_STREAM, POST_STREAM)),
        ("post-work", MEDIA_STREAM.key, POST),
    ]
