"""The web server where mani is deployed; `make run` passes its own options. Settings of gunicorn, read by it alone."""

bind = "0.0.0.0:8000"  # noqa: S104 - in a container; a proxy with TLS stands before it
worker_class = "gthread"
workers = 2
threads = 8
preload_app = True
graceful_timeout = 8
keepalive = 5
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat file must not wait for a disk
