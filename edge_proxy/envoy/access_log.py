"""The access log: a line of JSON per call."""

from edge_proxy.answers.health import PATH as HEALTH_PATH
from edge_proxy.envoy.filters.cel import SENT_TYPE, cel_filter
from edge_proxy.json_types import Json, extension
from edge_proxy.settings.edge import EdgeSettings

FIELDS = {
    "time": "%START_TIME%",
    "process": "edge",
    "request_id": "%REQ(X-REQUEST-ID)%",
    # As the caller sent it. Services begin their own traces.
    "traceparent": "%REQ(X-LENSFEED-TRACEPARENT)%",
    # Set from the verified token only.
    "user": "%REQ(X-USER-ID)%",
    "address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "protocol": "%PROTOCOL%",
    "method": "%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%",
    "path": "%PATH(NQ:ORIG_OR_PATH)%",
    "status": "%RESPONSE_CODE%",
    "grpc_status": "%GRPC_STATUS(SNAKE_STRING)%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "milliseconds": "%DURATION%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "cluster": "%UPSTREAM_CLUSTER%",
}
# 4 DEADLINE_EXCEEDED, 13 INTERNAL, 14 UNAVAILABLE, 15 DATA_LOSS. 2 UNKNOWN counts for plain gRPC only: Envoy also derives it
# from good gRPC-Web and REST responses.
GRPC_FAILED = (
    f"({SENT_TYPE}.startsWith('application/grpc') && response.grpc_status in [4, 13, 14, 15]) "
    f"|| ({SENT_TYPE}.matches('^application/grpc([+].*)?$') && response.grpc_status == 2)"
)
# A starting mesh fails health checks often; these are not worth a line.
FAILED = f"request.url_path != '{HEALTH_PATH}' && (response.code >= 500 || ({GRPC_FAILED}))"


def access_log(settings: EdgeSettings) -> Json:
    """Render the log on stderr: server-side failures only, or every call. It has no query and no token."""
    log = extension(
        "envoy.access_loggers.stderr",
        "extensions.access_loggers.stream.v3.StderrAccessLog",
        log_format={"json_format": FIELDS},
    )
    of_all = settings.edge_access_log == "all" or settings.log_level == "DEBUG"
    return log if of_all else log | {"filter": cel_filter(FAILED)}
