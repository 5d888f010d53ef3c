# The gateway and its jobs in one image: `passerelle serve` (the default) and `passerelle jobs`.
# Two stages: the first builds the virtual environment from hashed requirements, the second keeps it and nothing else.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements/runtime.in requirements/runtime.txt requirements/
RUN python3 -m venv /opt/passerelle && /opt/passerelle/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements/runtime.txt
COPY pyproject.toml ./
COPY gateway gateway
RUN cp -r gateway "$(/opt/passerelle/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/" \
    && printf '#!/opt/passerelle/bin/python\nfrom gateway.cli import main\n\nmain()\n' >/opt/passerelle/bin/passerelle \
    && chmod 0755 /opt/passerelle/bin/passerelle \
    && /opt/passerelle/bin/python -m compileall -q /opt/passerelle/lib \
    && /opt/passerelle/bin/passerelle --version

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 ca-certificates tzdata && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/passerelle --create-home passerelle
COPY --from=build /opt/passerelle /opt/passerelle
ENV PATH=/opt/passerelle/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PASSERELLE_CONFIG=/etc/passerelle/passerelle.yaml
USER 10001:10001
WORKDIR /var/lib/passerelle
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=2)"]
ENTRYPOINT ["passerelle"]
CMD ["serve"]
