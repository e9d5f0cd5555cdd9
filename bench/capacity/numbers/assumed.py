"""What neither the mission nor a benchmark says: assumptions, each with its source."""

from dataclasses import dataclass

from bench.capacity.numbers.source import given

_GUESS = "a guess"
_VALKEY = "the server's CPU time, measured once with Valkey 9.1 on 2026-11-29"
_TABLES = "[Cassandra tables](cassandra-tables.md)"
_LIMITS = "[limits of photos and videos](media-limits.md)"


@dataclass(frozen=True)
class People:
    """How people differ."""

    daily_share: float = given(
        0.69,
        "daily readers among all accounts with a live timeline",
        "",
        "Facebook, end of 2023: 2.11 of 3.07 billion a month",
    )
    exponent: float = given(
        2.276, "exponent of the followers' power law", "", "Twitter: Kwak, Lee, Park and Moon, WWW 2010"
    )
    large_followers: float = given(100_000, "followers of an author like a brand", "accounts", _GUESS)
    large_posts: float = given(
        0.7,
        "posts of such an author each day; the rate is a power of the followers",
        "posts",
        "brands on Instagram: Rival IQ's reports",
    )
    peak: float = given(3, "the busiest moment against the average of a day", "times", _TABLES)
    follow_changes: float = given(0.4, "follows and unfollows of each daily reader each day", "changes", _TABLES)
    burst_seconds: float = given(60, "length of a burst", "s", _GUESS)
    bursts_apart: float = given(600, "time between bursts, on average", "s", _GUESS)
    burst_factor: float = given(5, "posts of authors with over 1,000 followers in a burst", "times", _GUESS)


@dataclass(frozen=True)
class Servers:
    """What one command or node does."""

    busy: float = given(
        0.6,
        "how busy a core may be at the peak",
        "",
        "a usual target; at 0.8, waits in a queue are more than twice as long",
    )
    push_us: float = given(2.9, "Redis: a push to a full timeline", "µs", _VALKEY)
    home_us: float = given(16.6, "Redis: 25 entries of a home timeline", "µs", _VALKEY)
    card_us: float = given(13.1, "Redis: one card", "µs", _VALKEY)
    window_us: float = given(
        22.7, "Redis: 65 entries of an author timeline; the client takes as much again", "µs", _VALKEY
    )
    add_us: float = given(22.1, "Redis: adding an event to its stream", "µs", _VALKEY)
    take_us: float = given(24.3, "Redis: an event read and acknowledged by one group", "µs", _VALKEY)
    master_bytes: float = given(25e9, "data of one Redis master", "bytes", "Redis Enterprise: at most 25 GB a shard")
    cluster_nodes: float = given(1_000, "nodes of one Redis cluster at most", "nodes", "Redis cluster specification")
    node_bytes: float = given(2e12, "data of one Cassandra node", "bytes", "DataStax: up to 2 TB")
    node_cores: float = given(16, "cores of one Cassandra node", "cores", "DataStax: at least 16")
    copies: float = given(3, "copies of each row", "copies", "[Run Cassandra](cassandra.md)")
    partition_bytes: float = given(
        100e6, "a partition of Cassandra at most", "bytes", "[ADR 8](adr/0008-no-month-buckets-yet.md)"
    )
    event_calls: float = given(
        3,
        "bare gRPC calls that cost as much as an event's handling without its pushes",
        "calls",
        "count, page, and what Redis takes",
    )
    page_seconds: float = given(
        0.01, "reading 1,000 followers", "s", "a Cassandra read and a call between machines; a guess"
    )
    rest_share: float = given(0.5, "reads by REST; the others are gRPC", "", _GUESS)
    card_ms: float = given(0.2, "feed_svc's CPU time to make a card, in batches", "ms", _GUESS)


@dataclass(frozen=True)
class Media:
    """Photos and videos."""

    photo_bytes: float = given(4.2e6, "a phone's photo", "bytes", "[the photo benchmark](benchmarks.md)")
    video_share: float = given(0.05, "posts that are videos", "", _GUESS)
    video_seconds: float = given(15, "length of a video", "s", _GUESS)
    video_bytes: float = given(1.2e6, "a second of uploaded video: 72 MB a minute", "bytes", _LIMITS)
    video_cpu: float = given(140 / 60, "CPU time of all rungs of a second of video", "s", _LIMITS)
    rungs_bytes: float = given(73.6e6 / 60, "all rungs and the MP4 of a second of video", "bytes", _LIMITS)
    avif_bits: float = given(0.48, "bits of a pixel as AVIF", "bits", f"five photos: {_LIMITS}")
    formats: float = given(
        4.3, "AVIF, WebP and JPEG together, in AVIFs", "", "WebP 1.3 times, JPEG twice an AVIF; a guess"
    )
    megapixels: float = given(2.81, "four widths of a 4:3 photo together", "megapixels", "320, 640, 1080 and 1440 wide")
    shown_megapixels: float = given(0.31, "the rendition that a phone loads", "megapixels", "640 wide")
    cdn_hits: float = given(0.95, "loads that the CDN answers", "", _GUESS)
    load_ms: float = given(0.1, "the edge's CPU time for a file", "ms", _GUESS)


@dataclass(frozen=True)
class Prices:
    """What to compare costs by: list prices, which large customers do not pay."""

    core: float = given(26, "a core for a month", "$", "AWS c7g, us-east-1, 2024")
    gigabyte: float = given(4.9, "a GB of memory for a month", "$", "AWS r7g, us-east-1, 2024")
    disk: float = given(0.08, "a GB of SSD for a month", "$", "AWS gp3, us-east-1, 2024")
    standard: float = given(0.021, "a GB of S3 STANDARD for a month", "$", "AWS us-east-1, 2024")
    infrequent: float = given(0.0125, "a GB of S3 STANDARD_IA for a month", "$", "AWS us-east-1, 2024")
    archive: float = given(0.004, "a GB of S3 GLACIER_IR for a month", "$", "AWS us-east-1, 2024")
    put: float = given(5, "a million PUTs to S3", "$", "AWS us-east-1, 2024")
    egress: float = given(0.02, "a GB by the CDN", "$", "CloudFront above 5 PB, 2024")
