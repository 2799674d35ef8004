"""`make containers`: mani in real containers, from the first start to an upgrade; one line a step with its time.

The commands are those of docs/operations.md and the composition is compose.yaml; overrides.yaml says what differs.
It needs Docker with Compose, root, and the ports 80 and 443.
"""

import os
import re
import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import requests

from manimod.stripe.payloads import EVENT_TYPES
from tests.containers import images
from tests.containers.machine import Machine, run_units
from tests.containers.site import ROOT, CommandFailed, Site, documented, run
from tests.containers.steps import Failed, expect, step, wait_for
from tests.journeys.stack import Visitor
from tests.stripe_sandbox import Sandbox, SandboxControl

ADDRESS = "https://localhost"
OWNER = "you@example.com"
STRIPE_PAGE = "/settings/integrations/stripe"
HOST_ADDRESS = "docker run --rm --add-host host:host-gateway python:3.13-slim getent hosts host"
CADDY_CERTIFICATES = "exec -T caddy find /data -path '*/certificates/*' -name '*.crt'"
CADDY_ROOT = "exec -T caddy cat /data/caddy/pki/authorities/local/root.crt"
STOPPED_PROPERLY = (0, 128 + signal.SIGTERM)


class Owner:
    """Follows the guide in a browser that trusts this site's certificate."""

    def __init__(self, site: Site, password: str, control: SandboxControl) -> None:
        self.site = site
        self.password = password
        self.control = control
        certificate = site.folder / "caddy-root.crt"
        wait_for(lambda: site.compose(CADDY_CERTIFICATES), "Caddy has made no certificate")
        certificate.write_text(site.compose(CADDY_ROOT))
        os.environ["SSL_CERT_FILE"] = str(certificate)  # for the sandbox, which delivers through Caddy
        self.visitor = Visitor(ADDRESS)
        self.visitor.trust_env, self.visitor.verify = False, str(certificate)

    def finds_it_ready(self) -> bool:
        try:
            return self.visitor.get("/readyz").ok
        except requests.RequestException:
            return False

    def sign_in(self) -> None:
        self.visitor.sign_in(OWNER, self.password)

    def connect(self) -> None:
        """With a key that may read customers and subscriptions, and mani's webhook set up at Stripe."""
        self.control.reset()
        self.control.configure_deliveries(backoff=[1.0] * 300)
        self.account = self.control.create_account("Brightside Studio")
        self.keys = self.account["keys"]["test"]
        self.prices = self.control.catalogue(self.account["id"])
        page = self.visitor.submit(f"{STRIPE_PAGE}/connect", {"api_key": self.keys["restricted"]}, page=STRIPE_PAGE)
        expect(page.ok, f"the key was not taken: {page.status_code} at {page.url}")
        address = re.search(rf"{ADDRESS}/webhooks/stripe/[\w-]+", self.visitor.get(STRIPE_PAGE).text)
        expect(address, "the Stripe page shows no webhook address")
        endpoint = self.control.create_endpoint(self.account["id"], address[0], events=list(EVENT_TYPES))
        self.signing_secret = endpoint["secret"]
        fields = {"signing_secret": self.signing_secret}
        expect(self.visitor.submit(f"{STRIPE_PAGE}/signing-secret", fields, page=STRIPE_PAGE).ok, "no signing secret")

    def gain_customer(self, tier: str) -> str:
        """The key of the moment that mani should find."""
        stripe = self.control.client(self.keys["secret"])
        customer = stripe.v1.customers.create({"name": "Hazel Testford"}).id
        stripe.v1.subscriptions.create({"customer": customer, "items": [{"price": self.prices[tier]["month"]}]})
        return f"new_customer:{customer}"

    def wait_for_deliveries(self) -> None:
        wait_for(lambda: self.control.wait_for_deliveries(timeout=5), "a delivery is not answered")

    def expect_delivered(self) -> None:
        self.wait_for_deliveries()
        refused = [row for row in self.control.deliveries() if not row["succeeded"]]
        expect(not refused, f"a delivery was refused: {refused[:1]}")

    def expect_creative(self, moment: str) -> None:
        wait_for(lambda: self.site.moments().get(moment) == "generated", f"no creative for {moment}")

    def creatives(self) -> set[str]:
        """The addresses in the queue."""
        return set(re.findall(r'href="(/creatives/\d+)"', self.visitor.get("/creatives").text))


# --- the steps --------------------------------------------------------------------------------------------------------


