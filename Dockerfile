# devapp on PostgreSQL's official image.  Needs a builder, such as docker, podman or buildah; make image calls one.
#
#	docker build -t devapp .				a server with devapp
#	docker build -t devapp-volume --target volume .		its files alone, for an image volume (PostgreSQL 18)
#
# Another major or Debian: --build-arg POSTGRES_IMAGE=docker.io/library/postgres:17-bookworm

ARG POSTGRES_IMAGE=docker.io/library/postgres:18-trixie

FROM ${POSTGRES_IMAGE} AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
	gcc make libc6-dev libsodium-dev libssl-dev "postgresql-server-dev-$PG_MAJOR"
COPY . /src
ENV PG_CONFIG=/usr/lib/postgresql/$PG_MAJOR/bin/pg_config
RUN /src/packaging/volume /volume
RUN mkdir -p "/out$($PG_CONFIG --pkglibdir)" "/out$($PG_CONFIG --sharedir)" \
 && cp /volume/lib/devapp.so "/out$($PG_CONFIG --pkglibdir)/" \
 && cp -r /volume/share/extension "/out$($PG_CONFIG --sharedir)/"

FROM scratch AS volume
COPY --from=build /volume/ /

FROM ${POSTGRES_IMAGE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
	"$(apt-cache depends libsodium-dev | sed -n 's/.*Depends: \(libsodium[0-9].*\)/\1/p')" \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /
COPY LICENSE README.md CHANGELOG.md /usr/share/doc/devapp/
CMD ["postgres", "-c", "shared_preload_libraries=devapp"]
