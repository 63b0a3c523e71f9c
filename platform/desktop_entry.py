"""Desktop entries: the files by which desktops start programs, at login or from a menu.

https://specifications.freedesktop.org/desktop-entry-spec/1.5
"""

from pathlib import Path

from entrain.platform.adapter import PlatformError

_GROUP = "[Desktop Entry]"
_MUST_BE_QUOTED = frozenset(" \t\n\"'\\><~|&;$*?#()`")


class DesktopEntry:
    """The group ``[Desktop Entry]`` of a file; all else in it stays as it is.

    Parameters
    ----------
    text : str
        What is in the file; nothing, for a new one.

    """

    def __init__(self, text: str = "") -> None:
        self._lines = text.splitlines()
        if _GROUP not in self._lines:
            self._lines.append(_GROUP)

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"

    def get(self, key: str) -> str:
        """Return a value as it is written; ``""`` where there is none."""
        at = self._find(key)
        return "" if at is None else self._lines[at].partition("=")[2].strip()

    def set(self, key: str, value: str) -> None:
        """Write a value, which is escaped already, in the place of the one before."""
        at = self._find(key)
        if at is None:
            self._lines.insert(self._end(), f"{key}={value}")
        else:
            self._lines[at] = f"{key}={value}"

    def remove(self, key: str) -> None:
        """Leave a key out; nothing happens where there is none."""
        while (at := self._find(key)) is not None:
            del self._lines[at]

    def program(self) -> str:
        """Return the program of ``Exec``, without its arguments; ``""`` where there is none."""
        return _first_argument(_unescaped(self.get("Exec")))

    def is_entrains(self) -> bool:
        """Tell whether it starts Entrain, wherever that is installed, or nothing yet."""
        return not self.get("Exec") or Path(self.program()).name == "entrain"

    def _begin(self) -> int:
        return self._lines.index(_GROUP) + 1

    def _end(self) -> int:
        """Return the place after the last line that says something in the group."""
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
    """Write a string value, as of ``TryExec``."""
    for plain, code in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(plain, code)
    return f"\\s{text[1:]}" if text.startswith(" ") else text


def command_line(program: Path, *arguments: str) -> str:
    """Write the value of ``Exec``.

    Raises
    ------
    PlatformError
        No desktop entry can name that program.

    """
    for char in "=%":  # "=" by the specification; GLib does not find what has a "%"
        if char in str(program):
            raise PlatformError(f'desktops start no program with "{char}" in its path: {program}')
    return escaped(" ".join(map(_quoted, (str(program), *arguments))))


def _quoted(argument: str) -> str:
    argument = argument.replace("%", "%%")
    if argument and not _MUST_BE_QUOTED & set(argument):
        return argument
    for char in '\\"`$':  # the backslash before those that bring one
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