def follow_the_guide(site: Site, control: SandboxControl) -> Owner:
    with step("builds the image, migrates, starts everything, makes the owner"):
        password = site.start_first()
    with step("is healthy; http leads to https; /readyz says ok for both"):
        owner = Owner(site, password, control)
        check_health(site, owner)
    with step("the owner signs in through Caddy and connects with a two-permission key"):
        owner.sign_in()
        owner.connect()
    with step("a customer is created: deliveries are answered with 200, a creative is in the queue"):
        moment = owner.gain_customer("Team")
        owner.expect_delivered()
        owner.expect_creative(moment)
        expect(owner.creatives(), "the queue shows no creative")
    return owner


def check_health(site: Site, owner: Owner) -> None:
    states = {each["Name"]: each["State"] for each in site.containers()}
    ill = {name for name, state in states.items() if state.get("Health", {}).get("Status", "healthy") != "healthy"}
    expect(not ill and all(state["Running"] for state in states.values()), f"not healthy: {ill or states}")
    moved = requests.get("http://localhost/sign-in", allow_redirects=False, timeout=10)
    expect(moved.is_redirect and moved.headers["Location"] == f"{ADDRESS}/sign-in", "http is not led to https")
    wait_for(owner.finds_it_ready, "/readyz does not say ok for both", seconds=20)


def check_confinement(site: Site) -> None:
    for container in site.containers():
        if container["Config"]["Image"] == "mani-trial":
            words = f"docker exec {container['Id']} sh -c"
            status = site.run(f"{words} 'id -u; grep -E \"CapEff|NoNewPrivs\" /proc/self/status'").split()
            expect(status == ["10001", "CapEff:", "0" * 16, "NoNewPrivs:", "1"], f"{container['Name']}: {status}")
            written = site.run(f"{words} 'touch /srv/mani/x /opt/mani/x 2>/dev/null || echo no'")
            expect(written == "no\n", f"{container['Name']} writes into the image")
    ports = site.run("docker ps --filter name=mani-trial --format '{{.Ports}}'")
    expect(set(re.findall(r":(\d+)->", ports)) == {"80", "443"}, f"open ports: {ports}")


def check_logs(site: Site, owner: Owner) -> None:
    logs = site.compose("logs --no-color --no-log-prefix")
    secrets = [owner.password, owner.keys["restricted"], owner.signing_secret, "Hazel"]
    secrets += [path.read_text().strip().rpartition(":")[2] for path in (site.folder / "secrets").iterdir()]
    expect("event_processed" in logs, "the log says nothing of events")
    expect(not [secret for secret in secrets if secret in logs], "a secret or a name is in the log")
    expect("Traceback" not in logs, f"a traceback is in the log: {logs[logs.find('Traceback') :][:1500]}")


def kill_each(site: Site, owner: Owner) -> None:
    """Everything at once, as a crash does: Docker starts each again, and what happened meanwhile is found."""
    for container in site.containers():
        os.kill(container["State"]["Pid"], signal.SIGKILL)
    moment = owner.gain_customer("Starter")
    wait_for(lambda: all(each["State"]["Running"] for each in site.containers()), "a container stays down")
    owner.wait_for_deliveries()
    owner.expect_creative(moment)


def stop_everything(site: Site) -> list[str]:
    """How long each took."""
    times = []
    for service in ("valkey", "worker", "sync-worker", "scheduler", "caddy", "web", "postgres"):
        began = time.monotonic()
        site.compose(f"stop {service}")
        times.append(f"{service} {time.monotonic() - began:.1f} s")
    killed = {each["Name"]: each["State"]["ExitCode"] for each in site.containers()}
    killed = {name: status for name, status in killed.items() if status not in STOPPED_PROPERLY}
    expect(not killed, f"did not stop by themselves: {killed}")
    return times


def restore(backed_up: Site, owner: Owner, other: Site) -> None:
    """On another machine: with a copy of the folder, and volumes of its own."""
    queue = owner.creatives()
    backed_up.compose("stop")
    backed_up.run(f"cp --archive . {other.folder}")
    other.run(documented("docker compose up --detach --wait postgres"))
    restored = Owner(other, owner.password, owner.control)
    restored.sign_in()
    expect(restored.creatives() == queue, "the queue is another one")
    doctor = other.compose("exec -T web flask --app wsgi doctor 1")  # it opens the key and asks Stripe
    expect("broken" not in doctor, doctor)


