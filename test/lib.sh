# What the scripts for people share: finding or installing what is needed,
# building devapp, and a throwaway cluster of a private PostgreSQL.  Sourced by bash.
#
#	prepare_build [PACKAGE...]	finds PostgreSQL, or installs it: PG_CONFIG, PG_BIN
#	build_and_install TREE		builds devapp for it; from here on PG_CONFIG and
#					PG_BIN are those of a copy that has devapp
#	start_cluster [SETTING...], stop_cluster	a cluster in CLUSTER; as_server COMMAND... uses it
#
# All of it lies in one folder, SCRATCH, which is removed when the script ends.
# Nothing outside of it is written to, but for packages that are missing and what
# the build leaves in TREE.

say() { printf '# %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0#"$PWD/"}" "$*" >&2; exit 1; }

# Settings that the caller has for other servers must not count here.
for name in ${!PG@}; do
	case $name in PG_CONFIG|PG_TEST_*) ;; *) unset "$name" ;; esac
done
unset name PSQLRC MAKEFLAGS MFLAGS MAKELEVEL LANGUAGE
export LC_ALL=C.UTF-8
umask 022
SCRATCH=
CLUSTER=

# ---------- what is needed ----------

# missing_packages PACKAGE...: those of them that are not installed
missing_packages() {
	local p
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || echo "$p"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else command -v sudo >/dev/null && sudo "$@"; fi
}

# have_packages PACKAGE...: installs those that are missing, on Debian and systems like it
have_packages() {
	local missing advice log
	[ -z "${DEVAPP_NO_INSTALL:-}" ] || return 0
	command -v apt-get >/dev/null || { say "no apt-get here: please see to $*"; return 0; }
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	advice="As root, run:  apt-get install ${missing[*]}"
	as_root true || die "packages are missing, and only root can install them.
$advice
Or set DEVAPP_NO_INSTALL=yes to go on without them."
	say "installing ${missing[*]}"
	# A failed update is no error yet: the old lists may do, and if they do not, the installation says why.
	log=$(as_root apt-get update 2>&1) || true
	log+=$(without_main_cluster without_services as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "${missing[@]}" 2>&1) || {
		printf '%s\n' "$log" >&2
		die "the packages could not be installed.
$advice"
	}
}

# without_main_cluster COMMAND...: the first package of a server would create a cluster
# and start it.  Debian's own setting is back afterwards.
without_main_cluster() {
	local conf=/etc/postgresql-common/createcluster.conf pristine=/usr/share/postgresql-common/createcluster.conf status=0
	[ ! -e "$conf" ] || { "$@"; return; }
	as_root mkdir -p "${conf%/*}"
	echo 'create_main_cluster = false' | as_root tee "$conf" >/dev/null
	"$@" || status=$?
	if [ -e "$pristine" ]; then as_root cp "$pristine" "$conf"; else as_root rm -f "$conf"; fi
	return $status
}

# without_services COMMAND...: the servers of its packages start neither now nor when the
# machine does
without_services() {
	local policy=/usr/sbin/policy-rc.d own=no before service status=0
	before=$(enabled_services)
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod 755 "$policy" && own=yes
	fi
	"$@" || status=$?
	[ $own = no ] || as_root rm -f "$policy"
	for service in $(comm -13 <(echo "$before") <(enabled_services)); do
		! command -v systemctl >/dev/null || as_root systemctl disable --quiet "$service" || true
	done
	return $status
}
enabled_services() { find /etc/systemd/system -name '*.service' -type l -printf '%f\n' 2>/dev/null | grep -v '^postgresql' | LC_ALL=C sort -u; }

# ---------- PostgreSQL ----------

supported() { [ "$("$1" --version 2>/dev/null | sed -nE 's/^PostgreSQL ([0-9]+).*/\1/p')" -ge 15 ] 2>/dev/null; }
# pgxs.mk proves nothing: Debian ships it with the client.
has_headers() { [ -e "$("$1" --includedir-server 2>/dev/null)/postgres.h" ] && [ -e "$("$1" --pgxs)" ]; }
has_server() { [ -x "$("$1" --bindir 2>/dev/null)/initdb" ]; }

