# The service on a CPU, with the weights of the embedded profile inside: no network is needed at run time.
#
#   docker build -f deploy/cpu.Dockerfile -t faceagent:cpu .
#
# pip decides which build of torch it is offered. Where that is a CUDA build of several gigabytes, name an index with
# CPU builds: --build-arg PIP_EXTRA_INDEX_URL=...

FROM python:3.11-slim-bookworm AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/faceagent
ENV PATH=/opt/faceagent/bin:$PATH
COPY constraints.txt ./
# torch by itself first: the largest layer changes with its version only.
RUN pip install --constraint constraints.txt torch
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY faceagent faceagent
COPY prompts prompts
RUN pip install --constraint constraints.txt ".[heif,mcp,otel,postgres,serve]"
ENV FACEAGENT_CACHE=/opt/faceagent/cache
# The vision-language model is put together here, because nothing can be written there at run time.
RUN faceagent weights pull \
    && python -c "from faceagent.settings import load; from faceagent.vlm.embedded_model import model_folder; model_folder(load())" \
    && faceagent weights verify

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 faceagent \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/faceagent faceagent \
    && install --directory --owner=faceagent --mode=0700 /var/lib/faceagent
COPY --from=build /opt/faceagent /opt/faceagent
USER 10001:10001
WORKDIR /var/lib/faceagent
ENV PATH=/opt/faceagent/bin:$PATH \
    HOME=/var/lib/faceagent \
    OMP_NUM_THREADS=1 \
    FACEAGENT_CACHE=/opt/faceagent/cache \
    FACEAGENT_OFFLINE=1 \
    FACEAGENT_SERVE_HOST=0.0.0.0 \
    FACEAGENT_SERVE_DATABASE=/var/lib/faceagent
VOLUME /var/lib/faceagent
EXPOSE 8156
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from faceagent.client import Client; Client('http://127.0.0.1:8156', seconds=10, retries=0).ready()"]
ENTRYPOINT ["faceagent"]
CMD ["serve", "--warm"]
