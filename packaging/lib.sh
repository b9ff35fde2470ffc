# What the scripts for packages share: the sources, without what was built.  Sourced by bash,
# after test/lib.sh, in the folder of the project.

devapp_version() { sed -n "s/^default_version = '\(.*\)'/\1/p" devapp.control; }

# in_repository: is this folder a clone, rather than an unpacked archive, maybe inside of some other clone?
in_repository() { [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ]; }

say_what_is_left_out() {
	[ -z "$(git status --porcelain)" ] || say "what is not committed is left out"
}

# export_sources FOLDER: those of the last commit or, in an unpacked archive, what it had
export_sources() {
	mkdir -p "$1"
	if in_repository; then
		say_what_is_left_out
		git archive HEAD | tar -C "$1" -xf -
	else
		# such as one that belongs to another user: what is not committed must not slip in
		[ ! -e .git ] || die "git does not accept this clone"
		tar -cf - --exclude=./build --exclude='*.o' --exclude='*.bc' --exclude='*.so' --exclude='./devapp--*.sql' . | tar -C "$1" -xf -
	fi
}
