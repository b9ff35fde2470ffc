# The tables of the benchmark, in Markdown.  Sourced by run.

# mark VALUE BAR [most]: the bar, and whether it is met
mark() {
	awk -v v="$1" -v bar="${2:-}" -v most="${3:-}" 'BEGIN {
		if (bar != "") print (most ? "≤ " : "≥ ") bar, ((most ? v <= bar : v >= bar) ? "✓" : "**missed**") }'
}

# of_limit VARIANT [MARK]: its speed, where the function that does nothing has 1
of_limit() { typical "$1" "${2:-}" | awk '{ printf "%.3f", $1 / $2 }'; }

# row NAME VARIANT [BAR]
row() {
	local nothing us share
	read -r nothing us <<<"$(typical "$2")"
	share=$(of_limit "$2")
	printf '| %s | %.1f | %.1f | %+.1f | %.2f | %s |\n' "$1" "$nothing" "$us" "$(awk "BEGIN { print $us - $nothing }")" "$share" "$(mark "$share" "${3:-}")"
}

# ratio NAME A B [BAR]
ratio() {
	local r
	r=$(awk "BEGIN { printf \"%.3f\", $2 / $3 }")
	printf '| %s | %.2f | %s |\n' "$1" "$r" "$(mark "$r" "${4:-}")"
}

report_variants() {
	echo "| variant | nothing, µs | variant, µs | difference | of the limit | bar |"
	echo "|---|---|---|---|---|---|"
	row "verify_key, cached" cached 0.93
	row "verify_key, cached, not counted" "not counted"
	row "verify_key, cached, with a quota and a rate limit" limited 0.88
	row "by hand: UPDATE last_used_at alone" update
	row "by hand: upsert of a counter alone" upsert
	row "allows, cached" allows 0.93
	row "verify_key, first touch" "first touch" 0.60
	row "one bare index scan" "one scan"
	row "six bare index scans, as a first touch needs" "six scans"
	row "verify_key, cached, 1000 operations" "1000 operations"
	row "verify_key, cached, worst patterns" "worst patterns"
	row "verify_key, malformed" malformed
	row "verify_key, unknown" unknown
	row "verify_key, the first of a connection" connection
	row "best SQL join" "sql join"
	row "home-made: PL/pgSQL with pgcrypto, SHA-256 of the key looked up" plpgsql
	row "the same behind a cache in the client, up to 10 s out of date" "client cache"
	row "bcrypt alone (cost 8)" bcrypt
}

# What handle() costs over the function of a route that it calls.
report_http() {
	local nothing answer nothing2 handle over two
	read -r nothing answer <<<"$(typical answer)"
	read -r nothing2 handle <<<"$(typical handle)"
	over=$(awk "BEGIN { print ($handle - $nothing2) - ($answer - $nothing) }")
	echo "| a request over HTTP | over nothing, µs | bar |"
	echo "|---|---|---|"
	printf '| the function of a route, called by hand | %.1f | |\n' "$(awk "BEGIN { print $answer - $nothing }")"
	printf '| handle(), which verifies a management key and calls it | %.1f | |\n' "$(awk "BEGIN { print $handle - $nothing2 }")"
	printf '| handle() over the function | %.1f | %s |\n' "$over" "$(mark "$over" 30 most)"
	read -r nothing answer <<<"$(typical auth)"
	printf '| handle() of /auth, which verifies the keys of a gateway and of its client | %.1f | |\n' "$(awk "BEGIN { print $answer - $nothing }")"
	[ -e "$work/adapter.us" ] || return 0
	echo
	read -r nothing answer <<<"$(typical adapter)"
	read -r nothing2 two <<<"$(typical adapter .two)"
	echo "| through the server of examples/http | nothing, µs | /auth, µs | ratio | bar |"
	echo "|---|---|---|---|---|"
	over=$(awk "BEGIN { printf \"%.3f\", $answer / $nothing }")
	printf '| /auth, all fields | %.1f | %.1f | %s | %s |\n' "$nothing" "$answer" "$over" "$(mark "$over" 1.15 most)"
	over=$(awk "BEGIN { printf \"%.3f\", $two / $nothing2 }")
	printf '| /auth, fields=app-id scopes | %.1f | %.1f | %s | %s |\n' "$nothing2" "$two" "$over" "$(mark "$over" 1.15 most)"
}

# change_row NAME VARIANT BAR: the bar is of microseconds, for changes in one statement each
change_row() {
	local nothing us
	read -r nothing us <<<"$(typical "$2")"
	printf '| %s | %.1f | %.0f | %.0f | %s |\n' "$1" "$nothing" "$us" "$(awk "BEGIN { print 1000000 / $us }")" "$(mark "$us" "$3" most)"
}

# many_row NAME FILE: seconds for so many credentials in one statement, of which 100,000 may take 20
many_row() {
	local took
	took=$(awk '{ print $1 / 1000 }' "$work/$2")
	printf '| %s of %d credentials, s | %.1f | %s |\n' "$1" "$rotations" "$took" "$(mark "$took" "$(awk "BEGIN { print 20 * $rotations / 100000 }")" most)"
}

