# SPDX-License-Identifier: Apache-2.0
# The gateway on Debian 12, as a user of its own. Without arguments it takes OTLP on every address and writes it to
# standard output (config/claude-code.yaml); other configurations of config/ stand in /etc/masques:
#
#   docker build -t masques-collector .
#   docker run -p 4317:4317 -p 4318:4318 masques-collector
#   docker run -p 4317:4317 -p 4318:4318 -e CLICKHOUSE_ENDPOINT=http://ch:8123 -v masques:/var/lib/masques \
#       masques-collector --config /etc/masques/clickhouse.yaml

FROM debian:bookworm-slim AS build
WORKDIR /source
COPY scripts/dependencies scripts/dependencies
RUN scripts/dependencies build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake -S . -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr \
        -DBUILD_TESTING=OFF -DMASQUES_BENCH=OFF \
    && cmake --build /build \
    && DESTDIR=/installed cmake --install /build --strip

FROM debian:bookworm-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates libcurl4 libdeflate0 libevent-core-2.1-7 libfyaml0 liblz4-1 libnghttp2-14 libprotobuf-c1 \
        libxxhash0 libzmq5 libzstd1 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 masques \
    && useradd --system --uid 10001 --gid masques --home-dir /var/lib/masques --shell /usr/sbin/nologin masques \
    && install -d -o masques -g masques -m 0750 /var/lib/masques \
    && install -d -o masques -g masques -m 0700 /run/masques
COPY --from=build /installed/usr /usr
COPY config /etc/masques
COPY deploy/clickhouse /usr/share/masques/clickhouse
RUN ln -s claude-code.yaml /etc/masques/config.yaml
USER masques
# The runtime directory is /run/masques: masquesctl finds it there, by "docker exec" as well.
ENV XDG_RUNTIME_DIR=/run
VOLUME /var/lib/masques
EXPOSE 4317 4318 13133
# The health answer: 200 while telemetry is taken in. bash is all that is needed for asking.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/13133 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/masques-receiver"]
CMD ["--config", "/etc/masques/config.yaml"]
