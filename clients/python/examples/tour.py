"""Create two users, upload a photo, post it, and read it in the other's feed.

python tour.py http://127.0.0.1:8080 photo.jpg
"""

import secrets
import sys
import time
from pathlib import Path

from lensfeed_client import Lensfeed, LensfeedError

PASSWORD = secrets.token_urlsafe()


def new_user(feed: Lensfeed, name: str) -> int:
    """Create a user, log them in, and return their id."""
    handle = f"{name}_{secrets.token_hex(4)}"
    feed.sign_up(handle, PASSWORD, name.title())
    return feed.log_in(handle, PASSWORD).user_id


def post_photo(feed: Lensfeed, photo: Path) -> str:
    """Upload a photo, wait until it is ready, post it, and return the post's id."""
    media = feed.upload(
        photo, alt_text="A photo", progress=lambda sent, total: print(f"sent {sent:,} of {total:,} bytes")
    )
    media = feed.wait_until_ready(media.media_id, timeout=60)
    print(f"{media.width} x {media.height} in {len(media.renditions)} renditions")
    return feed.post([media.media_id], "Hello from Python").post_id


def main(url: str, photo: Path) -> None:
    """Take the tour."""
    with Lensfeed(url) as ada, Lensfeed(url) as bob:
        ada_id = new_user(ada, "ada")
        new_user(bob, "bob")
        bob.follow(ada_id)
        post_id = post_photo(ada, photo)
        for _ in range(60):  # fan-out takes a moment
            items = list(bob.feed())
            if items:
                break
            time.sleep(0.5)
        for item in items:
            print(f"@{item.author.handle}: {item.post.caption} {item.post.media[0].renditions[-1].url}")
        assert [item.post.post_id for item in items] == [post_id]
        try:
            bob.delete_post(post_id)
        except LensfeedError as error:
            print(f"bob cannot delete it: {error.reason}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