# The majors of Debian's PostgreSQL servers here that devapp supports, oldest first.
server_majors() {
	local folder
	for folder in /usr/lib/postgresql/*/bin/initdb; do
		folder=${folder#/usr/lib/postgresql/}
		folder=${folder%%/*}
		[[ $folder =~ ^[0-9]+$ ]] && [ "$folder" -ge 15 ] && echo "$folder"
	done | sort -n
}

# The newest PostgreSQL here that has all it takes; PG_CONFIG stays empty if there is none.
find_postgres() {
	local candidate candidates=()
	mapfile -t candidates < <(command -v pg_config; server_majors | sed 's#.*#/usr/lib/postgresql/&/bin/pg_config#')
	PG_CONFIG=
	for candidate in "${candidates[@]}"; do
		if supported "$candidate" && has_server "$candidate" && has_headers "$candidate"; then PG_CONFIG=$candidate; fi
	done
}

# The packages that PostgreSQL lacks: the headers for the server that is installed,
# else the release's own PostgreSQL.  Where apt has no lists yet, nothing says which
# major that is, and postgresql-server-dev-all has to do.
postgres_packages() {
	local major
	major=$(server_majors | tail -n 1)
	[ -n "$major" ] || major=$(apt-cache depends postgresql 2>/dev/null | sed -nE 's/.*Depends: postgresql-([0-9]+)$/\1/p' | head -n 1)
	if [ -n "$major" ]; then echo "postgresql-$major postgresql-server-dev-$major"; else echo "postgresql postgresql-server-dev-all"; fi
}

# prepare_build [PACKAGE...]: the packages are those that the caller needs as well
prepare_build() {
	local packages=(gcc make libc6-dev libsodium-dev libssl-dev "$@")
	if [ -n "${PG_CONFIG:-}" ]; then
		have_packages "${packages[@]}"
		has_headers "$PG_CONFIG" || die "PG_CONFIG=$PG_CONFIG has no server headers (on Debian: postgresql-server-dev-15, or another major)"
		has_server "$PG_CONFIG" || die "PG_CONFIG=$PG_CONFIG has no server, only the files to build for one"
	else
		find_postgres
		# shellcheck disable=SC2046
		if [ -n "$PG_CONFIG" ]; then have_packages "${packages[@]}"; else have_packages $(postgres_packages) "${packages[@]}"; fi
		[ -n "$PG_CONFIG" ] || find_postgres
		[ -n "$PG_CONFIG" ] || die "found no PostgreSQL 15 or later with its server and its server headers; set PG_CONFIG"
	fi
	export PG_CONFIG
	PG_BIN=$("$PG_CONFIG" --bindir)
}

# ---------- a folder for all that a run makes ----------

# A server refuses root, so root hands over to the user of the package.  It may not
# be able to enter the folder that we are in, nor root's home, where its programs
# would also look for settings.
as_server() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- env -C / HOME="${SCRATCH:-/}" "$@"
	else
		env -C / HOME="${SCRATCH:-/}" "$@"
	fi
}

# scratch_in FOLDER: makes SCRATCH there, if a server can live in it.  Tests make
# sockets in folders below it, and the path of a socket has at most 107 bytes;
# PostgreSQL's makefiles cannot handle blanks; a file system may be mounted noexec.
scratch_in() {
	[[ $1 =~ ^/[A-Za-z0-9._/+-]*$ ]] && [ ${#1} -le 60 ] || return 1
	SCRATCH=$(mktemp -d "$1/devapp.XXXXXX" 2>/dev/null) || return 1
	[ "$(id -u)" != 0 ] || chown postgres "$SCRATCH"
	# without -f rm asks about root's file where there is a terminal, and nobody sees the question
	printf '#!/bin/sh\nrm -f "$0"\n' >"$SCRATCH/probe" && chmod 755 "$SCRATCH/probe"
	as_server "$SCRATCH/probe" </dev/null 2>/dev/null || { rm -rf "$SCRATCH"; SCRATCH=; return 1; }
}

# Nobody but the server's user and root can enter it: the clusters trust whoever connects.
open_scratch() {
	local folder wanted=${TMPDIR:-/tmp}
	[ -z "$SCRATCH" ] || return 0
	clean_up_at_exit
	for folder in "$wanted" /tmp /var/tmp; do
		! scratch_in "$folder" || break
		say "a server cannot work in $folder"
	done
	[ -n "$SCRATCH" ] ||
		die "set TMPDIR to a folder with a short name in which everybody may write and run programs"
	mkdir -m 1777 "$SCRATCH/tmp"
	export TMPDIR=$SCRATCH/tmp
}

# A subshell that starts a cluster stops it at its end; SCRATCH stays till the script's.
clean_up_at_exit() {
	trap clean_up EXIT
	trap 'exit 130' HUP INT TERM
}
clean_up() {
	stop_cluster
	if [ -n "$SCRATCH" ] && [ "$BASHPID" = $$ ]; then
		# a test that was interrupted may have left its own
		stop_servers "$SCRATCH"
		rm -rf "$SCRATCH"
	fi
}

# ---------- devapp in a private copy of PostgreSQL ----------

# copy_parts COPY: the files of PostgreSQL that a server or an extension touches
copy_parts() {
	local bin dir program
	bin=$("$PG_CONFIG" --bindir)
	mkdir -p "$1$bin"
	for program in "$bin"/{pg*,postgres,psql,initdb,createdb,dropdb,createuser,dropuser,vacuumdb,reindexdb}; do
		[ ! -x "$program" ] || cp -a "$program" "$1$bin/"
	done
	for dir in --pkglibdir --sharedir; do
		dir=$("$PG_CONFIG" $dir)
		mkdir -p "$1$dir"
		cp -a "$dir/." "$1$dir/"
	done
}

# link_parts COPY: what is only read to build for it
link_parts() {
	local dir library
	for dir in --includedir --pkgincludedir --includedir-server; do
		dir=$("$PG_CONFIG" $dir)
		mkdir -p "$(dirname "$1$dir")"
		[ -e "$1$dir" ] || ln -s "$dir" "$1$dir"
	done
	dir=$("$PG_CONFIG" --libdir)
	mkdir -p "$1$dir"
	for library in "$dir"/libpq.*; do
		[ ! -e "$library" ] || [ -e "$1$library" ] || ln -s "$library" "$1$dir/"
	done
}

# private_postgres: copies the PostgreSQL that PG_CONFIG names to SCRATCH.  devapp is
# installed there, so the installation needs no root and changes no PostgreSQL that
# another server uses.  The programs find the other parts relative to themselves.
private_postgres() {
	local copy bin
	[[ $PG_CONFIG != "$SCRATCH"/* ]] || return 0
	copy=$(mktemp -d "$SCRATCH/pg.XXXX")
	chmod 755 "$copy"
	copy_parts "$copy"
	link_parts "$copy"
	bin=$copy$("$PG_CONFIG" --bindir)
	[ "$(as_server "$bin/pg_config" --sharedir)" = "$copy$("$PG_CONFIG" --sharedir)" ] ||
		die "a copy of $PG_CONFIG does not find its parts"
	PG_CONFIG=$bin/pg_config
	PG_BIN=$bin
}

# build_and_install TREE
build_and_install() {
	local log
	open_scratch
	log=$SCRATCH/build.log
	make -C "$1" -j"$(nproc)" PG_CONFIG="$PG_CONFIG" all >"$log" 2>&1 || { cat "$log" >&2; die "the build failed"; }
	private_postgres
	make -C "$1" PG_CONFIG="$PG_CONFIG" install >"$log" 2>&1 || { cat "$log" >&2; die "the installation failed"; }
}

# start_cluster [SETTING...]: reached by a socket in its folder only, so that no port is
# taken and no other server is touched.
start_cluster() {
	open_scratch
	clean_up_at_exit
	CLUSTER=$SCRATCH/cluster
	as_server mkdir "$CLUSTER"
	export PGHOST=$CLUSTER PGPORT=5432 PGUSER=postgres
	as_server "$PG_BIN/initdb" -D "$CLUSTER/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >"$CLUSTER/initdb.log" 2>&1 ||
		{ cat "$CLUSTER/initdb.log" >&2; die "initdb failed"; }
	as_server tee -a "$CLUSTER/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$CLUSTER'
fsync = off
log_min_messages = warning
$(printf '%s\n' "$@")
CONF
	as_server "$PG_BIN/pg_ctl" -D "$CLUSTER/data" -l "$CLUSTER/server.log" -w start >/dev/null ||
		{ cat "$CLUSTER/server.log" >&2; die "the server did not start"; }
}

# stop_servers FOLDER: those with their data anywhere in it
stop_servers() {
	local pidfile
	find "$1" -name postmaster.pid 2>/dev/null | while read -r pidfile; do
		as_server "$PG_BIN/pg_ctl" -D "${pidfile%/*}" -m immediate stop >/dev/null 2>&1 || true
	done
}

stop_cluster() {
	[ -n "$CLUSTER" ] || return 0
	stop_servers "$CLUSTER"
	rm -rf "$CLUSTER"
	CLUSTER=
}
