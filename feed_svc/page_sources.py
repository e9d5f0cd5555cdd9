"""Counts where pages and cards came from. `TIMELINE.count += 1` is all that it costs a read."""

from meshkit.telemetry.catalog import FEED_CARDS, FEED_PAGES

PAGE_SOURCES = ("timeline", "merged", "unbuilt", "cache", "store")
CARD_SOURCES = ("memory", "redis", "made")
TIMELINE, MERGED, UNBUILT, CACHE, STORE = FEED_PAGES.tallies(*PAGE_SOURCES)
MEMORY, REDIS, MADE = FEED_CARDS.tallies(*CARD_SOURCES)
