# A container image with the paths, ports and entry point of the official image of nats-server.
#
#   docker build -t bunats .
#   docker run -p 4222:4222 -p 8222:8222 bunats
#   docker run -p 4222:4222 -v ./nats-server.conf:/etc/nats/nats-server.conf:ro bunats
#   docker run -p 4222:4222 bunats -DV            uses flags instead of the file, as the official image does
#
# It contains glibc, CA certificates, time zones, the executable and one configuration file, but no shell and no package manager.
# docker buildx build --platform linux/amd64,linux/arm64 builds both without emulation, because Bun cross-compiles.

FROM --platform=$BUILDPLATFORM oven/bun:1.4.5-debian AS build
ARG TARGETARCH=amd64
WORKDIR /src
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production
COPY scripts/build.ts scripts/
COPY src src
COPY conf/docker conf/docker
RUN case "$TARGETARCH" in amd64) arch=x64 ;; *) arch=$TARGETARCH ;; esac \
 && bun run scripts/build.ts --target "linux-$arch" --outfile /image/nats-server
RUN mkdir -p /image/etc/nats /image/usr/local/bin /data \
 && cp conf/docker/nats-server.conf /image/etc/nats/ \
 && ln -s /etc/nats/nats-server.conf /image/nats-server.conf \
 && ln -s /nats-server /image/usr/local/bin/nats-server \
 && ln -s /nats-server /image/usr/local/bin/bunats

FROM gcr.io/distroless/base-nossl-debian12:nonroot
# Copies the whole directory, because COPY follows a symbolic link that is named directly.
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /data /data
WORKDIR /
USER 65532:65532
# Ports for clients and monitoring. 6222 is the cluster port, which is not used yet.
EXPOSE 4222 8222 6222
# Docker sends SIGTERM, which stops the server at once; SIGUSR2 starts lame duck mode.
ENTRYPOINT ["/nats-server"]
CMD ["--config", "/etc/nats/nats-server.conf"]
