"""Cores of each service at the peak. Pure."""

from collections.abc import Sequence

from bench.capacity.numbers.inputs import Inputs
from bench.capacity.sizes.cassandra import CARD_READS, follows_a_second, statements_of_a_follow, statements_of_a_post
from bench.capacity.sizes.population import Cell
from bench.capacity.sizes.size import Size
from bench.capacity.sizes.threshold import PULLED_IN_BENCHMARK
from bench.capacity.sizes.traffic import Traffic
from bench.capacity.sizes.work import work

# Of the statements of a post: CreatePost and its publication, the others are media_svc's.
POST_SVC_SHARE = 19 / 31
# Calls of apps for a post: StartUpload, complete, CreatePost, and GetMedia while it waits; one for a follow.
CALLS_OF_A_POST = 4


def serving_processes(inputs: Inputs, seen: Traffic) -> float:
    """Return how many processes of `feed_svc serve`, of a core each, answer reads at the peak."""
    measured = inputs.measured
    window = inputs.servers.window_us / 1_000
    read = measured.read_ms + seen.pulled * (measured.pull_ms / PULLED_IN_BENCHMARK + window)
    return (seen.reads * read + seen.cards_made * inputs.servers.card_ms) / 1_000 / inputs.servers.busy


def core_sizes(inputs: Inputs, seen: Traffic, cells: Sequence[Cell]) -> list[Size]:
    """Return the cores of each service, at most `busy` of which are busy at the peak."""
    measured, servers, media = inputs.measured, inputs.servers, inputs.media
    statement = 1 / measured.store_reads
    cards = seen.cards_made * statement * CARD_READS / 2
    posts = seen.posts * statements_of_a_post() * statement
    follows = follows_a_second(inputs)
    calls = (seen.posts * CALLS_OF_A_POST + follows) * measured.rest_ms / 1_000
    rest = servers.rest_share * measured.rest_ms + (1 - servers.rest_share) * measured.grpc_ms
    files = seen.loads * (1 - media.cdn_hits) * media.load_ms / 1_000
    videos = seen.posts * media.video_share * media.video_seconds * media.video_cpu
    busy = {
        "edge_proxy": (seen.reads * rest / 1_000 + calls + files, "reads * (half REST, half gRPC) + calls + files"),
        "feed_svc serve": (
            serving_processes(inputs, seen) * servers.busy,
            "reads * (a warm read + pulled authors) + cards",
        ),
        "feed_svc work": (
            work(inputs, cells).workers * inputs.people.peak,
            "events, their first pages, and chunks; bursts need [more](#two-minutes-from-publication-to-the-last-follower)",
        ),
        "post_svc": (cards + posts * POST_SVC_SHARE, "a statement for each card made, 19 for each post"),
        "media_svc serve": (posts * (1 - POST_SVC_SHARE), "12 statements for each upload"),
        "media_svc work, photos": (seen.posts * (1 - media.video_share) * measured.photo_ms / 1_000, "photos * 0.72 s"),
        "media_svc work, videos": (videos, "videos * 15 s * 2.3 s of CPU time"),
        "user_svc": (cards, "a statement for each card made"),
        "follow_svc": (
            follows * statements_of_a_follow() * statement + seen.pushes / 1_000 * servers.page_seconds,
            "9 statements for each change, and pages of followers",
        ),
    }
    return [Size(part, cores / servers.busy, "cores", how) for part, (cores, how) in busy.items()]
