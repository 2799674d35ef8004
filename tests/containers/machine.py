"""A Debian with systemd in a container, for the units of docs/systemd/."""

import json
import re
import time
from collections.abc import Sequence

from tests.containers import images
from tests.containers.site import ROOT, CommandFailed, documented, run
from tests.containers.steps import expect, step, wait_for
from tests.stripe_sandbox import Sandbox

NAME = "mani-trial-systemd"
UNITS = ("mani-web", "mani-worker@1", "mani-worker@2", "mani-sync", "mani-scheduler")
# systemd manages control groups and mounts, so it gets more than a container usually does. It would refuse version 1 of
# control groups, which some machines still have.
OPTIONS = "--cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
OPTIONS += " --cgroupns private --tmpfs /run --tmpfs /run/lock --tmpfs /tmp --env container=docker"
OPTIONS += " --env SYSTEMD_PROC_CMDLINE=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
READY = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8000/readyz').read().decode())"


class Machine:
    """As long as the block: with a release in /srv/mani, and the units installed and started as operations.md says."""

    def __enter__(self) -> "Machine":
        self.remove()
        images.build("systemd", NAME)
        run("docker", "run", "--detach", "--name", NAME, *OPTIONS.split(), NAME)
        return self

    def __exit__(self, *_error: object) -> None:
        self.remove()
        images.remove(NAME)

    def remove(self) -> None:
        run("sh", "-c", f"docker rm --force --volumes {NAME} 2>/dev/null || true")

    def install(self, commit: str, stripe_api_base: str) -> None:
        self.run("mkdir /srv/mani")
        run("sh", "-c", f"git -C {ROOT} archive {commit} | docker exec -i {NAME} tar --extract --directory /srv/mani")
        block = documented("sudo apt-get install --yes make")
        end = "TRUSTED_PROXIES=1\n"
        self.run(block.replace(end, f"{end}STRIPE_API_BASE={stripe_api_base}\n"))

    def start_local(self) -> None:
        self.run("rm /etc/mani/settings")
        self.run(documented("sudo install --directory --owner mani"))

    def mani(self, words: str, stdin: str = "") -> str:
        """A flask command with the settings of the units."""
        return self.run(f"{documented_function()}\nmani {words}", stdin)

    def upgrade(self) -> None:
        """To the release that is there already."""
        self.run(f"{documented_function()}\n{documented('sudo systemctl stop mani-worker@1')}")

    def is_ready(self) -> bool:
        try:
            return self.run(f'/srv/mani/.venv/bin/python -c "{READY}" 2>/dev/null').count("ok") == 2
        except CommandFailed:
            return False

    def show(self, unit: str, name: str) -> str:
        return self.run(f"systemctl show --property {name} --value {unit}").strip()

    def journal(self) -> str:
        return self.run("journalctl --no-pager --output cat --unit 'mani-*'")

    def moments(self) -> dict[str, str]:
        return {moment["key"]: moment["state"] for moment in json.loads(self.mani("moments 1 --json"))}

    def run(self, commands: str, stdin: str = "") -> str:
        return run("docker", "exec", "-i", NAME, "bash", "-ec", commands, stdin=stdin)


def documented_function() -> str:
    """What operations.md calls `mani`."""
    return documented("mani() {").split("\nmani db")[0]


def run_units(machine: Machine, sandbox: Sandbox, commit: str) -> None:
    with step("installs on Debian with systemd, migrates, makes the owner, starts the units"):
        machine.install(commit, sandbox.url)
        wait_for(machine.is_ready, "/readyz does not say ok for both")
    with step("connects with a two-permission key; without a webhook, a new customer has a creative"):
        account = sandbox.control.create_account("Brightside Studio")
        keys = account["keys"]["test"]
        machine.mani("stripe-connect 1", stdin=keys["restricted"])
        customer = sandbox.control.client(keys["secret"]).v1.customers.create({"name": "Hazel Testford"})
        moment = f"new_customer:{customer.id}"
        wait_for(lambda: machine.moments().get(moment) == "generated", "there is no creative")
    with step("every unit runs as mani and writes nothing into /srv/mani"):
        for unit in UNITS:
            process = machine.show(unit, "MainPID")
            user = machine.run(f"stat --format %U /proc/{process}").strip()
            written = machine.run(
                f"nsenter --target {process} --mount touch /srv/mani/x 2>/dev/null || echo no"
            ).strip()
            expect((user, written) == ("mani", "no"), f"{unit}: {user}, {written}")
    with step("the commands of an upgrade work, here to the same release"):
        machine.upgrade()
        wait_for(machine.is_ready, "/readyz does not say ok for both")
    with step("every process is killed; systemd starts each again"):
        machine.run(f"systemctl kill --signal KILL {' '.join(UNITS)}")
        for unit in UNITS:
            wait_for(lambda unit=unit: machine.show(unit, "NRestarts") == "1", f"{unit} stays down")
        wait_for(machine.is_ready, "/readyz does not say ok for both")
    with step("each unit stops by itself") as facts:
        facts += stop_units(machine, UNITS)
    with step("mani-local: everything with SQLite, started and stopped"):
        machine.start_local()
        wait_for(machine.is_ready, "/readyz does not say ok for both")
        stop_units(machine, ["mani-local"])
        log = machine.run("cat /srv/mani/data/mani.log")
        expect("not expected" not in log, f"the parts did not stop in order: {log[-500:]}")
        wrong = [line for line in machine.journal().splitlines() if re.search("Traceback|Error|rror:|timed out", line)]
        expect(not wrong, f"the journal has {wrong[:3]}")


def stop_units(machine: Machine, units: Sequence[str]) -> list[str]:
    times = []
    for unit in units:
        began = time.monotonic()
        machine.run(f"systemctl stop {unit}")
        times.append(f"{unit} {time.monotonic() - began:.1f} s")
        expect((result := machine.show(unit, "Result")) == "success", f"{unit} ended with {result}")
    return times
