# The server alone: prediction and serve, without TensorFlow and DVC. The model is mounted, as it is not in the package.
#   docker build -t imdb-sentiment .
#   docker run --read-only --tmpfs /tmp -p 8000:8000 -e IMDB_SENTIMENT_TOKEN -v "$PWD/data/model:/model:ro" imdb-sentiment
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir -c constraints.txt '.[serve,parquet]'

FROM python:3.13-slim
COPY --from=build /opt/venv /opt/venv
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin imdb
USER 10001
ENV PATH=/opt/venv/bin:$PATH IMDB_SENTIMENT_MODEL=/model PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
# As an executable, not through a shell: SIGTERM reaches the server, which then ends by itself.
ENTRYPOINT ["imdb-sentiment"]
CMD ["serve", "--host", "0.0.0.0"]
