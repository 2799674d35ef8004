# One image for every process of mani; compose.yaml says which command each one runs.
FROM python:3.13-slim AS build
WORKDIR /srv/mani
COPY requirements-build.txt requirements.txt ./
RUN python -m venv /opt/mani \
 && /opt/mani/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements-build.txt \
 && /opt/mani/bin/pip install --no-cache-dir --require-hashes --no-deps --no-build-isolation -r requirements.txt

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /srv/mani --shell /usr/sbin/nologin mani
COPY --from=build /opt/mani /opt/mani
WORKDIR /srv/mani
COPY wsgi.py worker.py gunicorn.conf.py ./
COPY manimod manimod
COPY migrations migrations
COPY static static
COPY templates templates
RUN /opt/mani/bin/python -m compileall -q manimod
ENV PATH=/opt/mani/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER mani
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=10s --start-period=2m CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]
CMD ["gunicorn", "wsgi:app"]
