"""Counts where pages and cards came from."""

from meshkit.telemetry.catalog import FEED_CARDS, FEED_PAGES

pages = FEED_PAGES.create()
cards = FEED_CARDS.create()
TIMELINE, MERGED, UNBUILT, CACHE, STORE = (
    {"source": each} for each in ("timeline", "merged", "unbuilt", "cache", "store")
)
MEMORY, REDIS, MADE = ({"source": each} for each in ("memory", "redis", "made"))
