"""Runs the page's modules without a browser, in the node that playwright brings along."""

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import playwright

import entrain

NODE = Path(playwright.__file__).parent / "driver/node"
PAGE = Path(entrain.__file__).parent / "tray/dashboard/page"

_PRELUDE = """
import {{ readFileSync }} from "node:fs";
const input = JSON.parse(readFileSync("input.json"));
const files = input.arrays.map((name) => [name, readFileSync(name)]);
const given = Object.fromEntries(
  files.map(([name, bytes]) => [name, new Float64Array(new Uint8Array(bytes).buffer)]));
const bytes = new Uint8Array(readFileSync("packets")).buffer;
const packets = input.packets.map(([from, to]) => bytes.slice(from, to));
const page = {page};
"""


def run(code: str, packets: list[bytes] | None = None, **given: Any) -> Any:
    """Run a piece of JavaScript, and return what it passes to `answer`.

    Parameters
    ----------
    code : str
        The body of a module.  It may `await import(page + "samples.js")`, and finds `packets`, a
        list of ArrayBuffer, and `given`.
    packets : list of bytes, optional
    given : (n,) ndarray or a value that JSON knows

    """
    packets = packets or []
    ends = np.cumsum([len(each) for each in packets]).tolist()
    arrays = {name: each for name, each in given.items() if isinstance(each, np.ndarray)}
    values = {name: each for name, each in given.items() if name not in arrays}
    with TemporaryDirectory() as folder:
        for name, array in arrays.items():
            (Path(folder) / name).write_bytes(np.asarray(array, "<f8").tobytes())
        (Path(folder) / "packets").write_bytes(b"".join(packets))
        places = [[end - len(each), end] for each, end in zip(packets, ends, strict=True)]
        (Path(folder) / "input.json").write_text(
            json.dumps({"arrays": list(arrays), "packets": places, "values": values})
        )
        prelude = _PRELUDE.format(page=json.dumps(f"{PAGE.as_uri()}/"))
        tail = "const answer = (value) => console.log(JSON.stringify(value));"
        script = f"{prelude}\nObject.assign(given, input.values);\n{tail}\n{code}"
        done = subprocess.run(
            [NODE, "--input-type=module"],
            input=script,
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def packet(
    first: int,
    output: npt.NDArray[Any],
    rate_hz: int = 48_000,
    before: npt.NDArray[Any] | None = None,
) -> bytes:
    """Return a packet of the server.

    Parameters
    ----------
    first : int
        Number of the first frame.
    output, before : (frames, 2) ndarray
        What comes out, and what went in; by default, they are the same.
    rate_hz : int

    """
    header = np.array([first], "<u8").tobytes() + np.array([len(output), rate_hz], "<u4").tobytes()
    went_in = output if before is None else before
    return header + b"".join(np.asarray(each, "<f4").tobytes() for each in (went_in, output))


def packets(
    output: npt.NDArray[Any], rate_hz: int = 48_000, first: int = 0, a_second: int = 30
) -> list[bytes]:
    """Cut (frames, 2) samples into packets, as the server sends them."""
    frames = rate_hz // a_second
    return [
        packet(first + at, output[at : at + frames], rate_hz)
        for at in range(0, len(output), frames)
    ]
