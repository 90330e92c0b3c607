"""WebSockets through the gateway: python `websockets` on both sides, and the Autobahn cases as kosoku drives them.

Ends with 1 when something passes that must not, or does not that must.
"""

import argparse
import asyncio
import json
import logging
import os
import ssl
import subprocess
import sys
import tempfile

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

# Cases whose verdict without a gateway is taken as well: what a server does not do itself, a gateway cannot add.
GROUPS = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]
FAILED = {"FAILED", "WRONG CODE", "UNCLEAN"}


def choose(_, offered):
    return "chat" if "chat" in offered else None


async def echo(socket):
    if socket.request.path.endswith("/leave"):
        socket.transport.abort()
        return
    async for message in socket:
        if message == "headers":
            names = sorted(name.lower() for name in socket.request.headers)
            await socket.send(json.dumps(names))
        else:
            await socket.send(message)


class Judge:
    def __init__(self, options):
        self.options, self.faults, self.checks = options, [], 0
        self.tls = ssl.create_default_context(cafile=options.ca)
        self.token = {"Authorization": "Bearer " + options.token}

    def check(self, name, fine, said=""):
        self.checks += 1
        if not fine:
            self.faults.append(f"{name}: {said}")

    def open(self, path="/echo", headers=None, **more):
        url = f"wss://localhost:{self.options.port}{self.options.ws_path}{path}"
        return connect(url, ssl=self.tls, additional_headers=self.token if headers is None else headers, **more)

    async def status(self, path="/echo", headers=None, **more):
        try:
            async with self.open(path, headers, **more):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    async def code(self, socket):
        try:
            while True:
                await asyncio.wait_for(socket.recv(), 15)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


async def calls(judge):
    async with judge.open(max_size=None) as socket:
        for message in ["", "hello", "grüße", b"", b"\x00" * 70_000, "x" * 500_000]:
            await socket.send(message)
            judge.check(f"echo of {len(message)}", await socket.recv() == message)
        await (await socket.ping(b"are you there"))
        judge.check("ping", True)
        await socket.send(["in ", "three ", "pieces"])
        judge.check("fragments", await socket.recv() == "in three pieces")
        await socket.send("headers")
        names = json.loads(await socket.recv())
        judge.check("the token ends at the gateway", "authorization" not in names, names)
        judge.check("no extensions", "sec-websocket-extensions" not in names, names)
        judge.check("not compressed", not socket.protocol.extensions)
        await socket.close(3000, "done")
        judge.check("close code", socket.close_code == 3000, socket.close_code)
    async with judge.open(subprotocols=["chat", "other"]) as socket:
        judge.check("sub-protocol", socket.subprotocol == "chat", socket.subprotocol)
    async with judge.open(max_size=None) as socket:
        await socket.send(b"x" * 2_000_000)
        judge.check("a message beyond the cap", await judge.code(socket) == 1009)
    async with judge.open("/leave") as socket:
        judge.check("an upstream that leaves", await judge.code(socket) == 1014)
    judge.check("no token", await judge.status(headers={}) == 401)
    judge.check("a wrong token", await judge.status(headers={"Authorization": "Bearer x"}) == 401)
    judge.check("a token in the query", await judge.status("/echo?access_token=" + judge.options.token, {}) == 101)
    judge.check("an unknown topic", await judge.status("/none") == 404)
    many = await asyncio.gather(*(one(judge, n) for n in range(100)))
    judge.check("100 at a time", all(many), many.count(False))


async def one(judge, number):
    async with judge.open() as socket:
        for turn in range(20):
            await socket.send(f"{number} {turn}")
            if await socket.recv() != f"{number} {turn}":
                return False
    return True


async def bridge(judge):
    """Lets a client that knows neither TLS nor tokens nor paths reach the API."""

    async def pipe(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def passed(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        lines[0] = f"GET {judge.options.ws_path}/echo HTTP/1.1"
        lines = [line for line in lines if not line.lower().startswith("host:")]
        lines[1:1] = ["Host: localhost", "Authorization: Bearer " + judge.options.token]
        inner, outer = await asyncio.open_connection("localhost", judge.options.port, ssl=judge.tls)
        outer.write("\r\n".join(lines).encode("latin-1"))
        await asyncio.gather(pipe(reader, outer), pipe(inner, writer))

    return await asyncio.start_server(passed, "127.0.0.1", 0)


async def autobahn(port, folder):
    """Verdicts by case."""
    program = os.path.join(os.path.dirname(sys.executable), "kosoku")
    arguments = [program, f"127.0.0.1:{port}", "-p", "4", "-o", folder]
    for group in GROUPS:
        arguments += ["-i", group]
    process = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await asyncio.wait_for(process.wait(), 150)
    with open(os.path.join(folder, "index.json")) as file:
        (cases,) = json.load(file).values()
    return {case: (verdict["behavior"], verdict["behaviorClose"]) for case, verdict in cases.items()}


async def run(options):
    judge = Judge(options)
    async with serve(echo, "127.0.0.1", options.ws_port, max_size=None, compression=None, select_subprotocol=choose):
        await calls(judge)
        with tempfile.TemporaryDirectory() as folder:
            direct = await autobahn(options.ws_port, os.path.join(folder, "direct"))
            server = await bridge(judge)
            through = await autobahn(server.sockets[0].getsockname()[1], os.path.join(folder, "through"))
            server.close()
    bad = {case for case, verdicts in through.items() if FAILED & set(verdicts)}
    known = {case for case, verdicts in direct.items() if FAILED & set(verdicts)}
    judge.check("as many cases", len(through) == len(direct) > 0, f"{len(through)} of {len(direct)}")
    for case in sorted(bad - known):
        judge.check(f"case {case}", False, f"{through[case]}, without a gateway {direct.get(case)}")
    print(f"WebSocket: {judge.checks} checks, {len(judge.faults)} faults; {len(through)} Autobahn cases, "
          f"{len(bad)} failed through the gateway, {len(known)} without it")
    for fault in judge.faults:
        print("FAULT:", fault)
    return 1 if judge.faults else 0


def main():
    # The server's own view of what the cases do to it.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", type=argparse.FileType())
    sys.exit(asyncio.run(run(argparse.Namespace(**json.load(parser.parse_args().settings)))))


if __name__ == "__main__":
    main()
