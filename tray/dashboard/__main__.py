"""Entry point of the dashboard's process; `entrain dashboard` starts it.

Usage: python -m entrain.tray.dashboard [--foreground] [--page FOLDER]

It goes to the background at once, and then writes one line to its standard output: nothing if the
page can be opened, else the reason.  With --foreground it stays, and prints the page's address.
"""

import argparse
import os
import sys
from pathlib import Path


def main() -> int:
    """Serve until the end; returns 1 if the page cannot be served."""
    options = _options()
    if not options.foreground:
        _leave_caller()

    import asyncio
    import gc

    gc.disable()  # imports leave no garbage
    from entrain.errors import EntrainError
    from entrain.tray.dashboard.names import RUNS_ALREADY

    try:
        return asyncio.run(_serve(options))
    except EntrainError as error:
        line = " ".join(str(error).split())
    except OSError as error:  # too many open files, or no port is left
        line = f"the dashboard cannot be started: {error.strerror or error}"
    if not options.foreground:
        print(line, flush=True)
        return 1
    if line == RUNS_ALREADY and options.page is None:
        return _join()
    print(f"entrain: {line}", file=sys.stderr)
    return 1


def _join() -> int:
    """Serve through the process of another command, which has started at the same time."""
    import contextlib

    from entrain.errors import EntrainError
    from entrain.tray.dashboard import opening

    try:
        with contextlib.suppress(KeyboardInterrupt):
            opening.serve(lambda line: print(line, flush=True))
    except EntrainError as error:
        print(f"entrain: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> int:
    import asyncio
    import gc
    import signal

    from entrain.errors import EntrainError
    from entrain.platform.folders import user_paths
    from entrain.platform.local_socket import AlreadyRunning, claim
    from entrain.tray.dashboard.life import Life
    from entrain.tray.dashboard.names import RUNS_ALREADY, socket_path
    from entrain.tray.dashboard.page_files import read_page
    from entrain.vdevice.api.client import SOCKET_NAME

    runtime = user_paths().runtime
    files = read_page(options.page) if options.page else read_page()
    try:
        claimed = claim(socket_path(runtime), 16)
    except AlreadyRunning:
        raise EntrainError(RUNS_ALREADY) from None
    try:
        life = Life(files, runtime / SOCKET_NAME, claimed, lasts=options.foreground)
        await life.start()
    except BaseException:
        claimed.release()
        raise
    gc.freeze()
    gc.enable()
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, life.stop)
    if options.foreground:
        print(life.lasting_address(), flush=True)
    else:
        print(flush=True)
        _leave_streams()
    await life.run()
    return 0


def _leave_caller() -> None:
    """Continue in a child without a terminal, whose end no process has to wait for."""
    if sys.platform != "win32":
        if os.fork():
            os._exit(0)
        os.setsid()
        os.chdir("/")


def _leave_streams() -> None:
    """Close the caller's streams."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--foreground", action="store_true")
    parser.add_argument("--page", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
