"""The contract's reasons, as one says them to a person, and what that person can do."""

from typing import NamedTuple


class Words(NamedTuple):
    """What happened, and what to do about it where anything helps."""

    message: str
    hint: str = ""


_LOG_IN = "log in with `lensfeed login`"
_AGAIN = "try again in a moment"

WORDS = {
    "BODY_MALFORMED": Words("the server did not understand the request", "is this command of the server's version?"),
    "CAPTION_INVALID": Words("the caption has a NUL character in it", "take it out"),
    "CAPTION_TOO_LONG": Words("the caption is too long", "2,200 characters fit"),
    "CREDENTIALS_INVALID": Words("the handle or the password is wrong"),
    "CURSOR_INVALID": Words("the cursor is not one of this list", "copy it whole, as the page before printed it"),
    "FIELD_INVALID": Words("the server refused a value"),
    "FILE_CHANGED": Words("the file is not as it was when its upload began", "upload it without --resume"),
    "FOLLOW_LIMIT": Words("you follow as many people as one can", "unfollow somebody first: 7,500 is the limit"),
    "HANDLE_INVALID": Words("that is no handle", "a handle has 3 to 30 characters of a-z, 0-9, _ and ."),
    "HANDLE_TAKEN": Words("somebody has this handle already", "choose another, or log in with `lensfeed login`"),
    "IDEMPOTENCY_KEY_INVALID": Words("the server refused the key of the request"),
    "IDEMPOTENCY_MISMATCH": Words("the same request was sent before with something else in it"),
    "LIMIT_INVALID": Words("the limit is no number of things", "give a --limit of 1 or more"),
    "MEDIA_CORRUPT": Words("this is no picture or video that can be read", "does the file open elsewhere?"),
    "MEDIA_COUNT": Words("a post has 1 to 10 pictures or videos"),
    "MEDIA_DUPLICATE": Words("the same picture or video stands in the post twice"),
    "MEDIA_NOT_FOUND": Words(
        "there is no such picture or video of yours", "its upload may have expired: upload it again"
    ),
    "MEDIA_NOT_READY": Words("that picture is not ready yet", _AGAIN),
    "MEDIA_REJECTED": Words("the server could not use that picture or video", "upload another"),
    "MEDIA_TOO_LARGE": Words("the picture or video has too many pixels, frames or minutes", "make it smaller"),
    "MESSAGE_TOO_LARGE": Words("that is too much text for one request"),
    "METHOD_UNKNOWN": Words("the server does not know this request", "is this command of the server's version?"),
    "OVERLOADED": Words("the server is busy", _AGAIN),
    "PARTS_MISMATCH": Words("the server has not all of the file", "run the same again with --resume"),
    "PASSWORD_INVALID": Words("that password cannot be used", "a password has 8 to 1,024 characters"),
    "POST_NOT_FOUND": Words("there is no such post, or it is not yours"),
    "RATE_LIMITED": Words("that was too much in too short a time", _AGAIN),
    "SELF_FOLLOW": Words("nobody follows themselves"),
    "SIZE_OUT_OF_RANGE": Words("the file is empty or too large", "photos may have 50 MB, videos 4 GB"),
    "SESSION_LOST": Words("your session has ended: the line broke while it was renewed", _LOG_IN),
    "TOKEN_INVALID": Words("your session has ended", _LOG_IN),
    "TOKEN_MISSING": Words("you are not logged in", _LOG_IN),
    "TYPE_MISMATCH": Words("the file is not of the type that its name says"),
    "TYPE_UNSUPPORTED": Words(
        "the server does not take files of this type",
        "it takes JPEG, PNG, WebP, AVIF and HEIC; MP4, QuickTime and WebM",
    ),
    "UPLOAD_EXPIRED": Words("that upload began too long ago", "upload the file again"),
    "USER_NOT_FOUND": Words("there is nobody of this name"),
}
"""Of each reason that the contracts name."""
