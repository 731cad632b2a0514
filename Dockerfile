# A container image with the paths, ports and entry point of the official image of nats-server.
#
#   docker build -t bunats .
#   docker run -p 4222:4222 -p 8222:8222 bunats
#   docker run -p 4222:4222 -v ./nats-server.conf:/etc/nats/nats-server.conf:ro bunats
#   docker run -p 4222:4222 bunats -DV            flags instead of the file, as with the official image
#
# It holds glibc, certificates of authorities, time zones, the executable and one file of configuration: no shell, no package manager.
# docker buildx build --platform linux/amd64,linux/arm64 builds for both without emulation: Bun compiles for the other one.

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
# The whole directory at once: named by itself, a link would be followed.
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /data /data
WORKDIR /
USER 65532:65532
# Clients, monitoring; 6222 is the port of clusters, which come later.
EXPOSE 4222 8222 6222
# SIGUSR2 would be lame duck mode; SIGTERM, which Docker sends, stops at once.
ENTRYPOINT ["/nats-server"]
CMD ["--config", "/etc/nats/nats-server.conf"]
