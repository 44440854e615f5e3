# The service on an NVIDIA GPU, with the gpu profile. torch brings the CUDA libraries; the host brings the driver and
# the NVIDIA container toolkit. Weights (2 GB) are pulled from their hub on the first start, into a volume.
#
#   docker build -f deploy/gpu.Dockerfile -t faceagent:gpu .
#   docker run --gpus all -p 127.0.0.1:8156:8156 -v faceagent-cache:/var/cache/faceagent faceagent:gpu
#
# The vision-language model is another container, see compose.yaml.

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

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 faceagent \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/faceagent faceagent \
    && install --directory --owner=faceagent --mode=0700 /var/lib/faceagent /var/cache/faceagent
COPY --from=build /opt/faceagent /opt/faceagent
USER 10001:10001
WORKDIR /var/lib/faceagent
ENV PATH=/opt/faceagent/bin:$PATH \
    HOME=/var/lib/faceagent \
    OMP_NUM_THREADS=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    FACEAGENT_PROFILE=gpu \
    FACEAGENT_CACHE=/var/cache/faceagent \
    FACEAGENT_SERVE_HOST=0.0.0.0 \
    FACEAGENT_SERVE_DATABASE=/var/lib/faceagent
VOLUME ["/var/lib/faceagent", "/var/cache/faceagent"]
EXPOSE 8156
HEALTHCHECK --interval=30s --timeout=15s --start-period=900s --retries=3 \
    CMD ["python", "-c", "from faceagent.client import Client; Client('http://127.0.0.1:8156', seconds=10, retries=0).ready()"]
ENTRYPOINT ["faceagent"]
CMD ["serve", "--warm"]
