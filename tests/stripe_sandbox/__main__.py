"""`python -m tests.stripe_sandbox --port 0`: the sandbox as a process of its own."""

import argparse
import signal
import threading

from .server import Sandbox


def main():
    parser = argparse.ArgumentParser(prog="stripe_sandbox", description="A stand-in for Stripe's API on 127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", help="makes identifiers and keys the same in every run")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(arguments.port, arguments.seed) as sandbox:
        print(f"listening on {sandbox.url}", flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
