"""Bridge from Entrain to Home Assistant over MQTT: python home_assistant.py [BROKER [PORT]].

Home Assistant finds the device by itself.  The bridge needs `pip install paho-mqtt`.  If the broker
asks for a user and a password, put them into the variables MQTT_USER and MQTT_PASSWORD.
"""

import json
import os
import sys
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from entrain import Client, EntrainError

BROKER, PORT = [*sys.argv[1:], *["localhost", "1883"][len(sys.argv) - 1 :]]
PROTOCOLS = ["default", "focus-16", "calm-10", "none"]  # only these can be chosen
ENTITIES: dict[str, dict[str, object]] = {
    "switch/effect": {"name": "Effect", "command_topic": "entrain/effect/set"},
    "select/use": {"name": "Protocol", "command_topic": "entrain/use/set", "options": PROTOCOLS},
    "sensor/rate": {"name": "Rate", "unit_of_measurement": "Hz"},
}
state = {"entrain/there": "offline"}
lock = threading.Lock()


def tell(topic: str, payload: str) -> None:
    """Tell the broker now, or when it is connected again."""
    with lock:
        state[topic] = payload
        mqtt.publish(topic, payload, retain=True)


def connected(
    mqtt: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
) -> None:
    """Ask for commands, describe the entities, and tell their state."""
    if reason.is_failure:
        print(f"the broker at {BROKER}:{PORT} refuses: {reason}", file=sys.stderr)
        return
    mqtt.subscribe("entrain/+/set")
    for path, entity in ENTITIES.items():
        kind, name = path.split("/")
        common = {"unique_id": f"entrain_{name}", "state_topic": f"entrain/{name}"}
        device = {"device": {"name": "Entrain", "identifiers": ["entrain"]}}
        config = json.dumps({**common, **device, **entity, "availability_topic": "entrain/there"})
        mqtt.publish(f"homeassistant/{kind}/entrain_{name}/config", config, retain=True)
    with lock:
        for topic, payload in state.items():
            mqtt.publish(topic, payload, retain=True)


def told(_mqtt: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
    """Carry out a command; anything else is ignored, as are commands while Entrain is not there."""
    try:
        with Client() as entrain:
            if message.topic == "entrain/effect/set" and message.payload in (b"ON", b"OFF"):
                entrain.ask("bypass", on=message.payload == b"OFF")
            elif message.topic == "entrain/use/set" and message.payload.decode() in PROTOCOLS:
                entrain.ask("use", protocol=message.payload.decode())
    except (EntrainError, UnicodeDecodeError) as error:
        print(error, file=sys.stderr)


# With a name, a new connection ends the former one first, whose end would tell "offline" later.
mqtt = paho.Client(CallbackAPIVersion.VERSION2, "entrain")
mqtt.on_connect, mqtt.on_message = connected, told
mqtt.will_set("entrain/there", "offline", retain=True)
if user := os.environ.get("MQTT_USER"):
    mqtt.username_pw_set(user, os.environ.get("MQTT_PASSWORD"))
try:
    mqtt.connect(BROKER, int(PORT))
except (OSError, ValueError) as error:
    sys.exit(f"no MQTT broker at {BROKER}:{PORT}: {error}")
mqtt.loop_start()
while True:
    try:
        with Client() as entrain:
            tell("entrain/there", "online")
            for news in entrain.watch_parts(["bypass", "protocol", "position"], 1, "mqtt"):
                if "bypass" in news.parts:
                    tell("entrain/effect", "OFF" if news.parts["bypass"] else "ON")
                if "protocol" in news.parts:
                    protocol = news.parts["protocol"] or {"id": "none", "rate_hz": None}
                    tell("entrain/use", protocol["id"])
                    tell("entrain/rate", str(protocol["rate_hz"] or 0))
    except EntrainError as error:
        print(error, file=sys.stderr)
    tell("entrain/there", "offline")
    time.sleep(2)
