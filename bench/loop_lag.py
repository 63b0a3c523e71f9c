"""Measures the lag of the app's event loop while a client sends the longest possible protocols.

The loop answers requests, follows the sound server and runs the sleep timer.
"""

import argparse
import asyncio
import gc
import itertools
import json
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path

from entrain.engine import blocks
from entrain.platform.local_socket import claim
from entrain.platform.null import NullAdapter
from entrain.vdevice.api.client import Client
from entrain.vdevice.api.control_server import MAX_CLIENTS
from entrain.vdevice.app import App
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.session_log import SessionLog
from entrain.vdevice.storage.store import Store

POINTS = 19_000
"""Number of breakpoints that almost fills a message of 1 MiB."""
TICK_S = 0.005
TARGET_MS = 20.0


def main() -> None:
    """Measure, print, and write the figures to a file on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    gc.freeze()  # as `entrain run` does
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_measured(Path(folder), options.requests))
    print(f"the loop's lag while {options.requests} protocols of {POINTS} breakpoints are used, ms")
    for name, value in figures.items():
        target = f"   (target: at most {TARGET_MS:g})" if name == "99th percentile" else ""
        print(f"  {name:<28}{value:8.1f}{target}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


async def _measured(folder: Path, requests: int) -> dict[str, float]:
    path = folder / "r" / "control.sock"
    app = App(
        RunOptions(backend="null"),
        NullAdapter(),
        Store(folder / "state.json"),
        SessionLog(None),
        Library(folder / "protocols", blocks),
        sandbox={},
    )
    serving = asyncio.create_task(app.serve(claim(path, MAX_CLIENTS), lambda: None))
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    client = context.Process(target=_ask, args=(path, requests, answers))
    client.start()
    lags_ms = []
    while answers.empty():
        due_s = time.perf_counter() + TICK_S
        await asyncio.sleep(TICK_S)
        lags_ms.append(1000 * (time.perf_counter() - due_s))
    took_s, skipped = answers.get()
    lags_ms = lags_ms[int(skipped / TICK_S / 2) :]  # the client has to start first
    client.join()
    await serving
    app.engine.close()
    cuts = statistics.quantiles(lags_ms, n=1000)
    return {
        "median": cuts[499],
        "99th percentile": cuts[989],
        "99.9th percentile": cuts[998],
        "longest": max(lags_ms),
        "median of an answer to `use`": 1000 * statistics.median(took_s),
    }


def _ask(
    path: Path, requests: int, answers: "multiprocessing.Queue[tuple[list[float], float]]"
) -> None:
    """Send one long protocol after another, in a separate process."""
    began_s = time.perf_counter()
    protocols = itertools.cycle([_long(1), _long(2)])
    with Client(path) as client:
        client.ask("status")
        skipped_s = time.perf_counter() - began_s
        took_s = []
        for _ in range(requests):
            began_s = time.perf_counter()
            client.ask("use", protocol=next(protocols))
            took_s.append(time.perf_counter() - began_s)
            client.ask("status")
        answers.put((took_s, skipped_s))
        client.ask("stop")


def _long(step: int) -> dict[str, object]:
    points = [{"at_s": 3 * i + 0.5, "value": 1 + (i * step) % 40 / 10} for i in range(POINTS)]
    layer = {"kind": "binaural", "automation": {"beat_hz": {"points": points}}}
    return {"id": f"long-{step}", "name": "Long", "layers": [layer]}


if __name__ == "__main__":
    main()
