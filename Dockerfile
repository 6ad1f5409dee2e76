# npm knows where its registry is; nothing else of Node's is used.
FROM node:22-slim AS npm
RUN npm config get registry > /registry

FROM python:3.13-slim
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/callcenter
# The locked packages first: they change less often than the program.
COPY run pyproject.toml README.md LICENSE requirements.in requirements.lock requirements-test.lock ./
COPY callcenter/__init__.py callcenter/
COPY callcenter/cli/ callcenter/cli/
COPY workers/__init__.py workers/
RUN UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1 ./run --version
COPY . .
COPY --from=npm /registry /tmp/registry
RUN npm_config_registry="$(cat /tmp/registry)" ./run assets && ./run translations compile && useradd --system --home-dir /var/lib/callcenter --create-home callcenter
USER callcenter
ENV CALLCENTER_DATA_DIR=/var/lib/callcenter
ENTRYPOINT ["./run"]
CMD ["up"]
