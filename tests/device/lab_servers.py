"""Private sound servers.  A test can stop them and plug devices, as happens to real servers."""

from abc import abstractmethod
from pathlib import Path

from entrain.platform.sandbox import Sandbox, VirtualDevice
from entrain.platform.sandbox_pipewire import PipeWireSandbox, node_properties
from entrain.platform.sandbox_pulse import PulseSandbox, null_sink


class LabServer(Sandbox):
    """A private server whose devices come and go, and which a test can stop and restart."""

    @property
    def folder(self) -> Path:
        """Return the folder of the servers' sockets, state and log."""
        return self._folder

    def pid(self, program: str) -> int:
        """Return the process id of one of the server's programs."""
        return self._processes[program].pid

    @property
    def pids(self) -> list[int]:
        """The process ids of all programs of the server."""
        return [process.pid for process in self._processes.values()]

    def start_server(self) -> None:
        """Start the programs that do not run, with the settings and state of the folder.

        The devices are the initial ones.
        """
        self._start_server()

    def stop_server(self, kill: bool = False) -> None:
        """Stop all programs of the server.  `kill` ends them without a warning, as in a crash."""
        for name in reversed(list(self._processes)):
            if kill:
                self._kill(name)
            else:
                self._stop(name)

    @abstractmethod
    def add_device(self, device: VirtualDevice) -> None:
        """Plug a device in and wait until it is there."""

    @abstractmethod
    def remove_device(self, name: str) -> None:
        """Unplug a device and wait until it is gone."""

    def _kill(self, name: str) -> None:
        if process := self._processes.pop(name, None):
            process.kill()
            process.wait()


class LabPipeWire(LabServer, PipeWireSandbox):
    """PipeWire.  A test can kill its session manager and its PulseAudio server separately."""

    def start_session_manager(self, wait: bool = True) -> None:
        """Start WirePlumber unless it runs."""
        if "wireplumber" not in self._processes:
            self._start("wireplumber")
        if wait:
            self._await(self._ready)

    def kill_session_manager(self) -> None:
        """Kill WirePlumber without a warning."""
        self._kill("wireplumber")

    def restart_session_manager(self) -> None:
        """Stop WirePlumber and start it again."""
        self._stop("wireplumber")
        self.start_session_manager()

    def kill_pulse(self) -> None:
        """Kill pipewire-pulse without a warning; `start_server` starts it again."""
        self._kill("pipewire-pulse")

    def add_device(self, device: VirtualDevice) -> None:
        self._command("pw-cli", "create-node", "adapter", "{ " + node_properties(device) + " }")
        self._await(lambda: device.name in self._sinks())
        self._present.add(device.name)
        if "wireplumber" in self._processes:  # WirePlumber gives the device ports
            self._rouse(self._sinks()[device.name])

    def remove_device(self, name: str) -> None:
        self._command("pw-cli", "destroy", str(self._sinks()[name]))
        self._await(lambda: name not in self._sinks())
        self._present.discard(name)


class LabPulse(LabServer, PulseSandbox):
    """PulseAudio."""

    def add_device(self, device: VirtualDevice) -> None:
        self._command("pactl", "load-module", *null_sink(device).split(" ", 1))

    def remove_device(self, name: str) -> None:
        self._command("pactl", "unload-module", self._null_sinks()[name])

    def _null_sinks(self) -> dict[str, str]:
        """Return the module index of each device."""
        found = {}
        for line in self._command("pactl", "list", "short", "modules").splitlines():
            index, module, arguments = line.split("\t")[:3]
            if module == "module-null-sink":
                found[arguments.split("sink_name=")[1].split(" ")[0]] = index
        return found
