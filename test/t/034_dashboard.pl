# The dashboard: its figures are those of the tables, nothing in it is run or loaded,
# it is well-formed, and a browser shows it whole on a phone and on a wide screen, in
# the light and in the dark.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = "$FindBin::RealBin/../data";
my $node = start_server('main', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 0");

# ---------- reading a page ----------

# In UTC, as characters.
sub query
{
	my ($db, $sql) = @_;
	my $text = $node->safe_psql($db, "SET timezone = 'UTC'; $sql");
	utf8::decode($text);
	return $text;
}

sub page
{
	my ($db, $days) = @_;
	return query($db, 'SELECT devapp_report.dashboard(' . ($days || '') . ')');
}

# A page and the days it is about; in a database whose reports are of the same day.
sub fresh_page
{
	my ($db, $days) = @_;
	for (1 .. 3)
	{
		my $today = $node->safe_psql($db, "SELECT (now() AT TIME ZONE 'UTC')::date");
		$node->safe_psql($db, 'SELECT FROM devapp.refresh_reports()');
		my $html = page($db, $days);
		my ($from, $to) = $html =~ m{<p><time>(\S+)</time> to <time>(\S+)</time>};
		return ($html, $from, $to) if $to eq $today;
	}
	die 'midnight three times';
}

# What an XML parser would say, in little: every element is closed where it was opened.
sub malformed
{
	my ($html) = @_;
	my @open;

	return 'no doctype' unless $html =~ s/^<!DOCTYPE html>\n//;
	while ($html =~ /\G([^<]*)(?:<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z][a-zA-Z0-9:-]*="[^"<]*")*)\s*(\/?)>|\z)/gc)
	{
		my ($text, $end, $name, $attributes, $empty) = ($1, $2, $3, $4, $5);
		return "a character in: $text$attributes" if ($text . ($attributes || '')) =~ /&(?!(?:amp|lt|gt|quot|#[0-9]+);)/;
		last unless defined $name;
		if ($end) { my $last = pop @open; return "</$name> ends " . ($last || 'nothing') unless $last && $last eq $name; }
		elsif (!$empty) { push @open, $name; }
	}
	return 'tag: ' . substr($html, pos($html), 60) if (pos($html) || 0) < length $html;
	return @open ? "open: @open" : '';
}

sub plain
{
	my ($html) = @_;
	$html =~ s/<[^>]*>//g;
	$html =~ s/&#160;/ /g;
	$html =~ s/&#([0-9]+);/chr $1/ge;
	$html =~ s/&lt;/</g;
	$html =~ s/&gt;/>/g;
	$html =~ s/&quot;/"/g;
	$html =~ s/&amp;/&/g;
	return $html;
}

# The exact number that a piece of HTML shows.
sub exact
{
	my ($html) = @_;
	my ($number) = $html =~ /<data value="(\d+)"/;
	($number) = plain($html) =~ /([\d,]+)/ unless defined $number;
	return '-' unless defined $number;
	$number =~ s/,//g;
	return $number;
}

# A tile: its value and the line below, as HTML.
sub tile
{
	my ($html, $name) = @_;
	my @tile = $html =~ m{<dt>\Q$name\E</dt><dd class="value">(.*?)</dd><dd class="change">(.*?)</dd>};
	die "no tile $name" unless @tile;
	return @tile;
}

# A card: a list of rows, each a list of cells, as HTML; the first is the heading without its bar.
sub card
{
	my ($html, $name) = @_;
	my ($card) = $html =~ m{<h3>\Q$name\E</h3>(.*?)</section>}s or die "no card $name";
	return map { [ m{<t[hd][^>]*>(.*?)</t[hd]>}g ] } $card =~ m{<tr>(<th scope="row">.*?)</tr>}g;
}

# The first lines of its rows, which are names, as text.
sub names
{
	return map { my ($name) = $_->[0] =~ m{<div class="name"[^>]*>(.*?)</div>}; plain($name) } @_;
}

# The bars of a chart: "day count" each.
sub bars
{
	my ($html, $label) = @_;
	my ($chart) = $html =~ m{aria-label="\Q$label\E by day,[^"]*">(.*?)</svg></div>}s or die "no chart $label";
	return join ',', map { s/ \(so far\)|,//gr } $chart =~ m{<title>(.*?)</title>}g;
}

# ---------- nothing ----------

$node->safe_psql('postgres', 'CREATE EXTENSION devapp CASCADE; CREATE DATABASE many; CREATE DATABASE one');
my $empty = page('postgres');
is(malformed($empty), '', 'empty: the page is well-formed');
like($empty, qr/No calls in this period/, 'empty: no calls');
like($empty, qr/No responses were recorded/, 'empty: no responses');
like($empty, qr/Nothing waits for approval/, 'empty: nothing waits');
like($empty, qr/reports were not refreshed yet/, 'empty: it says that reports were not refreshed yet');
is((tile($empty, 'Calls allowed'))[0], '0', 'empty: a tile of zero');
is(plain(join '|', tile($empty, 'Calls refused')), "\x{2013}|none before", 'empty: no share of nothing');
$node->safe_psql('postgres', 'SELECT FROM devapp.refresh_reports()');
unlike(page('postgres'), qr/not refreshed yet/, 'empty: until they are');

# ---------- figures ----------

$node->safe_psql($_, 'CREATE EXTENSION devapp CASCADE; SELECT devapp.setup_roles()') for qw(many one);
$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-v', 'apps=40', '-o', '/dev/null', '-f', "$data/dashboard.sql", '-d', $node->connstr('many') ],
	'a history');
$node->safe_psql('many', 'ANALYZE');

# by materialized reports, and by the days themselves
for my $days (1, 7, 30, 45)
{
	my ($html, $from, $to) = fresh_page('many', $days);
	my $period = "day BETWEEN '$from' AND '$to'";
	my $before = "day BETWEEN date '$from' - $days AND date '$from' - 1";
	my $live = 'u.app_id IN (SELECT app_id FROM devapp.app WHERE deleted_at IS NULL)';

	is(malformed($html), '', "$days days: the page is well-formed");
	is(query('many', "SELECT date '$to' - date '$from' + 1"), $days, "$days days: the period");
	is(exact((tile($html, 'Calls allowed'))[0]), query('many', "SELECT coalesce(sum(calls), 0) FROM devapp.usage_day WHERE code = 'VALID' AND $period"),
		"$days days: allowed calls");
	is(exact((tile($html, 'Calls allowed'))[1] =~ s/.*was //r), query('many', "SELECT sum(calls) FROM devapp.usage_day WHERE code = 'VALID' AND $before"),
		"$days days: those of the period before");
	is(plain((tile($html, 'Calls refused'))[0]),
		query('many', "SELECT round(100 * sum(calls) FILTER (WHERE code <> 'VALID') / sum(calls), 1) || ' %' FROM devapp.usage_day WHERE $period"),
		"$days days: share of refused calls");
	is(plain((tile($html, 'Errors'))[0]),
		query('many', "SELECT round(100 * sum(client_errors + server_errors) / sum(calls), 1) || ' %' FROM devapp.usage_latency WHERE $period"),
		"$days days: share of errors");
	is( exact((tile($html, 'Active apps'))[0]),
		query('many', "SELECT count(DISTINCT app_id) FROM devapp.usage_day u WHERE code = 'VALID' AND $period"),
		"$days days: active apps");
	for my $chart ([ 'Allowed', "sum(calls) FILTER (WHERE code = 'VALID')", 'usage_day' ],
		[ 'Refused', "sum(calls) FILTER (WHERE code <> 'VALID')", 'usage_day' ],
		[ 'Client errors (4xx)', 'sum(client_errors)', 'usage_latency' ],
		[ 'Server errors (5xx)', 'sum(server_errors)', 'usage_latency' ])
	{
		my ($label, $sum, $table) = @$chart;
		is( bars($html, $label),
			query('many', "SELECT string_agg(d || ': ' || n, ',' ORDER BY d) FROM (SELECT d::date, coalesce($sum, 0) AS n
				FROM generate_series(date '$from', '$to', interval '1 day') AS d LEFT JOIN devapp.$table ON day = d GROUP BY d) AS x"),
			"$days days: $label by day");
	}
	is( join("\n", map { my ($name) = names($_); "$name " . exact($_->[1]) } card($html, 'Busiest apps')),
		query('many', "SELECT replace(name, chr(8238), chr(65533)) || ' ' || calls FROM (SELECT app_id, coalesce(sum(calls) FILTER (WHERE code = 'VALID'), 0) AS calls
			FROM devapp.usage_day u WHERE $period AND $live GROUP BY app_id HAVING bool_or(code = 'VALID') ORDER BY 2 DESC, app_id LIMIT 10) AS x JOIN devapp.app USING (app_id) ORDER BY calls DESC"),
		"$days days: busiest apps");
	is( join("\n", map { my ($name) = names($_); "$name " . exact($_->[1]) } card($html, 'Calls by product')),
		query('many', "SELECT coalesce(p.name, 'No product') || ' ' || x.calls FROM (SELECT product_id, coalesce(sum(calls) FILTER (WHERE code = 'VALID'), 0) AS calls,
				coalesce(sum(calls) FILTER (WHERE code <> 'VALID'), 0) AS refused FROM devapp.usage_day WHERE $period GROUP BY product_id) AS x
			LEFT JOIN devapp.product p USING (product_id) ORDER BY x.calls DESC, refused DESC, product_id LIMIT 10"),
		"$days days: calls by product");
	is( join("\n", map { my ($name) = names($_); "$name " . exact($_->[1]) } card($html, 'Calls by owner')),
		query('many', "SELECT o.name || ' ' || x.calls FROM (SELECT coalesce(developer_id, team_id) AS id, coalesce(sum(calls) FILTER (WHERE code = 'VALID'), 0) AS calls,
				coalesce(sum(calls) FILTER (WHERE code <> 'VALID'), 0) AS refused FROM devapp.usage_day JOIN devapp.app USING (app_id) WHERE $period GROUP BY 1) AS x
			JOIN (SELECT developer_id, email FROM devapp.developer UNION ALL SELECT team_id, name FROM devapp.team) AS o(id, name) USING (id) ORDER BY x.calls DESC, refused DESC, id LIMIT 10"),
		"$days days: calls by owner");
	is( bars($html, '95th percentile'),
		query('many', "SELECT string_agg(d || ': ' || coalesce(ms, 0), ',' ORDER BY d) FROM (SELECT d::date, round(extract(epoch FROM least(greatest(
				devapp.latency_percentile(devapp.add_histograms(histogram), 0.95), min(latency_min)), max(latency_max))) * 1000) AS ms
				FROM generate_series(date '$from', '$to', interval '1 day') AS d LEFT JOIN devapp.usage_latency ON day = d GROUP BY d) AS x"),
		"$days days: latency by day");
	is( join("\n", map { my ($code) = $_->[0] =~ m{<div class="detail" title="([A-Z_]+)"}; "$code " . exact($_->[1]) } card($html, 'Refused calls by reason')),
		query('many', "SELECT code || ' ' || sum(calls) FROM devapp.usage_day WHERE code <> 'VALID' AND $period GROUP BY code ORDER BY sum(calls) DESC, code::text COLLATE \"C\""),
		"$days days: refused calls by reason");
}

