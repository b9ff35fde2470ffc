# Folders with a Debian of any release in them, in which commands run by chroot:
# what test/matrix and test/fresh share.  Sourced by bash; needs root.

[ "$(id -u)" = 0 ] || { echo "$0: needs root (debootstrap, chroot)" >&2; exit 1; }

# The mirror that this machine's apt takes its own release from.
mirror() {
	local found
	found=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 2>/dev/null |
		awk -v release="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" '$2 == release && $1 ~ /debian\/?$/ { print $1; exit }')
	echo "${found:-http://deb.debian.org/debian}"
}

# in_root ROOT COMMAND...: with an environment that owes nothing to the caller's
in_root() { chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "${@:2}"; }

mount_proc() { mountpoint -q "$1/proc" || mount -t proc proc "$1/proc"; }
unmount() { if mountpoint -q "$1/proc"; then umount -l "$1/proc"; fi; }
remove_root() { unmount "$1" && rm -rf "$1"; }

# make_root SUITE ROOT: the smallest Debian there is.  debootstrap's result is kept
# beside ROOT, as SUITE.tar, for the next one.
make_root() {
	local suite=$1 root=$2 kept
	kept=$(dirname "$root")/$suite.tar
	remove_root "$root"
	mkdir -p "$root"
	if [ -e "$kept" ]; then
		tar -C "$root" -xf "$kept" || return
	else
		command -v debootstrap >/dev/null || apt-get install -y --no-install-recommends debootstrap >/dev/null
		debootstrap --variant=minbase "$suite" "$root" "$(mirror)" || return
		tar -C "$root" -cf "$kept.part" . && mv "$kept.part" "$kept" || return
	fi
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod +x "$root/usr/sbin/policy-rc.d"
	# it need not survive a power failure
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/90devapp"
	echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90devapp"
	# what this machine's apt has been told about its proxy or its certificates holds there too
	apt-config dump | grep -E '^Acquire::(http|https)::(Proxy|CaInfo)' >>"$root/etc/apt/apt.conf.d/90devapp" || true
	cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
}

# install_in ROOT PACKAGE...
install_in() { in_root "$1" apt-get install -y --no-install-recommends "${@:2}"; }
