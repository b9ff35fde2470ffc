# What is measured: pgbench scripts by name, for a database of $1 credentials.
# Sourced by run.
define_variants() {
	local rows=$1 args="'/v1/orders/7', 'GET', 'prod'"
	local hot='\set n random(101, 600)' any="\\set n random(101, $rows)"
	declare -gA script
	script[noop]="$hot
SELECT bench.noop(bench.key(:n), $args);"
	script[cached]="$hot
SELECT (devapp.verify_key(bench.key(:n), $args)).allowed;"
	script[not counted]=${script[cached]}
	script[limited]="\\set n random(1101, 1600)
SELECT (devapp.verify_key(bench.key(:n), $args)).allowed;"
	script[update]="$hot
UPDATE bench.used SET last_used_at = clock_timestamp() WHERE n = :n;"
	script[upsert]="$hot
INSERT INTO bench.counter AS c VALUES (:n, date_trunc('minute', clock_timestamp()), 1) ON CONFLICT (n, minute) DO UPDATE SET calls = c.calls + 1;"
	script[update one]="UPDATE bench.used SET last_used_at = clock_timestamp() WHERE n = 101;"
	script[allows]="$hot
SELECT devapp.allows(bench.key(:n), $args);"
	script[first touch]="$any
SELECT (devapp.verify_key(bench.key(:n), $args)).allowed;"
	script[one scan]="$any
SELECT bench.scans(bench.key(:n), 1);"
	script[six scans]="$any
SELECT bench.scans(bench.key(:n), 6);"
	script[malformed]="$hot
SELECT (devapp.verify_key('x' || bench.key(:n), $args)).allowed;"
	script[unknown]="$any
SELECT (devapp.verify_key(bench.key(:n, true), $args)).allowed;"
	script[1000 operations]="\\set n random(1, 50)
\\set i random(1, 1000)
SELECT (devapp.verify_key(bench.key(:n), '/v1/area' || :i % 40 || '/7/part' || :i || '/8', 'GET', 'prod')).allowed;"
	script[worst patterns]="\\set n random(51, 100)
\\set i random(1, 1000)
SELECT (devapp.verify_key(bench.key(:n), '/v1/' || repeat('a', :i % 31) || repeat('a/', :i % 17) || 'ba', 'GET', 'prod')).allowed;"
	script[sql join]="$any
SELECT true FROM bench.api_key k JOIN devapp.credential c USING (credential_id) JOIN devapp.app a USING (app_id) JOIN devapp.developer d USING (developer_id) JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id AND cp.removed_at IS NULL JOIN devapp.product p USING (product_id) JOIN bench.operation o USING (product_id) WHERE k.hash = sha256(bench.key(:n)::bytea) AND c.status = 'approved' AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp()) AND a.status = 'approved' AND d.status = 'active' AND cp.status = 'approved' AND 'prod' = ANY (p.environments) AND '/v1/orders/7' ~ o.regex AND 'GET' = ANY (o.methods) LIMIT 1;"
	script[plpgsql]="$any
SELECT bench.plpgsql(bench.key(:n), $args);"
	script[connection]=${script[cached]}
	script[create app]="\\set r random(1, 2000000000)
SELECT (devapp.create_app('bench ' || :r, developer => 'dev' || :r % 1000 + 1 || '@example.com', products => '{small}')).app_id;"
	script[issue]="\\set n random(101, $rows)
SELECT (devapp.issue_credential(app => '00000000-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))).credential_id;"
	script[rotate]="\\set n random(101, $rows)
SELECT (devapp.rotate_credential(credential => bench.credential_id(:n)::text, overlap => '0')).credential_id;"
	script[answer]="$hot
SELECT (devapp_internal.bench_answer('(GET,/bench/apps,{},{},{},,,,,,,)')).status;"
	script[handle]="\\set n random(1601, 1650)
SELECT (devapp_api.handle('GET', '/bench/apps', 'a=1', ('{\"authorization\": \"Bearer ' || bench.key(:n) || '\", \"accept\": \"*/*\", \"user-agent\": \"curl/8.5.0\"}')::jsonb, NULL)).status;"
	script[auth]="$hot
\\set g random(1601, 1650)
SELECT (devapp_api.handle('GET', '/auth', NULL, ('{\"x-devapp-gateway\": \"' || bench.key(:g) || '; environment=prod\", \"x-forwarded-method\": \"GET\", \"x-forwarded-uri\": \"/v1/orders/7\", \"x-api-key\": \"' || bench.key(:n) || '\", \"accept\": \"*/*\", \"user-agent\": \"curl/8.5.0\"}')::jsonb, NULL)).status;"
	script[bcrypt]="SELECT crypt(bench.key(1), hash) = hash FROM bench.bcrypt;"
	script[one]="SELECT (devapp.verify_key(bench.key(101), $args)).allowed;"
	script[noop one]="SELECT bench.noop(bench.key(101), $args);"
	# no two clients at the same app
	script[administration]="\\set n random(200, $((rows / 8 - 1))) * 8 + :client_id
SELECT FROM devapp.suspend_app(('00000000-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid, 'bench');
SELECT FROM devapp.resume_app(('00000000-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid, 'bench');"
	script[write]="$any
UPDATE devapp.app SET description = :n::text WHERE app_id = ('00000000-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid;"
}

# Each once a round, beside noop.
verifications=(cached "not counted" limited update upsert allows "first touch" "one scan" "six scans" malformed unknown connection "1000 operations" "worst patterns" "sql join" plpgsql bcrypt answer handle auth)
changes=("create app" issue rotate)

# A first touch is one of a key that is not remembered: little room to remember.
# All but one are counted.
options_of() {
	case $1 in
		"first touch") echo "-c devapp.cache_size=256kB" ;;
		"not counted") echo "-c devapp.metering=off" ;;
	esac
}

# Seconds before it is measured: those that pick from all credentials use much of shared memory.
warm_up_of() {
	case $1 in
		"first touch"|"one scan"|"six scans"|unknown|"sql join"|plpgsql) echo "$warm_up" ;;
		*) echo 0 ;;
	esac
}

# How pgbench is called for it: "connection" makes one for each transaction.
client_options_of() { [ "$1" != connection ] || echo "-C"; }
