import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .control import SandboxControl, SandboxError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_where_it_listens_serves_and_stops_cleanly(stop):
    command = [sys.executable, "-m", "tests.stripe_sandbox", "--port", "0", "--seed", "process"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", process.stdout.readline()).group(1)
            control = SandboxControl(url)
            secret = control.create_account("Brightside Studio")["keys"]["test"]["secret"]
            assert control.client(secret).v1.customers.create({"name": "Rowan Processfield"}).id.startswith("cus_")
            process.send_signal(stop)
            assert process.wait(timeout=5) == 0
        finally:
            process.kill()


def test_a_wrong_control_call_says_what_is_wrong(control):
    with pytest.raises(SandboxError, match="no subscriptions object 'sub_none'"):
        control.renew("sub_none")
