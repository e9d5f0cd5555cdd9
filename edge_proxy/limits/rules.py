"""Rate limit rules and the filters that apply them.

Each edge counts in its own memory. With a rate limit service (`edge_proxy/limits/service.py`) all edges also count
together, by the same rules. Calls pass while that service does not answer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from throttled.rate_limiter.base import Quota

from edge_proxy.contracts import Method
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.settings.rates import RateSettings, quota_of

# Route metadata: the cost of a call, and whether it is a log-in.
METADATA = "lensfeed.limits"
COST, COUNTED, LOG_IN = "cost", "counted", "log_in"
# How many users and addresses have a bucket at once. The least recently used is dropped first.
MAX_BUCKETS = 100_000
UNLIMITED = 2**31
CLUSTER = "limits"
DOMAIN = "lensfeed"
# The rate limit service must not slow calls down.
SERVICE_TIMEOUT = "0.05s"
LOCAL = "envoy.filters.http.local_ratelimit"
LOCAL_KIND = "extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_EVERY_CALL: Json = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
_ALWAYS: Json = {"filter_enabled": _EVERY_CALL, "filter_enforced": _EVERY_CALL}
_BY_USER: Json = {"request_headers": {"header_name": "x-user-id", "descriptor_key": "who"}}
_BY_ADDRESS: Json = {"masked_remote_address": {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}}
_ADDRESS_KEY = "masked_remote_address"


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit: its name, its quota, the calls it counts and how it groups them."""

    name: str
    quota: Quota
    routes: str
    """Only routes with this metadata key are counted."""
    who: Json
    who_key: str

    def actions(self) -> Json:
        """Render how a call maps to a bucket: by limit and by caller."""
        path = [{"key": self.routes}]
        metadata = {"key": METADATA, "path": path}
        source = {"descriptor_key": self.name, "metadata_key": metadata, "source": "ROUTE_ENTRY"}
        return {
            "actions": [{"metadata": source}, self.who],
            "hits_addend": {"format": f"%METADATA(ROUTE:{METADATA}:{COST})%"},
        }

    def descriptor(self) -> Json:
        """Render the bucket that each caller has in this edge's memory."""
        return {
            "entries": [{"key": self.name, "value": "1"}, {"key": self.who_key, "value": ""}],
            "token_bucket": {
                "max_tokens": self.quota.burst,
                "tokens_per_fill": max(1, round(self.quota.fill_rate * _interval(self.quota))),
                "fill_interval": f"{_interval(self.quota)}s",
            },
        }


def rules_of(settings: RateSettings) -> list[Rule]:
    """List the limits that are turned on."""
    wanted = (
        ("user", settings.edge_limit_user, COUNTED, _BY_USER, "who"),
        ("address", settings.edge_limit_address, COUNTED, _BY_ADDRESS, _ADDRESS_KEY),
        ("log_in", settings.edge_limit_log_in, LOG_IN, _BY_ADDRESS, _ADDRESS_KEY),
    )
    return [Rule(name, quota, routes, who, key) for name, text, routes, who, key in wanted if (quota := quota_of(text))]


def cost_metadata(method: Method) -> Json:
    """Render a method's route metadata. Routes without it, such as media, are not counted."""
    values: Json = {COST: method.cost, COUNTED: "1", **({LOG_IN: "1"} if method.is_log_in else {})}
    return {"filter_metadata": {METADATA: values}}


def rate_filters(rules: Sequence[Rule], *, together: bool) -> list[Json]:
    """Render the filters: this edge's counters and, with `together`, those of all edges."""
    if not rules:
        return []
    return [_local_filter(rules), *([_shared_filter(rules)] if together else [])]


def retry_after_seconds(rules: Sequence[Rule], costliest: int) -> int:
    """Return the seconds until the costliest call is possible again under the strictest limit."""
    return max((math.ceil(costliest / rule.quota.fill_rate) for rule in rules), default=1)


def route_bucket(name: str, per_second: int, burst: int) -> Json:
    """Render a route's own bucket, shared by all callers, in place of the usual ones."""
    bucket = {"max_tokens": burst, "tokens_per_fill": per_second, "fill_interval": "1s"}
    return {
        LOCAL: typed(
            LOCAL_KIND,
            stat_prefix=name,
            **_ALWAYS,
            token_bucket=bucket,
            rate_limited_as_resource_exhausted=True,
        )
    }


def _local_filter(rules: Sequence[Rule]) -> Json:
    return extension(
        LOCAL,
        LOCAL_KIND,
        stat_prefix="limits",
        **_ALWAYS,
        # Required by Envoy. Calls that no rule counts use this bucket, which is never empty.
        token_bucket={"max_tokens": UNLIMITED, "tokens_per_fill": UNLIMITED, "fill_interval": "1s"},
        always_consume_default_token_bucket=False,
        descriptors=[rule.descriptor() for rule in rules],
        rate_limits=[rule.actions() for rule in rules],
        max_dynamic_descriptors=MAX_BUCKETS,
        rate_limited_as_resource_exhausted=True,
    )


def _shared_filter(rules: Sequence[Rule]) -> Json:
    service = {"envoy_grpc": {"cluster_name": CLUSTER}, "timeout": SERVICE_TIMEOUT}
    return extension(
        "envoy.filters.http.ratelimit",
        "extensions.filters.http.ratelimit.v3.RateLimit",
        domain=DOMAIN,
        timeout=SERVICE_TIMEOUT,
        failure_mode_deny=False,
        rate_limited_as_resource_exhausted=True,
        rate_limit_service={"grpc_service": service, "transport_api_version": "V3"},
        rate_limits=[rule.actions() for rule in rules],
    )


def _interval(quota: Quota) -> int:
    """Return the seconds in which a bucket gains a whole number of points."""
    return max(1, -(-quota.period_sec // quota.get_limit()))
