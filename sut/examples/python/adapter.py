#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An adapter in Python without dependencies: the text to copy from for an adapter of your own.

It drives the reference daemons, `rspthreat pe` and `rspthreat pu`. The protocol is in sut/ADAPTER.md: one line of JSON
a message, requests on standard input, answers and events on standard output. Standard error is the adapter's log.

    adapter.py [--rspthreat PROGRAM]

What is about the protocol is in Adapter; what is about the system under test is in Element and User, and that is what
yours will have others of. Whatever they do not know they refuse as "unsupported": a check that needs it is then not
judged, which is no failure.
"""

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading

PROTOCOL = 1
EXIT_USAGE = 64  # our own arguments are wrong; argparse would say 2


class Unsupported(Exception):
    """The system does not do this."""


class Failed(Exception):
    """The system tried, and reports that it went wrong."""


class Invalid(Exception):
    """The request makes no sense."""


class Adapter:
    """Reads requests and has a thread for each, so that a slow one holds up no other."""

    def __init__(self, program):
        self.program = program
        self.nodes = {}
        self.cancelled = {}  # by the number of the request: an Event
        self.writing = threading.Lock()

    def say(self, message):
        with self.writing:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    def event(self, node, kind, **fields):
        self.say({"node": node, "event": {"kind": kind, **fields}})

    def log(self, node, line):
        self.say({"node": node, "log": line})

    def serve(self):
        threads = []
        for line in sys.stdin:
            request = json.loads(line)
            if request["op"] == "cancel":
                cancelled = self.cancelled.get(request.get("request"))
                if cancelled:
                    cancelled.set()
                self.say({"id": request["id"]})
                continue
            self.cancelled[request["id"]] = threading.Event()
            thread = threading.Thread(target=self.answer, args=(request,), daemon=True)
            thread.start()
            threads.append(thread)
        for node in list(self.nodes.values()):
            node.stop()

    def answer(self, request):
        try:
            answer = {"result": self.do(request)}
        except Unsupported as e:
            answer = {"error": {"code": "unsupported", "message": str(e)}}
        except Failed as e:
            answer = {"error": {"code": "failed", "message": str(e)}}
        except Invalid as e:
            answer = {"error": {"code": "invalid", "message": str(e)}}
        self.cancelled.pop(request["id"], None)
        if answer.get("result", 0) is None:
            answer = {}
        self.say({"id": request["id"], **answer})

    def do(self, request):
        op = request["op"]
        if op == "hello":
            return {
                "protocol": PROTOCOL,
                "name": "rspthreat daemons",
                "roles": ["pe", "pu"],
                "operations": ["start-element", "start-user", "send", "stop", "cancel"],
            }
        if op in ("start-element", "start-user"):
            kind, spec = (Element, request.get("element")) if op == "start-element" else (User, request.get("user"))
            if not spec or "node" not in request:
                raise Invalid(f"{op} without a description or a name")
            node = kind(self, request["node"], spec)
            self.nodes[node.name] = node
            return node.start()
        if op in ("send", "stop"):
            node = self.nodes.get(request.get("node"))
            if node is None:
                raise Invalid(f"there is no node {request.get('node')!r}")
            if op == "stop":
                del self.nodes[node.name]
                return node.stop()
            return node.send(bytes.fromhex(request.get("data", "")), request["timeout_ms"] / 1000, self.cancelled[request["id"]])
        raise Unsupported(f"the daemons have no way to {op}")


def only(spec, *known):
    """Refuses what is asked for and not known: to leave it out would be to judge something else."""
    for field in spec:
        if field not in known:
            raise Unsupported(f"the daemons cannot be told {field}")


class Node:
    """A daemon with its configuration in a directory of its own."""

    command = ""

    def __init__(self, adapter, name, spec):
        self.adapter, self.name, self.spec = adapter, name, spec
        self.directory = tempfile.TemporaryDirectory(prefix="rspthreat-adapter-")
        self.process = None
        self.threads = []
        self.ready = threading.Event()
        self.last = ""  # line of its log
        self.path = self.write("config.yaml", json.dumps(self.configuration()))  # YAML has all of JSON in it

    def write(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def common(self, **more):
        return {"version": 1, "security": self.spec["security"], "log": {"format": "json", "level": "info"}, **more}

    def place(self, p, *names):
        place = {"transport": p["transport"], "address": p["addr"]}
        place.update({n: p[n] for n in names if n in p})
        return place

    def announcements(self):
        group = self.spec["announcements"]
        return {"listen": group, "groups": [group.rsplit(":", 1)[0]], "interface": "lo"}

    def launch(self):
        self.ready.clear()
        self.process = subprocess.Popen(
            [self.adapter.program, self.command, "--config", self.path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.threads = [threading.Thread(target=f, args=(self.process,), daemon=True) for f in (self.read_log, self.read_output)]
        for t in self.threads:
            t.start()

    def read_log(self, process):
        for line in process.stderr:
            self.last = line.strip()
            self.adapter.log(self.name, self.last)
            try:
                record = json.loads(line)
            except ValueError:
                record = {"msg": self.last}
            if record.get("msg") == "ready":
                self.ready.set()
            self.tell(record)
        self.ready.set()  # or it never will be

    def read_output(self, process):
        process.stdout.read()

    def tell(self, record):
        pass

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            for t in self.threads:
                t.join()
        self.directory.cleanup()

    def send(self, data, timeout, cancelled):
        raise Unsupported("an element sends nothing by itself")


class Element(Node):
    command = "pe"
    policies = {1: "round-robin", 2: "weighted-round-robin", 3: "random", 4: "weighted-random"}
    events = {
        "home-found": "home", "home-changed": "home", "home-lost": "home-lost",
        "registrar-refused": "refused", "registrar-failed": "refused", "home-refused": "refused",
        "registered": "registered", "rejected": "rejected", "deregistered": "deregistered",
    }

    def configuration(self):
        s = self.spec
        only(s, "security", "registrars", "identity", "caller", "door", "announcements", "local", "pool", "id", "life_ns", "policy", "service")
        c = self.common(registrars=[self.place(p, "encapsulation_port") for p in s.get("registrars", [])])
        keys = [f"{k['identity']}:{k['key']}\n" for k in (s.get("identity"), s.get("caller")) if k]
        if keys:
            c["psk_file"] = self.write("keys.psk", "".join(keys))
        if s.get("identity"):
            c["identity"] = s["identity"]["identity"]
        if s.get("caller"):
            c["registrar_identities"] = [{"identity": s["caller"]["identity"]}]
        if s.get("door"):
            door = s["door"]
            c["doors"] = [{"transport": door["transport"], "tls": door["secured"], "address": door["addr"]}]
            if "encapsulation_port" in door:
                c["encapsulation_port"] = door["encapsulation_port"]
        if s.get("announcements"):
            c["announcements"] = self.announcements()
        if s.get("local"):
            c["local"] = s["local"]
        service = s.get("service", {"transport": "tcp", "addr": s.get("local", "127.0.0.1") + ":0", "secured": False})
        pool = {"handle": s["pool"], "service": {"transport": service["transport"], "tls": service["secured"], "address": service["addr"]}}
        if service["secured"]:
            c["certificate_file"] = self.write("certificate.pem", service["certificate"])
            c["key_file"] = self.write("key.pem", service["key"])
        if s.get("id"):
            pool["id"] = s["id"]
        if s.get("life_ns"):
            pool["life"] = f"{s['life_ns']}ns"
        if s.get("policy"):
            policy = s["policy"]
            if policy["type"] not in self.policies:
                raise Unsupported(f"this adapter does not know policy {policy['type']}")
            pool["policy"] = {"name": self.policies[policy["type"]]}
            if "weight" in policy:
                pool["policy"]["weight"] = policy["weight"]
        c["pools"] = [pool]
        # As short as the harness is patient; a registrar that was away is to be found again.
        c["timers"] = {"registration": "2s", "deregistration": "2s", "server_hunt": "1s", "retry": "1s"}
        return c

    def start(self):
        self.launch()
        self.ready.wait()
        if self.process.poll() is not None:
            raise Failed(self.last)

    def tell(self, record):
        kind = self.events.get(record.get("msg"))
        if not kind:
            return
        fields = {"pool": record.get("pool", ""), "reason": str(record.get("error") or "")}
        if record.get("pe"):
            fields["peid"] = int(record["pe"], 0)
        remote = record.get("remote")
        if remote and not remote.startswith("invalid"):
            fields["remote"] = remote
        self.adapter.event(self.name, kind, **fields)


class User(Node):
    """The daemon has one session, from its start on, so it is started by the first send."""

    command = "pu"

    def configuration(self):
        s = self.spec
        only(s, "security", "registrars", "roots", "identity", "announcements", "local", "pool", "elements", "element_roots", "element_name", "seed")
        c = self.common(pool=s["pool"], registrars=[self.place(p, "name", "encapsulation_port") for p in s.get("registrars", [])])
        if s.get("identity"):
            c["psk_file"] = self.write("keys.psk", f"{s['identity']['identity']}:{s['identity']['key']}\n")
            c["identity"] = s["identity"]["identity"]
        elif s.get("roots"):
            c["ca_file"] = self.write("roots.pem", s["roots"])
        if s.get("announcements"):
            c["announcements"] = self.announcements()
        if s.get("local"):
            c["local"] = s["local"]
        elements = {"security": s.get("elements", "clear")}
        if s.get("element_roots"):
            elements["ca_file"] = self.write("elements.pem", s["element_roots"])
        if s.get("element_name"):
            elements["name"] = s["element_name"]
        c["elements"] = elements
        c["timers"] = {"request": "1s", "connect": "1s", "failover": "10s"}
        return c

    def start(self):
        self.replies = queue.Queue()

    def read_output(self, process):
        for line in process.stdout:
            self.replies.put(line.rstrip("\n").encode())
        self.replies.put(None)  # it has ended

    def tell(self, record):
        if record.get("msg", "").startswith("failover in "):
            words = record["msg"].split()  # failover in "POOL" from 0x... to 0x... (...): why
            self.adapter.event(self.name, "failover", pool=self.spec["pool"], peid=int(words[-words[::-1].index("to")], 0),
                               **{"from": int(words[-words[::-1].index("from")], 0)}, reason=record["msg"])

    def send(self, data, timeout, cancelled):
        if b"\n" in data or not data:
            raise Unsupported("the daemon sends lines")
        if self.process is None or self.process.poll() is not None:
            self.replies = queue.Queue()
            self.launch()
        try:
            self.process.stdin.write(data.decode("latin-1") + "\n")
            self.process.stdin.flush()
        except OSError as e:
            raise Failed(f"{self.last or e}") from e
        tick = 0.05  # a queue cannot wait for a cancel as well
        while not cancelled.is_set() and timeout > 0:
            try:
                reply = self.replies.get(timeout=tick)
            except queue.Empty:
                timeout -= tick
                continue
            if reply is None:
                self.process.wait()
                raise Failed(self.last)
            return {"data": reply.hex()}
        raise Failed("no answer came in time")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"adapter: {message}", file=sys.stderr)
        sys.exit(EXIT_USAGE)


def main():
    parser = Parser(description="An adapter for the reference daemons.")
    parser.add_argument("--rspthreat", default="rspthreat", help="the program (default: %(default)s)")
    Adapter(parser.parse_args().rspthreat).serve()


if __name__ == "__main__":
    main()
