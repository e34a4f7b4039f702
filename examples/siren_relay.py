"""A siren relay in under a hundred lines: hears signed lines over HTTP or MQTT, drives one siren, answers.
    python siren_relay.py --key siren.key --name north --zone "apron 2" --run ./siren.sh --listen 8090
    python siren_relay.py --key siren.key --name north --zone "apron 2" --run ./siren.sh --broker 10.0.0.5 --site kabul

Calls `COMMAND STATE ZONE WORDS` when the state changes: none, pre-alert, take-cover, stay, impacts-over, all-clear,
test, words or no-contact. Silence is never an all-clear: the last stage holds until its time is over, then: no-contact.
"""

import argparse, hmac, json, subprocess, threading, time  # noqa: E401, I001 — short, to be read in one go
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GRAVER = ["none", "all-clear", "impacts-over", "pre-alert", "stay", "take-cover"]     # one of two watchers is enough
CONTACT_S, FRESH_S = 5.0, 30.0      # seconds a watcher's word counts; seconds a line may be under way

class Relay:
    def __init__(self, options):
        secret = Path(options.key).read_bytes().strip()
        self.keys = {(way, kind): hmac.digest(secret, f"skywarden {way} 1 {kind}".encode(), "sha256")
                     for way in ("siren", "answer") for kind in (options.kind, "test")}
        self.sign = lambda way, kind, body: hmac.new(self.keys[way, kind], body, "sha256").hexdigest().encode()
        self.options, self.memory, self.lock = options, Path(options.memory), threading.Lock()
        self.kept = json.loads(self.memory.read_text()) if self.memory.is_file() else {"counters": {}, "acted": []}
        self.claims, self.held, self.state = {}, {"stage": "none", "id": ""}, ("starting", "")
        threading.Thread(target=self.watch, daemon=True).start()

    def hear(self, line):
        """Act on a line and give the one that answers it; None for one forged, stale, heard before or not ours."""
        mac, _, body = line.strip().partition(b" ")
        kind = next((k for w, k in self.keys if w == "siren" and hmac.compare_digest(self.sign(w, k, body), mac)), None)
        told, now = json.loads(body) if kind else {"zone": None}, time.time()
        with self.lock:
            if told["zone"] != self.options.zone or told["counter"] <= self.kept["counters"].get(told["replica"], 0) \
                    or abs(now - told["sent"]) > FRESH_S or told["expires"] < now:
                return None
            self.kept["counters"][told["replica"]] = told["counter"]
            words = kind == "test" or not (told["stage"] != "none" or told["id"] == "")     # they change no stage
            self.claims |= {} if words else {told["replica"]: (now, told)}
            if self.act("test" if kind == "test" else "words", told) if words else self.settle():
                return None         # the siren's command does not start: no answer, so that somebody comes
            self.memory.write_text(json.dumps(self.kept))
            said = json.dumps({"v": 1, "relay": self.options.name, "message": told["message"],
                               "counter": told["counter"], "state": self.state[0]}).encode()
            return self.sign("answer", kind, said) + b" " + said

    def settle(self):
        """What all watchers say together; what was held, where none says anything."""
        fresh = [told for heard, told in self.claims.values() if time.time() - heard < CONTACT_S]
        if fresh:
            self.held = max(fresh, key=lambda told: GRAVER.index(told["stage"]))
        elif time.time() > max(self.held.get("until") or 0.0, self.held.get("expires") or 0.0):
            self.held = {"stage": "no-contact", "id": ""}
        state = (self.held["stage"], self.held["id"])
        fault = self.act(self.held["stage"], self.held) if state != self.state else None
        self.state = self.state if fault else state
        return fault

    def act(self, state, told):
        if told["id"] and [told["id"], state] in self.kept["acted"]:
            return None     # the same warning is acted on once, after a restart of ours, too
        words = " ".join(told.get("say", {}).values())
        try:
            self.options.run and subprocess.Popen([self.options.run, state, self.options.zone, words])
        except OSError as error:
            return print(f"it does not sound: {error}", flush=True) or error
        self.kept["acted"] = [*self.kept["acted"][-500:], [told["id"], state]]
        print(f"{time.time():.3f} {self.options.zone}: {state} {told['id']} {words}", flush=True)

    def watch(self):
        while not time.sleep(0.5):
            with self.lock:
                self.settle()

def over_http(relay):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            answer = relay.hear(self.rfile.read(min(int(self.headers.get("content-length", 0)), 65536))) or b""
            self.wfile.write(b"HTTP/1.0 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))
    ThreadingHTTPServer((relay.options.host, relay.options.listen), Handler).serve_forever()

def over_mqtt(relay, host, port):
    import paho.mqtt.client as mqtt
    client, top = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5), f"skywarden/{relay.options.site}"
    kinds, name = (relay.options.kind, "test"), relay.options.name
    asked = [(f"{top}/{kind}/siren-{which}/#", 1) for kind in kinds for which in ("zone", "event")]
    client.on_connect = lambda c, *_: c.subscribe(asked)
    client.on_message = lambda c, _, m: (line := relay.hear(m.payload)) and c.publish(
        f"{top}/{m.topic.split('/')[2]}/siren-ack/{name}", line, 1)
    client.connect_async(host, int(port or 1883), keepalive=5)
    client.loop_forever(retry_first_connection=True)

if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = {"key": None, "name": "relay", "zone": None, "kind": "live", "run": "", "memory": ".siren-relay.json",
             "site": "", "host": "0.0.0.0", "listen": 8090, "broker": ""}
    for key, value in usual.items():
        asked.add_argument(f"--{key}", default=value, required=value is None, type=int if key == "listen" else str)
    relay = Relay(asked.parse_args())
    over_mqtt(relay, *relay.options.broker.partition(":")[::2]) if relay.options.broker else over_http(relay)