report_changes() {
	local bytes nothing us
	bytes=$(cat "$work/key.bytes")
	echo "| change, audited | nothing, µs | change, µs | a second, one client | bar, µs |"
	echo "|---|---|---|---|---|"
	change_row "create_app, with one product" "create app" 300
	change_row "issue_credential" issue 200
	change_row "rotate_credential" rotate ""
	echo
	read -r nothing us <<<"$(typical connection)"
	echo "| | value | bar |"
	echo "|---|---|---|"
	printf '| a consumer key made, µs | %.2f | %s |\n' "$(cat "$work/key.us")" "$(mark "$(cat "$work/key.us")" 1.5 most)"
	many_row bulk_rotate rotations.ms
	many_row import_apps imports.ms
	printf '| first verification of a connection, over nothing, ms | %.1f | %s |\n' "$(awk "BEGIN { print ($us - $nothing) / 1000 }")" \
		"$(mark "$(awk "BEGIN { print ($us - $nothing) / 1000 }")" 2 most)"
	printf '| memory of a remembered key, bytes | %d | %s |\n' "$bytes" "$(mark "$bytes" 400 most)"
	printf '| keys that devapp.cache_size of 8 MB remembers | %d | %s |\n' $((8388608 / bytes)) "$(mark $((8388608 / bytes)) 20000)"
}

report_ratios() {
	local cached first join
	cached=$(of_limit cached) first=$(of_limit "first touch") join=$(of_limit "sql join")
	echo "| ratio of speeds | value | bar |"
	echo "|---|---|---|"
	ratio "cached : SQL join" "$cached" "$join" 2.3
	ratio "first touch : SQL join" "$first" "$join" 2
	ratio "first touch : six bare index scans" "$first" "$(of_limit 'six scans')"
	ratio "cached with 100 writes a second : cached" "$(of_limit cached .writes)" "$cached" 0.8
	ratio "cached while $counters counters are flushed again and again : cached" "$(of_limit cached .flush)" "$cached"
	ratio "1000 operations : 3 operations" "$(of_limit '1000 operations')" "$cached"
	ratio "worst patterns : 3 operations" "$(of_limit 'worst patterns')" "$cached"
	ratio "one hot key, 2 clients : 1 client" "$(median one.scale)" 1 1.7
	ratio "nothing, 2 clients : 1 client" "$(median 'noop one.scale')" 1
	ratio "8 clients who suspend and resume, with the audit trail : without" "$(median administration.audited.tps)" "$(median administration.plain.tps)" 0.7
	ratio "batch, verifications a second (millions)" "$per_second" 1000000 0.5
}

# What counting costs: in one statement over many keys, where nothing else is; and
# as a part of what a client sees of a cached verification.
report_counting() {
	local us share flushed rolled
	us=$(typical cached | awk '{ print $2 }')
	share=$(awk "BEGIN { printf \"%.4f\", $counting_us / $us }")
	read -r flushed rolled <"$work/flush.ms"
	echo "| counting | value | bar |"
	echo "|---|---|---|"
	printf '| µs a call | %.3f | |\n' "$counting_us"
	printf '| of a cached verification | %.1f %% | %s |\n' "$(awk "BEGIN { print $share * 100 }")" "$(mark "$share" 0.05 most)"
	printf '| flush of %d counters, ms | %.0f | %s |\n' "$counters" "$flushed" "$(mark "$flushed" 2000 most)"
	printf '| rolling them up, ms | %.0f | |\n' "$rolled"
}

report_interval() {
	local names=("flush, ms" "roll up, ms" "flush the next, ms" "minutes of two intervals, MB" "hours, MB" "days, MB") bars=("" 4000) i=0 value
	echo "| 100,000 apps that each call 10 products: 1,000,000 counters | value | bar |"
	echo "|---|---|---|"
	while read -r value; do
		printf '| %s | %.0f | %s |\n' "${names[i]}" "$value" "$(mark "$value" "${bars[i]:-}" most)"
		i=$((i + 1))
	done <"$work/interval"
}

# slower VARIANT N: than in the smallest database
slower() {
	[ "$2" != "${sizes[0]}" ] || { echo 1.00; return; }
	awk "BEGIN { printf \"%.2f\", $(of_limit "$1" ".${sizes[0]}") / $(of_limit "$1" ".$2") }"
}

# Each size against the smallest.
report_sizes() {
	local n c f
	echo "| credentials | cached, of the limit | times the smallest | bar | first touch, of the limit | times the smallest | bar |"
	echo "|---|---|---|---|---|---|---|"
	for n in "${sizes[@]}"; do
		c=$(slower cached "$n") f=$(slower "first touch" "$n")
		printf '| %d | %.2f | %.2f | %s | %.2f | %.2f | %s |\n' "$n" "$(of_limit cached ".$n")" "$c" "$(mark "$c" 1.1 most)" \
			"$(of_limit "first touch" ".$n")" "$f" "$(mark "$f" 1.5 most)"
	done
}

report_trail() {
	local names=("seal the events" "seal one more" "verify_audit" "audit_proof" "app_history of 1,000 events" "access_at") i=0 ms
	echo "| with $rows events in the audit trail | ms |"
	echo "|---|---|"
	while read -r ms; do
		printf '| %s | %.0f |\n' "${names[i]}" "$ms"
		i=$((i + 1))
	done <"$work/trail.ms"
}

report_reports() {
	local names=("fill all reports" "refresh all beside readers, after calls of one app in a hundred and new apps" "pending_approvals" "dashboard" "inactive_apps, all") bars=(5000 1000 10 "" "") i=0 ms
	echo "| reports of $apps apps and $usage_rows rows of usage | ms | bar |"
	echo "|---|---|---|"
	while read -r ms; do
		printf '| %s | %.0f | %s |\n' "${names[i]}" "$ms" "$(mark "$ms" "${bars[i]}" most)"
		i=$((i + 1))
	done <"$work/reports.ms"
}