# what waits, and what there is to do
my ($html, $from, $to) = fresh_page('many');
is(exact((tile($html, 'Developers'))[0]), query('many', 'SELECT count(*) FROM devapp.developer WHERE deleted_at IS NULL'), 'developers');
is(plain((tile($html, 'Developers'))[1]), '2 new, 1 before', 'and when they came');
is(exact((tile($html, 'Pending'))[0]),
	query('many', "SELECT count(*) FROM devapp.credential_product cp JOIN devapp.credential c USING (credential_id) WHERE cp.status = 'pending' AND c.status = 'approved'"),
	'how much waits');
is( join("\n", names(card($html, 'Waiting for approval'))),
	query('many', "SELECT a.name FROM devapp.credential_product cp JOIN devapp.credential c USING (credential_id) JOIN devapp.app a USING (app_id)
		WHERE cp.status = 'pending' AND c.status = 'approved' ORDER BY cp.created_at LIMIT 10"),
	'what waits longest');
is(exact((tile($html, 'Quotas at 80 %'))[0]),
	query('many', "SELECT count(*) FROM devapp.quota_usage q JOIN devapp.product p USING (product_id) JOIN devapp.app a USING (app_id)
		WHERE q.used >= 0.8 * p.quota_limit AND a.deleted_at IS NULL"),
	'quotas near their limit');
is( join(',', map { plain($_->[1]) } card($html, 'Quotas near their limit')),
	query('many', "SELECT string_agg(CASE share WHEN 100 THEN '100' ELSE share::text END || ' %of ' || l, ',' ORDER BY share DESC)
		FROM (SELECT round(100.0 * q.used / p.quota_limit, 1) AS share, to_char(p.quota_limit, 'FM9,999') AS l FROM devapp.quota_usage q
		JOIN devapp.product p USING (product_id) JOIN devapp.app a USING (app_id) WHERE q.used >= 0.8 * p.quota_limit AND a.deleted_at IS NULL ORDER BY 1 DESC LIMIT 10) AS x"),
	'the fullest first');
is( join("\n", names(grep { $_->[2] =~ /still used/ } card($html, 'Secrets to rotate or to retire'))),
	query('many', "SELECT replace(a.name, chr(8238), chr(65533)) FROM devapp.last_used l JOIN devapp.credential_secret s USING (credential_id) JOIN devapp.app a USING (app_id)
		WHERE l.secret_version = s.version AND l.last_seen_at > s.superseded_at AND a.deleted_at IS NULL ORDER BY s.valid_until, s.valid_from"),
	'replaced secrets that are still used');
is( join("\n", names(grep { $_->[1] =~ /overdue/ } card($html, 'Secrets to rotate or to retire'))),
	query('many', "SELECT replace(a.name, chr(8238), chr(65533)) FROM devapp.credential_secret s JOIN devapp.credential c USING (credential_id) JOIN devapp.app a USING (app_id)
		WHERE s.superseded_at IS NULL AND s.valid_from < now() - interval '90 days' AND a.status = 'approved' ORDER BY s.valid_from"),
	'overdue rotations');
is( join("\n", names(card($html, 'Credentials that expire'))),
	query('many', "SELECT replace(a.name, chr(8238), chr(65533)) FROM devapp.credential c JOIN devapp.app a USING (app_id)
		WHERE c.status = 'approved' AND a.deleted_at IS NULL AND c.expires_at < now() + interval '30 days' ORDER BY c.expires_at, c.credential_id LIMIT 10"),
	'credentials that expire');

# one page, whatever the plans are
is( query('many', "BEGIN; SELECT devapp_report.dashboard() AS one \\gset\n SET enable_hashagg = off; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_sort = off;
	SET timezone = 'Pacific/Kiritimati'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'iso_8601'; SET lc_numeric = 'C'; SET extra_float_digits = 0;
	SELECT devapp_report.dashboard() = :'one'"),
	't', 'the same data makes the same page, whatever the plans and the settings of the session');

# ---------- what names can do ----------

for my $text ('<script', '</title>"', '<i>', '"onload', '"onmouseover', 'http://', 'https://', 'url(', '@import', 'javascript:', chr(8238))
{
	# what tests are called is printed as bytes
	my $shown = $text =~ s/([^ -~])/sprintf 'U+%04X', ord $1/er;
	ok(index($html =~ s/^<!DOCTYPE html>.*?<body>//sr, $text) < 0, "no $shown in the body");
}
like($html, qr/&lt;script&gt;alert\(1\)&lt;\/script&gt;/, 'a script is text');
unlike($html, qr/<[^>]*\son[a-z]+\s*=/i, 'no handler of events');
is(scalar(() = $html =~ /<\/title>\n/g), 1, 'the title of the page ends once');
my ($digest) = $html =~ /style-src 'sha256-([^']+)'/;
my ($style) = $html =~ m{<style>(.*?)</style>}s;
is($digest, $node->safe_psql('many', "SELECT encode(sha256(convert_to(" . literal($style) . ", 'UTF8')), 'base64')"), 'the style is let in by its digest');
if ($node->safe_psql('postgres', "SELECT count(*) FROM pg_config WHERE name = 'CONFIGURE' AND setting LIKE '%with-libxml%'"))
{
	is( $node->safe_psql('many', "SELECT array_to_string(xpath('//section/h3/text()', xmlparse(document devapp_report.dashboard())), ', ')"),
		'Calls by day, Errors by day, Latency by day, Refused calls by reason, Calls by product, Calls by owner, Busiest apps, Waiting for approval, Quotas near their limit, Secrets to rotate or to retire, Credentials that expire',
		'an XML parser finds every card');
}

# ---------- who may ----------

for my $role ('devapp_admin', 'devapp_analyst')
{
	is($node->safe_psql('many', "SET ROLE $role; SELECT devapp_report.dashboard() LIKE '%Busiest apps%forecast%'"), 't', "$role may");
	is($node->safe_psql('many', "SET ROLE $role; SELECT devapp_report.dashboard(45) LIKE '%Busiest apps%forecast%'"), 't', "$role may see older days");
}
is(error_of($node, "SET ROLE $_; SELECT devapp_report.dashboard()", db => 'many'), '42501', "$_ may not") for 'devapp_developer', 'devapp_gateway';
$node->safe_psql('many', 'CREATE ROLE somebody');
is(error_of($node, 'SET ROLE somebody; SELECT devapp_report.dashboard()', db => 'many'), '42501', 'nor somebody');
is($node->safe_psql('many', 'BEGIN READ ONLY; SELECT devapp_report.dashboard() IS NOT NULL'), 't', 'it writes nothing');

# ---------- in a browser ----------

my ($chromium) = grep { -x $_ } map { my $folder = $_; map { "$folder/$_" } 'chromium', 'chromium-browser', 'google-chrome' } split /:/, $ENV{PATH};
if (!$chromium)
{
	note('no browser: chromium is not installed');
	done_testing();
	exit;
}
my $folder = PostgreSQL::Test::Utils::tempdir();

# What check_page.js finds in a page of this width.
sub browse
{
	my ($page, $width, $scheme) = @_;
	my ($out, $err) = ('', '');
	my $script = slurp_file("$data/check_page.js");

	$page =~ s/&/&amp;/g;
	$page =~ s/"/&quot;/g;
	utf8::encode($page);
	unlink "$folder/host.html";
	append_to_file("$folder/host.html", qq{<!DOCTYPE html><html style="color-scheme: $scheme"><meta charset="utf-8"/><pre id="result"></pre><script>$script</script>}
		  . qq{<iframe style="width: ${width}px; height: 5000px; border: 0" srcdoc="$page" onload="check(this, document.getElementById('result'))"></iframe></html>});
	local $ENV{HOME} = $folder;
	IPC::Run::run([ $chromium, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', "--user-data-dir=$folder/profile",
			'--window-size=1600,900', '--dump-dom', "file://$folder/host.html" ], '>', \$out, '2>', \$err, IPC::Run::timeout(120));
	utf8::decode($out);
	my ($result) = $out =~ m{<pre id="result">(.*?)</pre>}s;
	diag(substr($err, -2000)) unless $result;
	return split /^text: /m, plain($result || 'nothing'), 2;
}

$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-v', 'apps=1', '-o', '/dev/null', '-f', "$data/dashboard.sql", '-d', $node->connstr('one') ],
	'a program of one app');
my %pages = (many => $html, one => (fresh_page('one'))[0], none => (fresh_page('postgres'))[0], year => page('many', 366), day => page('many', 1));
for my $name (sort keys %pages)
{
	for my $width (360, 768, 1280, 1440)
	{
		for my $scheme ($name eq 'many' || $width == 360 ? ('light', 'dark') : 'light')
		{
			my ($found, $text) = browse($pages{$name}, $width, $scheme);
			like($found, qr/^checked a page, $scheme, $width wide, style grid, least contrast [0-9.]+\n$/, "$name: nothing is cut off, overlaps or is hard to read at $width px, $scheme");
			my $calls = plain((tile($pages{$name}, 'Calls allowed'))[0]);
			like($text, qr/Calls allowed \Q$calls\E /, "$name: and the figures can be seen");
		}
	}
}

# Charts of all lengths, and of a year up to each of its days: their days have labels
# that are inside, and apart.
my $charts = query('many', q{SELECT string_agg(devapp_internal.html_card(first_day || ' to ' || last_day, NULL,
		'<div class="plot last"><svg class="chart">' || devapp_internal.chart_days(first_day, last_day) || '</svg></div>'), '')
	FROM (SELECT date '2026-11-28' - n + 1, date '2026-11-28' FROM generate_series(1, 366) AS n
		UNION ALL SELECT date '2027-12-31' + n - 365, date '2027-12-31' + n FROM generate_series(1, 366) AS n) AS p (first_day, last_day)});
my $labels = $pages{none} =~ s{</main>}{<div class="cards">$charts</div></main>}r;
is(scalar(() = $labels =~ / to \d{4}-\d\d-\d\d<\/h3>/g), 2 * 366, 'a page of charts');
for my $width (360, 768, 1280)
{
	my ($found) = browse($labels, $width, 'light');
	like($found, qr/^checked a page, light, $width wide,.*\n$/, "labels of days are inside and apart at $width px, whatever day it is");
}

done_testing();
