# syntax=docker/dockerfile:1
#
# starttls-lab in an image of its own: one static program, and nothing else.
#
#     docker build --tag starttls-lab .
#     docker run --rm --publish 127.0.0.1:1025:1025 starttls-lab serve fqdn-mismatch
#
# Inside it listens on every address, because loopback ends at the container; publish its port on loopback,
# as above, or any client that reaches your machine can leave mail. `docker run --rm starttls-lab check fqdn-mismatch`
# and the other commands that open no socket work as well.
#
# NOT RUN as a whole: where this was written there was no Docker engine. What was checked instead, on Debian 12 with
# Rust 1.95.0 and Debian's musl-tools: that the sources that .dockerignore leaves build for
# x86_64-unknown-linux-musl, with aws-lc (in the dev profile; the whole tree also in the profile dist, which the image
# takes); that the program is static; and, by `dist/test image`, that buildah makes the last stage with it, and that
# `verify` and `serve` run in that image as user 65532.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends musl-tools \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add "$(uname -m)-unknown-linux-musl"
ENV CC_x86_64_unknown_linux_musl=musl-gcc \
    CC_aarch64_unknown_linux_musl=musl-gcc
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    target="$(uname -m)-unknown-linux-musl" \
    && cargo build --locked --profile dist --bin starttls-lab --target "$target" \
    && install -D "target/$target/dist/starttls-lab" /out/starttls-lab

FROM scratch
COPY --from=build /out/starttls-lab /starttls-lab
USER 65532:65532
# The control API is inside only, for the health check; 0.0.0.0:8025 and a token open it.
ENV STARTTLS_LAB_BIND=0.0.0.0 STARTTLS_LAB_CONTROL=127.0.0.1:8025
# 25 and 587 as an ordinary user has them, and the control API.
EXPOSE 1025 1587 8025
# Asks the control API, so that no question is a session of the lab. Where STARTTLS_LAB_NO_CONTROL closes it, set
# STARTTLS_LAB_ADDRESS to 127.0.0.1:1025, whose banner is read then.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/starttls-lab", "readyz"]
ENTRYPOINT ["/starttls-lab"]
CMD ["serve"]
