"""Messages and hints for the contract's reasons."""

from typing import NamedTuple


class Message(NamedTuple):
    """What happened, and what helps, if anything."""

    message: str
    hint: str = ""


_LOG_IN = "log in with `lensfeed login`"
_AGAIN = "try again in a moment"

MESSAGES = {
    "ACCOUNT_PRIVATE": Message(
        "that account is private", "only its followers see this; ask with `lensfeed follow USER`"
    ),
    "BODY_MALFORMED": Message(
        "the server did not understand the request", "do the command and the server have the same version?"
    ),
    "BLOCK_LIMIT": Message("you block as many people as possible", "unblock someone first; the limit is 10,000"),
    "CAPTION_INVALID": Message("the caption contains a NUL character", "remove it"),
    "CAPTION_TOO_LONG": Message("the caption is too long", "the limit is 2,200 characters"),
    "CREDENTIALS_INVALID": Message("the handle or the password is wrong"),
    "CURSOR_INVALID": Message(
        "the cursor does not belong to this list", "copy all of it, as printed by the previous page"
    ),
    "FIELD_INVALID": Message("the server refused a value"),
    "FILE_CHANGED": Message("the file has changed since its upload began", "upload it without --resume"),
    "FOLLOW_LIMIT": Message("you follow as many people as possible", "unfollow someone first; the limit is 7,500"),
    "FOLLOW_REQUESTS_FULL": Message("that user has too many follow requests", _AGAIN),
    "HANDLE_INVALID": Message("that is not a valid handle", "a handle has 3 to 30 characters of a-z, 0-9, _ and ."),
    "HANDLE_TAKEN": Message("this handle is taken", "choose another, or log in with `lensfeed login` if it is yours"),
    "IDEMPOTENCY_KEY_INVALID": Message("the server refused the key of the request"),
    "IDEMPOTENCY_MISMATCH": Message("a different request was sent with the same key before"),
    "LIMIT_INVALID": Message("the limit is not a positive number", "give a --limit of 1 or more"),
    "MEDIA_CORRUPT": Message("the file is not a readable picture or video", "does it open in other programs?"),
    "MEDIA_COUNT": Message("a post has 1 to 10 pictures or videos"),
    "MEDIA_DUPLICATE": Message("the post contains a picture or video twice"),
    "MEDIA_NOT_FOUND": Message("you have no such picture or video", "its upload may have expired: upload it again"),
    "MEDIA_NOT_READY": Message("that picture is not ready yet", _AGAIN),
    "MEDIA_REJECTED": Message("the server rejected that picture or video", "upload another"),
    "MEDIA_TOO_LARGE": Message("the picture or video has too many pixels, frames or minutes", "make it smaller"),
    "MESSAGE_TOO_LARGE": Message("that is too much text for one request"),
    "METHOD_UNKNOWN": Message(
        "the server does not know this request", "do the command and the server have the same version?"
    ),
    "NOT_FOLLOWING": Message("you do not follow that user", "only an account that you follow can be muted"),
    "OUTCOME_UNKNOWN": Message(
        "the connection to the server broke, so it is unknown whether that was done", "look before you try again"
    ),
    "OVERLOADED": Message("the server is busy", _AGAIN),
    "PARTS_MISMATCH": Message("the server is missing parts of the file", "repeat the command with --resume"),
    "PASSWORD_INVALID": Message("that password cannot be used", "a password has 8 to 1,024 characters"),
    "POST_NOT_FOUND": Message("there is no such post, or it is not yours"),
    "RATE_LIMITED": Message("you have sent too many requests", _AGAIN),
    "REQUEST_NOT_FOUND": Message("that user does not ask to follow you"),
    "SELF_BLOCK": Message("you cannot block yourself"),
    "SELF_FOLLOW": Message("you cannot follow yourself"),
    "SIZE_OUT_OF_RANGE": Message(
        "the file is empty or too large", "the limits are 50 MB for photos and 4 GB for videos"
    ),
    "SESSION_NOT_FOUND": Message("you have no such session, or it has ended"),
    "STORAGE_QUOTA": Message("you have no room for that file", "delete posts that you no longer need"),
    "TOKEN_INVALID": Message("your session has ended", _LOG_IN),
    "TOKEN_MISSING": Message("you are not logged in", _LOG_IN),
    "TYPE_MISMATCH": Message("the file's content does not match its type"),
    "TYPE_UNSUPPORTED": Message(
        "the server does not accept this file type",
        "it accepts JPEG, PNG, WebP, AVIF and HEIC; MP4, QuickTime and WebM",
    ),
    "UPLOADS_PENDING_LIMIT": Message(
        "too many of your uploads are unfinished",
        "wait until they are ready; those that you gave up expire after a day",
    ),
    "UPLOAD_EXPIRED": Message("that upload began too long ago", "upload the file again"),
    "USER_BLOCKED": Message("you have blocked that user", "unblock them first"),
    "USER_NOT_FOUND": Message("there is no such user"),
}
"""One for each reason in the contracts."""
