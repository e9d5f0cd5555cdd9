"""Every environment variable that some part of lensfeed reads, so that each part can refuse a mistyped one.

A process reads only its own settings, but the variables of a whole mesh often stand in one environment: what is foreign is
fine, what is unknown is a mistake. A test holds this list against the settings classes of all rooms.
"""

SETTING_NAMES = frozenset(
    {
        "LENSFEED_ACCESS_TOKEN_SECONDS",
        "LENSFEED_CORS_ORIGINS",
        "LENSFEED_CURSOR_KEYS",
        "LENSFEED_DEFAULT_DEADLINE_SECONDS",
        "LENSFEED_DESCRIPTOR_SET",
        "LENSFEED_DRAIN_SECONDS",
        "LENSFEED_EDGE_ADDR",
        "LENSFEED_EDGE_ADMIN_ADDR",
        "LENSFEED_EDGE_CONCURRENCY",
        "LENSFEED_EDGE_DIR",
        "LENSFEED_EDGE_TIMEOUT_SECONDS",
        "LENSFEED_ENVOY_BINARY",
        "LENSFEED_FEED_ADDR",
        "LENSFEED_FOLLOW_ADDR",
        "LENSFEED_LISTEN_ADDR",
        "LENSFEED_LOG_FORMAT",
        "LENSFEED_LOG_LEVEL",
        "LENSFEED_MAX_IN_FLIGHT",
        "LENSFEED_MEDIA_ADDR",
        "LENSFEED_MEDIA_BASE_URL",
        "LENSFEED_POST_ADDR",
        "LENSFEED_REDIS_URL",
        "LENSFEED_REFRESH_TOKEN_DAYS",
        "LENSFEED_RENDER_CONCURRENCY",
        "LENSFEED_S3_ACCESS_KEY",
        "LENSFEED_S3_BUCKET",
        "LENSFEED_S3_ENDPOINT_URL",
        "LENSFEED_S3_PUBLIC_URL",
        "LENSFEED_S3_REGION",
        "LENSFEED_S3_SECRET_KEY",
        "LENSFEED_SQLITE_DIR",
        "LENSFEED_TIMELINE_DAYS",
        "LENSFEED_TOKEN_JWKS_FILE",
        "LENSFEED_TOKEN_KEY_FILE",
        "LENSFEED_URL",
        "LENSFEED_USER_ADDR",
        "LENSFEED_VALKEY_BINARY",
        "LENSFEED_WEBHOOK_ADDR",
        "LENSFEED_WEBHOOK_SECRET",
        "LENSFEED_WEED_BINARY",
        "LENSFEED_WORKER_INDEX",
        "LENSFEED_WORKER_NAME",
    }
)
