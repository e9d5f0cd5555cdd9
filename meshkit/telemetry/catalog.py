"""Every metric that lensfeed exports. docs/metrics.md is generated from it, and instruments are created nowhere else.

Where OpenTelemetry's semantic conventions have a stable name, it is used with their attributes and buckets (v1.45). Everything
else is `lensfeed.<what>.<measure>`. Durations are in seconds. Attributes have few values: never a user, post or media id.
"""

from collections.abc import Iterator

from meshkit.telemetry.instruments import CounterMetric, GaugeMetric, HistogramMetric, Metric

# The conventions' buckets for calls and for databases.
CALL_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
STATEMENT_BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
# A feed may be two minutes late, so these tell 90 s from 120 s.
LAG_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 90, 120, 300, 600)
# From a photo that is taken at once to a video behind hundreds of others.
JOB_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200)

# --- Calls: meshkit/grpc ---------------------------------------------------------------------------------------------

_CALL = ("rpc.system.name", "rpc.method", "rpc.response.status_code")
SERVER_CALL_DURATION = HistogramMetric(
    name="rpc.server.call.duration",
    unit="s",
    description="The time that each served call took. A REST call counts as the method it stands for",
    attributes=_CALL,
    bounds=CALL_BOUNDS,
)
CLIENT_CALL_DURATION = HistogramMetric(
    name="rpc.client.call.duration",
    unit="s",
    description="The time that each call to another service took, with its retries",
    attributes=_CALL,
    bounds=CALL_BOUNDS,
)

# --- Who sees whom: meshkit/sight ----------------------------------------------------------------------------------------

SIGHT_REFUSALS = CounterMetric(
    name="lensfeed.sight.refusals",
    unit="{refusal}",
    description="Requests for something of an account that were refused by what the caller may see of it: private, blocking (the"
    " caller blocks it) or hidden (it blocks the caller)",
    attributes=("sight",),
)

# --- Stores: meshkit/cassandra, meshkit/sqlite.py, meshkit/clocks.py ---------------------------------------------------

STATEMENT_DURATION = HistogramMetric(
    name="db.client.operation.duration",
    unit="s",
    description="The time that each statement took, with the wait for a free slot or thread",
    attributes=("db.system.name", "db.namespace", "db.query.summary", "error.type"),
    bounds=STATEMENT_BOUNDS,
)
WRITES_UNKNOWN = CounterMetric(
    name="lensfeed.cassandra.writes_unknown",
    unit="{write}",
    description="Writes that were not confirmed in time and may have taken effect",
)
BATCHES_HALF_LOGGED = CounterMetric(
    name="lensfeed.cassandra.batches_half_logged",
    unit="{batch}",
    description="Batches sent again without a log, because a node that gossip calls up did not store it",
)
CLOCK_OFFSET = GaugeMetric(
    name="lensfeed.clock.offset",
    unit="s",
    description="How far another clock (`redis`, `store`) is ahead of this process's clock",
    attributes=("clock",),
)

# --- Events: meshkit/events ------------------------------------------------------------------------------------------

EVENT_HANDLING = HistogramMetric(
    name="lensfeed.events.handling",
    unit="s",
    description="The time that each attempt to handle an event took, by its outcome: done, failed, outage, late or poison",
    attributes=("stream", "group", "outcome"),
    bounds=CALL_BOUNDS,
)
EVENTS_WAITING = GaugeMetric(
    name="lensfeed.events.waiting",
    unit="{event}",
    description="Events of a stream that a group has not handled: new ones and those in progress",
    attributes=("stream", "group"),
)
EVENTS_OLDEST = GaugeMetric(
    name="lensfeed.events.oldest",
    unit="s",
    description="The age of the oldest event that a group has not handled; 0 without one",
    attributes=("stream", "group"),
)
EVENTS_SET_ASIDE = GaugeMetric(
    name="lensfeed.events.set_aside",
    unit="{event}",
    description="Parked events that a group still has to retry",
    attributes=("stream", "group"),
)
DEAD_LETTERS = GaugeMetric(
    name="lensfeed.events.dead_letters",
    unit="{event}",
    description="Events that groups gave up and that nobody has replayed or dropped",
    attributes=("stream",),
)
EVENTS_DEAD = CounterMetric(
    name="lensfeed.events.dead",
    unit="{event}",
    description="Events that a group gave up",
    attributes=("stream", "group"),
)
EVENTS_PARKED = CounterMetric(
    name="lensfeed.events.parked",
    unit="{event}",
    description="Events that a group set aside to retry later, because a part was down or slow",
    attributes=("stream", "group"),
)
OUTBOX_REDRIVEN = CounterMetric(
    name="lensfeed.outbox.redriven",
    unit="{event}",
    description="Events that the fast path missed and the sweeper added to their stream",
    attributes=("stream",),
)
OUTBOX_OPEN = GaugeMetric(
    name="lensfeed.outbox.open",
    unit="s",
    description="How long ago the oldest minute began that is not closed yet; about five minutes while all groups keep up",
    attributes=("stream",),
)
OUTBOX_AHEAD = GaugeMetric(
    name="lensfeed.outbox.ahead",
    unit="min",
    description="How far an outbox is closed into the future; above 0, reopen it",
    attributes=("stream",),
)

