# The app, or any command, on a CPU and as nobody in particular. Results lie in the volume /data.
#   docker build -t avexplore .
#   docker run --rm -p 127.0.0.1:8501:8501 -v avexplore:/data avexplore
#   docker run --rm -v avexplore:/data -v "$PWD:/features:ro" avexplore run /features/clips.npz
# A smaller image: --build-arg TORCH_INDEX=... with the address of PyTorch's own index of CPU builds.
FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/avexplore
COPY requirements.txt ./
RUN /opt/avexplore/bin/pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt
COPY . .
RUN /opt/avexplore/bin/pip install --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 1000 avexplore \
    && install --directory --owner=avexplore --group=avexplore /data
COPY --from=build /opt/avexplore /opt/avexplore
ENV PATH=/opt/avexplore/bin:$PATH \
    AVEXPLORE_HOME=/data \
    AVEXPLORE_DEVICE=cpu \
    PYTHONUNBUFFERED=1
USER avexplore
WORKDIR /home/avexplore
VOLUME ["/data"]
EXPOSE 8501
HEALTHCHECK --interval=60s --timeout=30s CMD avexplore health
ENTRYPOINT ["avexplore"]
CMD ["app", "--address", "0.0.0.0"]
