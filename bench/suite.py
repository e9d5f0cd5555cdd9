"""All benchmarks, in the order in which they run."""

from bench import cassandra_bridge, edge_cpu, fan_out, hot_read, photos, timelines
from bench.harness import Measurement
from bench.mesh import starting
from bench.reads import deep_page, reading, telemetry
from bench.writes import accounts, posts

SUITE = (
    Measurement("hot_read", "The hot read", hot_read.measure),
    Measurement("warm_latency", "Warm reads, by how many are followed", reading.measure_warm),
    Measurement("first_read", "First reads, after the loss of the cache", reading.measure_first),
    Measurement("deep_page", "Old pages, below the cached timeline", deep_page.measure),
    Measurement("telemetry", "Telemetry", telemetry.measure),
    Measurement("push", "A push", timelines.measure_push),
    Measurement("fan_out", "Fan-out", fan_out.measure),
    Measurement("large_fan_out", "A large fan-out", fan_out.measure_large),
    Measurement("cassandra_bridge", "The bridge to Cassandra", cassandra_bridge.measure),
    Measurement("create_post", "Posts on Cassandra", posts.measure),
    Measurement("accounts", "Sign-ups and log-ins", accounts.measure),
    Measurement("edge_cpu", "The edge", edge_cpu.measure),
    Measurement("photos", "Photos", photos.measure),
    Measurement("start", "The start of a mesh, and its memory", starting.measure),
    Measurement("start_cassandra", "The start of a mesh on Cassandra", starting.measure_cassandra),
)