# --- The graph: follow_svc -------------------------------------------------------------------------------------------

FOLLOW_REQUESTS = CounterMetric(
    name="lensfeed.follow.requests",
    unit="{request}",
    description="Follow requests of private accounts, by what happened to them: created, accepted or declined",
    attributes=("outcome",),
)

# --- Home feeds: feed_svc --------------------------------------------------------------------------------------------

FAN_OUT_LAG = HistogramMetric(
    name="lensfeed.feed.fan_out_lag",
    unit="s",
    description="The time from a post's publication to the last push of a page or chunk of its followers",
    bounds=LAG_BOUNDS,
)
FRESHNESS = HistogramMetric(
    name="lensfeed.feed.freshness",
    unit="s",
    description="The time from a post's publication until the next read of every follower's feed can show it, by how its author's"
    " posts get there: pushed or pulled",
    attributes=("way",),
    bounds=LAG_BOUNDS,
)
FEED_PAGES = CounterMetric(
    name="lensfeed.feed.pages",
    unit="{page}",
    description="Pages by where their entries came from: timeline (only pushed ones), merged (with those of celebrities or old"
    " ones), unbuilt (before the timeline was built), and during an outage cache or store",
    attributes=("source",),
)
LEASES = CounterMetric(
    name="lensfeed.feed.leases",
    unit="{lease}",
    description="Comparisons of home timelines with the graph by outcome: same, cut (somebody was unfollowed or muted),"
    " repaired (and their posts were still there), changed (the timeline did, meanwhile), unknown (the graph did not answer)",
    attributes=("outcome",),
)
FEED_CARDS = CounterMetric(
    name="lensfeed.feed.cards",
    unit="{card}",
    description="Cards by where they came from: memory, redis, or made from the stores",
    attributes=("source",),
)
CELEBRITIES = GaugeMetric(
    name="lensfeed.feed.celebrities",
    unit="{author}",
    description="Authors whose posts are pulled, as the process knows them",
)
DIVERGENCE = GaugeMetric(
    name="lensfeed.feed.divergence",
    unit="1",
    description="The share of entries that differ from the store, in the home timelines compared lately",
)
REBUILD_AUTHORS_LEFT = GaugeMetric(
    name="lensfeed.feed.rebuild_authors_left",
    unit="{author}",
    description="Followees that running rebuilds of home timelines have not read yet",
)

# --- Media: media_svc ------------------------------------------------------------------------------------------------

JOB_WAIT = HistogramMetric(
    name="lensfeed.media.job_wait",
    unit="s",
    description="The time that each job waited until a worker first took it",
    attributes=("queue",),
    bounds=JOB_BOUNDS,
)
JOB_DURATION = HistogramMetric(
    name="lensfeed.media.job_duration",
    unit="s",
    description="The time that each job took: download, rendering and upload of a photo or video, by outcome: done or failed",
    attributes=("queue", "outcome"),
    bounds=JOB_BOUNDS,
)
MEDIA_STATES = CounterMetric(
    name="lensfeed.media.states",
    unit="{medium}",
    description="Media that entered a state; `reason` says why one was rejected",
    attributes=("kind", "state", "reason"),
)
JOBS_WAITING = GaugeMetric(
    name="lensfeed.media.jobs_waiting",
    unit="{job}",
    description="Jobs that wait for a worker, when a job was last taken",
    attributes=("queue",),
)


def all_metrics() -> Iterator[Metric]:
    """Yield every metric above, in their order."""
    yield from (value for value in globals().values() if isinstance(value, Metric))