class Watch:
    """Asks for /healthz all the time: how often it was not answered with 200, and for how long at most."""

    def __init__(self, owner: Owner) -> None:
        self.asked = self.failed = 0
        self.longest = 0.0
        self._verify = owner.visitor.verify
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(0.2):
            self.asked += 1
            with suppress(requests.RequestException):
                if requests.get(f"{ADDRESS}/healthz", verify=self._verify, timeout=20).ok:
                    self.longest = max(self.longest, time.monotonic() - last)
                    last = time.monotonic()
                    continue
            self.failed += 1


def upgrade(site: Site, owner: Owner, commit: str) -> str:
    """What was seen of it from outside."""
    site.put(commit)
    queue = owner.creatives()
    with Watch(owner) as watch:
        commands = documented("docker compose build")
        before, after = commands.split("docker compose run")
        site.run(before)
        moment = owner.gain_customer("Scale")  # while no worker runs
        owner.expect_delivered()
        site.run(f"docker compose run{after}")
        wait_for(owner.finds_it_ready, "the new release does not get ready")
        owner.expect_creative(moment)
    owner.visitor.cookies.clear()  # a release may ask everybody to sign in once more
    owner.sign_in()
    now = owner.creatives()
    expect(queue <= now, f"a creative has gone from the queue: {queue} became {now}")
    return f"/healthz: {watch.failed} of {watch.asked} failed, longest wait {watch.longest:.1f} s"


# --- the walk ---------------------------------------------------------------------------------------------------------


def git(*words: str) -> str:
    return run("git", *words).strip()


def release_before() -> str:
    """The commit before the newest migration came."""
    newest = max(path.name for path in (ROOT / "migrations/versions").glob("0*.py"))
    return git("log", "--diff-filter=A", "--format=%H", "--", f"migrations/versions/{newest}").split()[-1] + "^"


def walk(stack: ExitStack) -> None:
    with step("gets the images that Dockerfile and compose.yaml name") as facts:
        made = stack.enter_context(images.present())
        facts.append(f"made of Debian's packages: {', '.join(made)}" if made else "all from their registry")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    host = run(*HOST_ADDRESS.split()).split()[0]
    sandbox = stack.enter_context(Sandbox(host=host))
    stack.callback(images.remove, "mani-trial")
    today = git("stash", "create") or git("rev-parse", "HEAD")  # with what is changed here and not committed
    before = release_before()
    print("This release")
    other = stack.enter_context(Site(folder / "second", "mani-trial-restored", sandbox.url))
    with Site(folder / "first", "mani-trial", sandbox.url) as site:
        site.put(today)
        owner = follow_the_guide(site, sandbox.control)
        with step("every process of mani is user 10001 in a read-only image; only 80 and 443 are open"):
            check_confinement(site)
        with step("flask doctor finds nothing broken"):
            site.compose("exec -T web flask --app wsgi doctor")
        with step("every process is killed at once; all start again, and no event is lost"):
            kill_each(site, owner)
        with step("the log holds the events, and no key, secret or name"):
            check_logs(site, owner)
        with step("backs up, and restores into empty volumes: the same queue, and the key opens"):
            site.run(documented("docker compose exec -T postgres pg_dump"))
            restore(site, owner, other)
        with step("stops by itself, first of all Valkey") as facts:
            facts += stop_everything(other)
        other.remove()
    print(f"An upgrade from the release before, {git('rev-parse', '--short', before)}")
    with Site(folder / "third", "mani-trial", sandbox.url) as site:
        site.put(before)
        site.run(f"sed -i 's/^FROM python:[^ ]*/FROM {images.IMAGES['python']}/' Dockerfile")  # the one that is here
        owner = follow_the_guide(site, sandbox.control)
        with step("upgrades; what came meanwhile is in the queue") as facts:
            facts.append(upgrade(site, owner, today))
        with step("is healthy, and the log holds no key, secret or name"):
            check_health(site, owner)
            check_logs(site, owner)
    print("The units of docs/systemd/")
    with Machine() as machine:
        run_units(machine, sandbox, today)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))  # so that nothing is left behind
    began = time.monotonic()
    docker = run("docker", "version", "--format", "{{.Server.Version}}").strip()
    print(f"Docker {docker}, Compose {run('docker', 'compose', 'version', '--short').strip()}")
    try:
        with ExitStack() as stack:
            walk(stack)
    except (Failed, CommandFailed, requests.RequestException, OSError):
        return 1
    print(f"All of it worked, in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
