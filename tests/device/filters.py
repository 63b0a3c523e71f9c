"""Other programs' filters, between the default output and a device: equalizers, loopbacks."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import soundlab

from entrain.platform.sandbox import Sandbox


@contextmanager
def loopback(server: Sandbox, name: str, target: str = "") -> Iterator[None]:
    """Run a filter of PipeWire's own; it plays on `target`, or where the default output goes."""
    command = ["pw-loopback", f"--capture-props=media.class=Audio/Sink node.name={name}"]
    command += [f"--playback-props=node.name={name}-out" + target and f" target.object={target}"]
    with running(server, name, *command):
        yield


@contextmanager
def running(server: Sandbox, name: str, *command: str) -> Iterator[None]:
    """Run a command that makes a sink of that name."""
    process = subprocess.Popen(command, env={**os.environ, **server.environment})
    try:
        soundlab.wait_until(
            lambda: name in soundlab.sink_states(server.environment), 10, f"{name} is there"
        )
        yield
    finally:
        process.terminate()
        process.wait()
