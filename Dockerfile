# Build: docker build -t smppbridge .
# Run:   docker run -v ./smppbridge.yaml:/etc/smppbridge.yaml:ro -v smppbridge:/data -p 2775:2775 -p 8080:8080 smppbridge
# In the file: store.url sqlite:////data/bridge.db, and web.host 0.0.0.0 to reach /metrics, /healthz and callbacks from outside.
# The official images build Python with --enable-optimizations (PGO) and --with-lto: other builds without them need
# about 15 % more processor time for each message. `scripts/bench` says how an interpreter was built.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY smppbridge ./smppbridge
COPY config ./config
RUN python -m venv /opt/smppbridge && /opt/smppbridge/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.13-slim
COPY --from=build /opt/smppbridge /opt/smppbridge
RUN useradd --system --uid 10001 --home-dir /data --create-home smppbridge
USER smppbridge
WORKDIR /data
VOLUME /data
EXPOSE 2775 8080
ENV PATH=/opt/smppbridge/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Python, because the image has no curl. SMPPBRIDGE_HEALTH_URL: where web.port is another one.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(os.environ.get('SMPPBRIDGE_HEALTH_URL', 'http://127.0.0.1:8080/healthz'), timeout=4)"]
# A stop takes up to `drain` of the configuration, 8s by default; docker kills after 10s (--stop-timeout).
STOPSIGNAL SIGTERM
ENTRYPOINT ["smppbridge"]
CMD ["serve", "-c", "/etc/smppbridge.yaml", "--log-format", "json"]
