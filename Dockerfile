# chameleon-usage as an image: it runs `extract` as a user without a name or a home, and writes to /tmp and its data folder alone.
#   docker build -t chameleon-usage .
# How to run it: docs/operating/README.md.

FROM python:3.12-slim AS build
WORKDIR /src
# Every package of the lock file, checked against its hash: the only ones that the steps below can install.
COPY requirements.lock ./
RUN python -m pip wheel --no-cache-dir --no-deps --require-hashes -r requirements.lock -w /wheels
COPY pyproject.toml README.md LICENSE dbt_project.yml profiles.yml ./
COPY loader loader
COPY models models
COPY macros macros
COPY seeds seeds
COPY tests/generic tests/generic
RUN python -m pip install --no-index --find-links /wheels hatchling \
    && python -m pip wheel --no-deps --no-build-isolation -w /wheels .
RUN python -m venv /opt/chameleon-usage
RUN /opt/chameleon-usage/bin/python -m pip install --no-index --find-links /wheels 'chameleon-usage[s3,pipeline]' \
    && /opt/chameleon-usage/bin/python -m pip check

FROM python:3.12-slim
COPY --from=build /opt/chameleon-usage /opt/chameleon-usage
# Where a volume for copies on local disk goes: a new named volume takes this owner.
RUN install -d -o 10001 -g 10001 -m 750 /var/lib/chameleon-usage
ENV PATH=/opt/chameleon-usage/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/chameleon-usage
USER 10001:10001
ENTRYPOINT ["chameleon-usage"]
CMD ["--config", "/etc/chameleon-usage/site.yml", "extract"]
