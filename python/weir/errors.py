"""The exceptions of weir, one class per kind of failure."""

from __future__ import annotations


class Error(Exception):
    """What went wrong. `code` is its kind, `param` the argument at fault or an empty string."""

    code: str = "internal"

    def __init__(self, message: str, param: str = "") -> None:
        super().__init__(message)
        self.param = param


class InvalidError(Error, ValueError):
    """A value is wrong; the same call fails again."""

    code = "invalid"


class NotFoundError(Error, LookupError):
    """The name is not known."""

    code = "not_found"


class UnavailableError(Error):
    """Too much work or no memory just now; the same call may succeed later."""

    code = "unavailable"


class CorruptError(Error):
    """A file is not what it must be."""

    code = "corrupt"


class IoError(Error, OSError):
    """The operating system refused."""

    code = "io"


class CancelledError(Error):
    """The caller, or the end of the engine, ended it."""

    code = "cancelled"


class InternalError(Error):
    """A result that must not be."""

    code = "internal"


_CLASSES = {
    c.code: c
    for c in (InvalidError, NotFoundError, UnavailableError, CorruptError, IoError,
              CancelledError, InternalError)
}


def make_error(code: str, message: str, param: str) -> Error:
    """The exception of a code (the extension calls this)."""
    return _CLASSES[code](message, param)
