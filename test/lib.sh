# What the scripts for people share: finding or installing what is needed,
# building and installing devapp, and a throwaway cluster.  Sourced by bash.

say() { printf '# %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
		die "this needs root (or sudo): $*"
	fi
}

# have_packages PACKAGE...: installs those that are missing, on Debian and its kin
have_packages() {
	local missing=() p
	[ -z "${DEVAPP_NO_INSTALL:-}" ] || return 0
	command -v apt-get >/dev/null || { say "no apt-get here: please see to $*"; return 0; }
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing ${missing[*]}"
	# a server of its own would start with the package; the tests bring theirs
	if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
		as_root mkdir -p /etc/postgresql-common
		echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null ||
		die "could not install ${missing[*]}"
}

# The newest PostgreSQL with headers that is here; else Debian's own.
find_postgres() {
	if [ -z "${PG_CONFIG:-}" ]; then
		PG_CONFIG=$(ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | while read -r c; do
			[ -e "$("$c" --pgxs)" ] && echo "$c"; done | sort -V | tail -1)
	fi
	[ -n "$PG_CONFIG" ] || PG_CONFIG=$(command -v pg_config || true)
}

prepare_build() {
	find_postgres
	if [ -z "$PG_CONFIG" ] || [ ! -e "$("$PG_CONFIG" --pgxs)" ]; then
		have_packages gcc make libc6-dev postgresql postgresql-contrib postgresql-server-dev-all libsodium-dev
		PG_CONFIG=
		find_postgres
	else
		have_packages gcc make libc6-dev libsodium-dev
	fi
	[ -n "$PG_CONFIG" ] || die "PostgreSQL with its server headers was not found; set PG_CONFIG"
	export PG_CONFIG
	PG_BIN=$("$PG_CONFIG" --bindir)
	[ -x "$PG_BIN/initdb" ] || die "$PG_BIN has no server; install PostgreSQL's server, not only its headers"
}

# build_and_install TREE
build_and_install() {
	local log
	log=$(mktemp)
	make -C "$1" -j"$(nproc)" PG_CONFIG="$PG_CONFIG" all >"$log" 2>&1 || { cat "$log" >&2; die "the build failed"; }
	if [ -w "$("$PG_CONFIG" --pkglibdir)" ] && [ -w "$("$PG_CONFIG" --sharedir)/extension" ]; then
		make -C "$1" PG_CONFIG="$PG_CONFIG" install >"$log" 2>&1 || { cat "$log" >&2; die "the installation failed"; }
	else
		as_root make -C "$1" PG_CONFIG="$PG_CONFIG" install >"$log" 2>&1 || { cat "$log" >&2; die "the installation failed"; }
	fi
	rm -f "$log"
}

# A server refuses root, so root hands over to the user of the package.
if [ "$(id -u)" = 0 ]; then
	as_server() { runuser -u postgres -- "$@"; }
else
	as_server() { "$@"; }
fi

# start_cluster: a cluster in a folder of its own, reached by a socket in there
# only, so that no port is taken and no other server is touched.
start_cluster() {
	CLUSTER=$(mktemp -d "${TMPDIR:-/tmp}/devapp.XXXXXX")
	trap stop_cluster EXIT
	trap 'exit 130' INT TERM
	[ "$(id -u)" != 0 ] || chown postgres "$CLUSTER"
	export PGHOST=$CLUSTER PGPORT=5432 PGUSER=postgres
	unset PGDATABASE PGSERVICE PGOPTIONS PGPASSWORD
	as_server "$PG_BIN/initdb" -D "$CLUSTER/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >"$CLUSTER.log" 2>&1 ||
		{ cat "$CLUSTER.log" >&2; die "initdb failed"; }
	mv "$CLUSTER.log" "$CLUSTER/initdb.log"
	as_server bash -c "cat >>'$CLUSTER/data/postgresql.conf'" <<CONF
listen_addresses = ''
unix_socket_directories = '$CLUSTER'
fsync = off
log_min_messages = warning
CONF
	as_server "$PG_BIN/pg_ctl" -D "$CLUSTER/data" -l "$CLUSTER/server.log" -w start >/dev/null ||
		{ cat "$CLUSTER/server.log" >&2; die "the server did not start"; }
}

stop_cluster() {
	[ -n "${CLUSTER:-}" ] || return 0
	[ ! -e "$CLUSTER/data/postmaster.pid" ] || as_server "$PG_BIN/pg_ctl" -D "$CLUSTER/data" -m immediate stop >/dev/null 2>&1 || true
	rm -rf "$CLUSTER"
	CLUSTER=
}
