"""The JSON Schema of protocols, for editors that complete and check a document.

`python -m entrain.vdevice.protocol.schema` prints the content of `presets/schema/`.
"""

import json
import sys
from typing import get_args

from entrain.vdevice.protocol.model import Protocol

(VERSION,) = get_args(Protocol.model_fields["schema_version"].annotation)
"""The schema version of written documents."""


def json_schema() -> bytes:
    """Return the schema as a JSON document."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Entrain protocol, version {VERSION}",
    }
    document |= {k: v for k, v in Protocol.model_json_schema().items() if k != "title"}
    return json.dumps(document, indent=2).encode() + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(json_schema())
