"""Reads requests."""

from pydantic import ConfigDict, TypeAdapter, ValidationError

from entrain.errors import EntrainError
from entrain.vdevice.api.messages.requests import COMMANDS, Request
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.protocol.wording import explain

_REQUEST: TypeAdapter[Request] = TypeAdapter(Request, config=ConfigDict(defer_build=True))


class RequestError(EntrainError):
    """A request that Entrain cannot understand."""


def parse_request(line: bytes, blocks: BlockSource | None = None) -> Request:
    """Read one message.

    Parameters
    ----------
    line : bytes
        One JSON object; a newline at its end is allowed.
    blocks : callable, optional
        Returns the blocks, so that an error can name a parameter's range.

    Raises
    ------
    RequestError
        The request is invalid; the error is one line that names the field.

    """
    try:
        return _REQUEST.validate_json(line, context=blocks)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        if detail["type"].startswith("union_tag") and not detail["loc"]:
            known = ", ".join(COMMANDS)
            raise RequestError(f"command must be one of {known}") from error
        raise RequestError(_untagged(error)) from error


def _untagged(error: ValidationError) -> str:
    line = explain(error, skip=1)[0]  # skip the command, the first part of the location
    for tag in ("protocol.document", "protocol.spec", "protocol.id"):
        line = line.replace(tag, "protocol", 1) if line.startswith(tag) else line
    return line
