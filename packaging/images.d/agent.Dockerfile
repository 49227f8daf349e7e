# SPDX-License-Identifier: Apache-2.0
# For who has Docker: docker build -f packaging/images.d/agent.Dockerfile -t podpath-agent:0.1.0 .
# `packaging/images` makes the same without.
FROM swift:6.3-bookworm AS build
RUN apt-get update -q && apt-get install -qy --no-install-recommends \
    libmnl-dev libssl-dev libcrypt-dev libsqlite3-dev zlib1g-dev pkg-config ca-certificates python3 git
COPY . /podpath
WORKDIR /podpath
RUN packaging/binaries --product podpath-agent && packaging/images.d/root podpath-agent /image

FROM scratch
COPY --from=build /image /
LABEL org.opencontainers.image.title="podpath agent" org.opencontainers.image.licenses="Apache-2.0"
USER 65532:65532
ENTRYPOINT ["/usr/bin/podpath-agent"]
