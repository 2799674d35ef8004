"""The web server where mani is deployed, and under `make run`, which binds it to this machine. Settings of gunicorn."""

import os

bind = "0.0.0.0:8000"  # noqa: S104 - in a container; a proxy with TLS stands before it
worker_class = "gthread"
workers = 2
threads = 8
preload_app = True
graceful_timeout = 8
keepalive = 5
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - a heartbeat must not wait for a disk
