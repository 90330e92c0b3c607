"""gRPC through the gateway with grpcio on both sides: every kind of call, errors of the service and of the gateway.

Ends with 1 when a call does not do what it does without a gateway between.
"""

import argparse
import concurrent.futures
import json
import sys
import threading
import time

import grpc

CANCELLED = threading.Event()


def say(request, call):
    metadata = dict(call.invocation_metadata())
    call.send_initial_metadata([("x-initial", "from the service")])
    call.set_trailing_metadata([("x-trailing", metadata.get("x-mine", "nothing")), ("x-bytes-bin", b"\x00\xff")])
    if request == b"fail":
        call.abort(grpc.StatusCode.NOT_FOUND, "nothing: 100 % gone, überall")
    if request == b"token?":
        return metadata.get("authorization", "none").encode()
    return request


def count(request, call):
    for number in range(int(request)):
        yield str(number).encode() * 10


def total(requests, call):
    return str(sum(len(request) for request in requests)).encode()


def chat(requests, call):
    for request in requests:
        yield request[::-1]


def wait(request, call):
    call.add_callback(CANCELLED.set)
    yield b"begun"
    while call.is_active():
        time.sleep(0.05)


def serve(port):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(32))
    handlers = {
        "Say": grpc.unary_unary_rpc_method_handler(say),
        "Count": grpc.unary_stream_rpc_method_handler(count),
        "Sum": grpc.stream_unary_rpc_method_handler(total),
        "Chat": grpc.stream_stream_rpc_method_handler(chat),
        "Wait": grpc.unary_stream_rpc_method_handler(wait),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("judge.Echo", handlers),))
    assert server.add_insecure_port(f"127.0.0.1:{port}") == port
    server.start()
    return server


class Judge:
    def __init__(self, options):
        with open(options.ca, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self.channel = grpc.secure_channel(f"localhost:{options.port}", credentials, unlimited)
        self.token = [("authorization", "Bearer " + options.token)]
        self.faults, self.checks = [], 0

    def check(self, name, fine, said=""):
        self.checks += 1
        if not fine:
            self.faults.append(f"{name}: {said}")

    def unary(self, method="Say"):
        return self.channel.unary_unary(f"/judge.Echo/{method}")

    def refused(self, name, expected, call):
        try:
            call()
            self.check(name, False, "was answered")
        except grpc.RpcError as error:
            self.check(name, error.code() == expected, f"{error.code()} {error.details()}")
            return error
        return None


def calls(judge):
    token = judge.token
    answer, call = judge.unary().with_call(b"hello", metadata=token + [("x-mine", "mine")])
    judge.check("unary", answer == b"hello", answer)
    trailing = dict(call.trailing_metadata())
    judge.check("initial metadata", dict(call.initial_metadata()).get("x-initial") == "from the service")
    judge.check("trailing metadata", trailing.get("x-trailing") == "mine", trailing)
    judge.check("binary metadata", trailing.get("x-bytes-bin") == b"\x00\xff", trailing)
    judge.check("the token ends at the gateway", judge.unary()(b"token?", metadata=token) == b"none")
    for size in (0, 1, 16_384, 65_535, 3_000_000):
        judge.check(f"{size} bytes", judge.unary()(b"x" * size, metadata=token) == b"x" * size)
    numbers = list(judge.channel.unary_stream("/judge.Echo/Count")(b"2000", metadata=token))
    judge.check("server streaming", numbers == [str(n).encode() * 10 for n in range(2000)], len(numbers))
    summed = judge.channel.stream_unary("/judge.Echo/Sum")(iter([b"abc"] * 2000), metadata=token)
    judge.check("client streaming", summed == b"6000", summed)

    turns = []
    answers = judge.channel.stream_stream("/judge.Echo/Chat")(ping(turns), metadata=token)
    for answer in answers:
        turns.append(answer)
    judge.check("both ways in turns", len(turns) == 100, len(turns))

    error = judge.refused("an error of the service", grpc.StatusCode.NOT_FOUND, lambda: judge.unary()(b"fail", metadata=token))
    judge.check("its message", error and error.details() == "nothing: 100 % gone, überall", error and error.details())
    judge.check("its metadata", error and dict(error.trailing_metadata()).get("x-trailing") == "nothing")

    waiting = judge.channel.unary_stream("/judge.Echo/Wait")(b"", metadata=token)
    judge.check("an answer in pieces", next(iter(waiting)) == b"begun")
    waiting.cancel()
    judge.check("a cancelled call is cancelled at the service", CANCELLED.wait(10))
    late = judge.channel.unary_stream("/judge.Echo/Wait")
    judge.refused("a deadline", grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(late(b"", metadata=token, timeout=0.5)))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        same = list(pool.map(lambda n: judge.unary()(str(n).encode(), metadata=token) == str(n).encode(), range(400)))
    judge.check("400 calls at a time on one connection", all(same), same.count(False))


def ping(turns):
    for number in range(100):
        while len(turns) < number:
            time.sleep(0.001)
        yield b"ping"


def refusals(judge):
    code = grpc.StatusCode
    judge.refused("no token", code.UNAUTHENTICATED, lambda: judge.unary()(b""))
    wrong = [("authorization", "Bearer nonsense")]
    error = judge.refused("a wrong token", code.UNAUTHENTICATED, lambda: judge.unary()(b"", metadata=wrong))
    judge.check("WSO2's code in the message", error and error.details().startswith("900901"), error and error.details())
    judge.refused("an unknown method", code.UNIMPLEMENTED, lambda: judge.unary("None")(b"", metadata=judge.token))
    other = judge.channel.unary_unary("/other.Service/Say")
    judge.refused("an unknown service", code.UNIMPLEMENTED, lambda: other(b"", metadata=judge.token))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", type=argparse.FileType())
    options = argparse.Namespace(**json.load(parser.parse_args().settings))
    server, judge = serve(options.grpc_port), Judge(options)
    calls(judge)
    refusals(judge)
    server.stop(0).wait()
    judge.refused("no service", grpc.StatusCode.UNAVAILABLE, lambda: judge.unary()(b"", metadata=judge.token))
    server = serve(options.grpc_port)
    judge.check("the service is back", judge.unary()(b"again", metadata=judge.token) == b"again")
    server.stop(0)
    print(f"gRPC: {judge.checks} checks, {len(judge.faults)} faults")
    for fault in judge.faults:
        print("FAULT:", fault)
    sys.exit(1 if judge.faults else 0)


if __name__ == "__main__":
    main()
