"""Desktop entries: files that let desktops start apps, at login or from a menu.

https://specifications.freedesktop.org/desktop-entry-spec/1.5
"""

from pathlib import Path

from entrain.platform.adapter import PlatformError

_GROUP = "[Desktop Entry]"
_MUST_BE_QUOTED = frozenset(" \t\n\"'\\><~|&;$*?#()`")


class DesktopEntry:
    """The group ``[Desktop Entry]`` of a file; the rest of the file stays as it is.

    Parameters
    ----------
    text : str
        Content of the file; empty for a new file.

    """

    def __init__(self, text: str = "") -> None:
        self._lines = text.splitlines()
        if _GROUP not in self._lines:
            self._lines.append(_GROUP)

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"

    def get(self, key: str) -> str:
        """Return a value as written in the file, or ``""``."""
        at = self._find(key)
        return "" if at is None else self._lines[at].partition("=")[2].strip()

    def set(self, key: str, value: str) -> None:
        """Set a value, which must be escaped already."""
        at = self._find(key)
        if at is None:
            self._lines.insert(self._end(), f"{key}={value}")
        else:
            self._lines[at] = f"{key}={value}"

    def remove(self, key: str) -> None:
        """Remove a key, if it exists."""
        while (at := self._find(key)) is not None:
            del self._lines[at]

    def program(self) -> str:
        """Return the command of ``Exec`` without its arguments, or ``""``."""
        return _first_argument(_unescaped(self.get("Exec")))

    def is_entrains(self) -> bool:
        """Return whether the entry starts Entrain, from any folder, or has no command yet."""
        return not self.get("Exec") or Path(self.program()).name == "entrain"

    def _begin(self) -> int:
        return self._lines.index(_GROUP) + 1

    def _end(self) -> int:
        """Return the index after the group's last line that is not empty."""
        end = self._begin()
        for number, line in enumerate(self._lines[end:], end):
            if line.startswith("["):
                break
            if line.strip():
                end = number + 1
        return end

    def _find(self, key: str) -> int | None:
        for number in range(self._begin(), self._end()):
            if self._lines[number].partition("=")[0].strip() == key:
                return number
        return None


def escaped(text: str) -> str:
    """Return the escaped form of a string value, such as ``TryExec``."""
    for plain, code in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(plain, code)
    return f"\\s{text[1:]}" if text.startswith(" ") else text


def command_line(program: Path, *arguments: str) -> str:
    """Return the value of ``Exec`` for a command.

    Raises
    ------
    PlatformError
        A desktop entry cannot contain this path.

    """
    for char in "=%":  # "=" by the specification; GLib does not find what has a "%"
        if char in str(program):
            raise PlatformError(f'desktops cannot start a path with "{char}" in it: {program}')
    return escaped(" ".join(map(_quoted, (str(program), *arguments))))


def _quoted(argument: str) -> str:
    argument = argument.replace("%", "%%")
    if argument and not _MUST_BE_QUOTED & set(argument):
        return argument
    for char in '\\"`$':  # the backslash first, since the others add backslashes
        argument = argument.replace(char, f"\\{char}")
    return f'"{argument}"'


def _unescaped(value: str) -> str:
    codes = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    out, chars = "", iter(value)
    for char in chars:
        if char == "\\":
            code = next(chars, "")
            char = codes.get(code, f"\\{code}")
        out += char
    return out


def _first_argument(command: str) -> str:
    out, quoted, chars = "", False, iter(command.lstrip())
    for char in chars:
        if char == '"':
            quoted = not quoted
        elif char == "\\" and quoted:
            out += next(chars, "")
        elif char.isspace() and not quoted:
            break
        else:
            out += char
    return out.replace("%%", "%")
