"""Logging: readable on a terminal, JSON lines elsewhere, each line with the call's request id."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from meshkit.call import current_call

LogFormat = Literal["auto", "console", "json"]
_GRPC = "grpc._cython.cygrpc"


def set_up_logs(process: str, level: str = "INFO", log_format: LogFormat = "auto") -> None:
    """Set up logging for the process. Warnings of libraries get the same format."""
    is_console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        _add_process(process),
    ]
    if not is_console:
        shared.append(structlog.processors.format_exc_info)
    # Plain tracebacks: rich ones print local variables, which may hold passwords.
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if is_console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(_GRPC).addFilter(_is_worth_logging)


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Drop gRPC's stack trace for each request header that is not UTF-8."""
    return not str(record.msg).startswith("Invalid encoding on")


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if request_id := current_call().request_id:
        event.setdefault("request_id", request_id)
    return event


def _add_process(process: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("process", process)
        return event

    return add
