"""The web server where mani is deployed, and under `make run`, which binds it to this machine. Settings of gunicorn."""

import os

bind = "0.0.0.0:8000"  # noqa: S104 - in a container; a proxy with TLS stands before it
worker_class = "manimod.web.server.BufferingWorker"  # slow clients hold no threads
workers = 2
threads = 8
worker_connections = 500  # beyond it, whoever has been waited for the longest has to go
preload_app = True
graceful_timeout = 8
keepalive = 5
forwarded_allow_ips = ""  # a proxy's headers count with TRUSTED_PROXIES only; gunicorn would believe this machine's
forwarder_headers = ""
control_socket_disable = True  # nobody sends it commands, and its home folder may be read-only
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - a heartbeat must not wait for a disk
