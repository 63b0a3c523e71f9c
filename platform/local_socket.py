"""The socket through which a user's commands find the running Entrain.

On Linux and macOS it is a Unix socket in a private folder; a version for Windows would go here.
"""

import os
import socket
import stat
import sys
import time
from pathlib import Path

from entrain.platform.adapter import PlatformError
from entrain.platform.folders import make_private
from entrain.platform.socket_probe import listens

if sys.platform != "win32":
    import fcntl

CLAIM_TIMEOUT_S = 1.0

_NOT_ON_WINDOWS = "this version of Entrain has no control socket on Windows"


class SocketError(PlatformError):
    """The socket cannot be created or opened."""


class AlreadyRunning(SocketError):
    """Another Entrain holds the control socket."""

    def __init__(self) -> None:
        super().__init__("Entrain is already running (use `entrain status`)")


class Claim:
    """The right to be the only Entrain of this user, and its listening socket.

    The kernel holds the right, as a lock on the folder, so it ends with the process.
    """

    def __init__(self, path: Path, folder_fd: int, listener: socket.socket, backlog: int) -> None:
        self.path = path
        self.listener = listener
        self._folder_fd = folder_fd
        self._backlog = backlog
        self._made = path.lstat()

    def is_reachable(self) -> bool:
        """Return whether the path still leads to this socket; other apps may have removed it."""
        return _leads_to(self.path, self._made)

    def renew(self) -> None:
        """Create a new `listener` at the same path; the former one stays open.

        Raises
        ------
        SocketError
            See `claim`, but without a wait; after an error, the claim is unchanged.

        """
        if sys.platform == "win32":
            raise SocketError(_NOT_ON_WINDOWS)
        else:
            before = self._folder_fd
            is_locked = _leads_to(self.path.parent, os.fstat(before))
            folder_fd = before if is_locked else _lock_folder(self.path, 0.0)
            try:
                listener = _listen(self.path, self._backlog)
                try:
                    made = self.path.lstat()
                except OSError as error:  # the new socket has been removed already
                    listener.close()
                    raise _cannot_listen(self.path, error) from error
                self.listener, self._made = listener, made
            except BaseException:
                if not is_locked:
                    os.close(folder_fd)
                raise
            if not is_locked:
                os.close(before)
            self._folder_fd = folder_fd

    def release(self) -> None:
        """Remove the socket, so that another Entrain can start.  Idempotent."""
        if self._folder_fd < 0:
            return
        self.listener.close()
        if self.is_reachable():  # else the path leads to another Entrain's socket
            self.path.unlink(missing_ok=True)
        os.close(self._folder_fd)
        self._folder_fd = -1


def _leads_to(path: Path, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.lstat(), found)
    except OSError:
        return False


def claim(path: Path, backlog: int) -> Claim:
    """Become the only Entrain that listens at this path.

    If another Entrain is ending, wait for it up to `CLAIM_TIMEOUT_S`.  At most `backlog` clients
    may queue.

    Raises
    ------
    AlreadyRunning
        Another Entrain listens there.
    SocketError
        The folder is not private or cannot be created, or the path is too long for a socket.

    """
    if sys.platform == "win32":
        raise SocketError(_NOT_ON_WINDOWS)
    else:
        return _claim(path, backlog)


def connect(path: Path, timeout_s: float) -> socket.socket | None:
    """Connect to the running Entrain; returns None if none is listening.

    Raises
    ------
    SocketError
        The socket belongs to another user, or cannot be opened.

    """
    if sys.platform == "win32":
        raise SocketError(_NOT_ON_WINDOWS)
    else:
        return _connect(path, timeout_s)


def listen(path: Path, backlog: int) -> socket.socket:
    """Listen at another path in the folder of this Entrain's claim.

    Raises
    ------
    SocketError
        The socket cannot be created.

    """
    if sys.platform == "win32":
        raise SocketError(_NOT_ON_WINDOWS)
    else:
        return _listen(path, backlog)


if sys.platform != "win32":

    def _claim(path: Path, backlog: int) -> Claim:
        folder_fd = _lock_folder(path, CLAIM_TIMEOUT_S)
        try:
            return Claim(path, folder_fd, _listen(path, backlog), backlog)
        except BaseException:
            os.close(folder_fd)
            raise

    def _lock_folder(path: Path, wait_s: float) -> int:
        """Open and lock the folder of this socket."""
        try:
            folder_fd = _open_private(path.parent)
        except OSError as error:
            raise SocketError(f"cannot use {path.parent}: {error.strerror}") from error
        try:
            _lock(folder_fd, path, wait_s)
        except OSError as error:
            os.close(folder_fd)
            raise _cannot_listen(path, error) from error
        except BaseException:
            os.close(folder_fd)
            raise
        return folder_fd

    def _cannot_listen(path: Path, error: OSError) -> SocketError:
        return SocketError(f"cannot listen at {path}: {error.strerror or error}")

    def _connect(path: Path, timeout_s: float) -> socket.socket | None:
        try:
            client = socket.socket(socket.AF_UNIX)
        except OSError as error:  # too many open files
            raise SocketError(f"cannot connect to {path}: {error.strerror or error}") from error
        client.settimeout(timeout_s)
        try:
            if path.parent.stat().st_uid != os.geteuid():
                raise SocketError(f"{path.parent} belongs to another user; not used")
            client.connect(os.fspath(path))
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            client.close()
            return None
        except OSError as error:
            client.close()
            raise SocketError(f"cannot connect to {path}: {error.strerror or error}") from error
        except BaseException:
            client.close()
            raise
        return client

    def _open_private(folder: Path) -> int:
        try:
            make_private(folder)
        except PlatformError as error:
            raise SocketError(str(error)) from error
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(fd).st_uid != os.geteuid():
                raise SocketError(f"{folder} belongs to another user; not used")
            os.fchmod(fd, 0o700)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _lock(folder_fd: int, path: Path, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while True:
            if listens(path):
                raise AlreadyRunning
            try:
                fcntl.flock(folder_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:  # another Entrain has just started, or is about to end
                if time.monotonic() > deadline:
                    raise AlreadyRunning from None
                time.sleep(0.02)

    def _listen(path: Path, backlog: int) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        try:
            if os.path.lexists(path):
                if not stat.S_ISSOCK(path.lstat().st_mode):
                    raise SocketError(f"{path} is in the way and is not a socket")
                path.unlink()  # a leftover of an Entrain that was killed
            listener.bind(os.fspath(path))
            path.chmod(0o600)
            listener.listen(backlog)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            raise _cannot_listen(path, error) from error
        except BaseException:
            listener.close()
            raise
        return listener
