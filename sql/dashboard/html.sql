-- Pieces of HTML for the dashboard.  A function whose name begins with _html_ returns
-- markup; text gets into the page by escape_html() alone.  The page is XML as well
-- (empty elements are closed, characters are named by number), so a parser can check
-- it, and these files are plain ASCII, so they load into a database of any encoding.

-- Control characters are no XML, and U+202A to U+202E and U+2066 to U+2069 turn the
-- text around them: both become U+FFFD, which shows that something was there.
CREATE FUNCTION devapp_internal.escape_html(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN regexp_replace(
        replace(replace(replace(replace(replace(value, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;'),
        E'[\\u0001-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f\\u202a-\\u202e\\u2066-\\u2069\\ufffe\\uffff]', '&#65533;', 'g');

-- ---------- numbers ----------

CREATE FUNCTION devapp_internal.exact_number(value numeric) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_char(value, 'FM999,999,999,999,999,999,990');

-- 9,999 as it is; from there on three digits: 10.0 k, 123 k, 1.23 M.
CREATE FUNCTION devapp_internal.short_number(value numeric) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN value < 10000 THEN devapp_internal.exact_number(value)
           ELSE (SELECT round(value / u.size, CASE WHEN value < u.size * 9.995 THEN 2 WHEN value < u.size * 99.95 THEN 1 ELSE 0 END)
                        || '&#160;' || u.name
                   FROM (VALUES (1e3, 'k'), (1e6, 'M'), (1e9, 'G'), (1e12, 'T')) AS u (size, name)
                  WHERE value < u.size * 999.5 OR u.name = 'T'
                  ORDER BY u.size LIMIT 1) END
$$;

CREATE FUNCTION devapp_internal.html_number(value numeric) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value IS NULL THEN '&#8211;'
                WHEN value < 10000 THEN devapp_internal.exact_number(value)
                ELSE '<data value="' || value || '" title="' || devapp_internal.exact_number(value) || '">'
                     || devapp_internal.short_number(value) || '</data>' END;

-- Neither nothing nor everything is rounded to: 0 % and 100 % are exact.
CREATE FUNCTION devapp_internal.html_percent(part numeric, whole numeric) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN part IS NULL OR whole IS NULL OR whole = 0 THEN '&#8211;'
                WHEN part = 0 THEN '0&#160;%'
                WHEN part = whole THEN '100&#160;%'
                WHEN part / whole < 0.001 THEN '&lt;&#160;0.1&#160;%'
                WHEN part < whole AND part / whole > 0.999 THEN '&gt;&#160;99.9&#160;%'
                WHEN part / whole >= 10 THEN devapp_internal.exact_number(round(100 * part / whole)) || '&#160;%'
                ELSE round(100 * part / whole, 1) || '&#160;%' END;

-- From one period to the next, in percent of the first.
CREATE FUNCTION devapp_internal.html_change(value numeric, before numeric) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN before IS NULL OR before = 0 THEN 'none before'
                WHEN value IS NULL THEN 'none now'
                WHEN round(100 * (value - before) / before, 1) = 0 THEN 'as before'
                WHEN value >= before * 10 THEN '&#9650;&#160;' || devapp_internal.exact_number(round(value / before)) || '&#160;times'
                WHEN value > before THEN '&#9650;&#160;' || round(100 * (value - before) / before, 1) || '&#160;%'
                ELSE '&#9660;&#160;' || round(100 * (before - value) / before, 1) || '&#160;%' END;

-- ---------- times, all UTC ----------

CREATE FUNCTION devapp_internal.html_date(value date) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN '<time>' || to_char(value, 'YYYY-MM-DD') || '</time>';

CREATE FUNCTION devapp_internal.html_time(value timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce('<time datetime="' || to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '">'
                    || to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || '</time>', '&#8211;');

CREATE FUNCTION devapp_internal.html_day(value timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce('<time datetime="' || to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '" title="'
                    || to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC">'
                    || to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD') || '</time>', '&#8211;');

-- How long: the largest unit, and the next where the first has one digit.
CREATE FUNCTION devapp_internal.html_duration(value interval) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN value IS NULL THEN '&#8211;'
                WHEN m < 1 THEN '&lt;&#160;1&#160;min'
                WHEN m < 60 THEN m || '&#160;min'
                WHEN m < 600 THEN m / 60 || '&#160;h' || CASE WHEN m % 60 > 0 THEN '&#160;' || m % 60 || '&#160;min' ELSE '' END
                WHEN m < 1440 THEN m / 60 || '&#160;h'
                WHEN m < 14400 THEN m / 1440 || '&#160;d' || CASE WHEN m % 1440 >= 60 THEN '&#160;' || m % 1440 / 60 || '&#160;h' ELSE '' END
                ELSE devapp_internal.exact_number(m / 1440) || '&#160;d' END
      FROM (SELECT floor(extract(epoch FROM value) / 60)::bigint AS m) AS minutes
$$;

-- A response time, to three digits.
CREATE FUNCTION devapp_internal.html_latency(value interval) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((SELECT round(s / u.size, CASE WHEN s < u.size * 9.995 THEN 2 WHEN s < u.size * 99.95 THEN 1 ELSE 0 END)
                            || '&#160;' || u.name
                       FROM (VALUES (1e-6, '&#181;s'), (1e-3, 'ms'), (1.0, 's')) AS u (size, name)
                      WHERE s < u.size * 999.5 OR u.name = 's'
                      ORDER BY u.size LIMIT 1), '&#8211;')
      FROM (SELECT extract(epoch FROM value)::numeric AS s) AS seconds
$$;

-- ---------- parts of the page ----------

-- What an app is called, and below it whose it is or what else tells it apart.  Names
-- that people chose have a direction of their own (bdi), and where they are too long
-- for their place the style cuts them off, so the title has all of it.
CREATE FUNCTION devapp_internal.html_name(name text, VARIADIC details text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN name <> '' THEN format('<div class="name" title="%1$s"><bdi>%1$s</bdi></div>', devapp_internal.escape_html(name))
                ELSE '<div class="name">&#8211;</div>' END
           || CASE WHEN count(*) > 0
              THEN format('<div class="detail" title="%s">%s</div>', devapp_internal.escape_html(string_agg(d.detail, ' / ' ORDER BY d.n)),
                          string_agg('<bdi>' || devapp_internal.escape_html(d.detail) || '</bdi>', ' / ' ORDER BY d.n)) ELSE '' END
      FROM unnest(details) WITH ORDINALITY AS d (detail, n)
     WHERE d.detail <> ''
$$;

-- The public part of a key, below: all of it, on two lines where there is no room for one.
CREATE FUNCTION devapp_internal.html_key(consumer_key text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<div class="key-id">' || devapp_internal.escape_html(consumer_key) || '</div>';

-- A bar of a list, as long as its part of the longest.
CREATE FUNCTION devapp_internal.html_bar(part numeric, whole numeric, class text DEFAULT 'allowed') RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<svg class="bar" aria-hidden="true"><rect class="track" width="100%" height="100%"/><rect class="' || class || '" width="'
           || CASE WHEN whole > 0 THEN least(round(100 * part / whole, 2), 100) ELSE 0 END || '%" height="100%"/></svg>';

CREATE FUNCTION devapp_internal.html_card(title text, note text, body text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN E'<section class="card">\n<h3>' || devapp_internal.escape_html(title) || E'</h3>\n'
           || coalesce('<p class="note">' || note || E'</p>\n', '') || body || E'\n</section>\n';

CREATE FUNCTION devapp_internal.html_nothing(message text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<p class="nothing">' || devapp_internal.escape_html(message) || '</p>';

-- A table: the first column is the rows' heading.  A column's heading that begins with
-- # is one of numbers, with @ of dates.
CREATE FUNCTION devapp_internal.html_table(caption text, headings text[], table_rows text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT '<table><caption>' || devapp_internal.escape_html(caption) || E'</caption>\n<thead><tr>'
           || string_agg('<th scope="col"' || CASE left(h.heading, 1) WHEN '#' THEN ' class="number"' WHEN '@' THEN ' class="number date"' ELSE '' END || '>'
                         || devapp_internal.escape_html(ltrim(h.heading, '#@')) || '</th>', '' ORDER BY h.n)
           || E'</tr></thead>\n<tbody>\n' || table_rows || E'</tbody></table>'
      FROM unnest(headings) WITH ORDINALITY AS h (heading, n)
$$;

-- One row of it: cells of numbers and times stand at the right.
CREATE FUNCTION devapp_internal.html_row(heading text, VARIADIC cells text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT '<tr><th scope="row">' || heading || '</th>'
           || coalesce(string_agg('<td class="number">' || c.cell || '</td>', '' ORDER BY c.n), '') || E'</tr>\n'
      FROM unnest(cells) WITH ORDINALITY AS c (cell, n)
$$;

-- What a list leaves out.
CREATE FUNCTION devapp_internal.html_more(total bigint, shown bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN total > shown THEN '<p class="more">and ' || devapp_internal.html_number(total - shown) || ' more</p>' ELSE '' END;

-- A card with a table of the first rows of a list; table_rows is null if there are none.
CREATE FUNCTION devapp_internal.html_list(
    title text, note text, headings text[], table_rows text, shown bigint, total bigint, nothing text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN devapp_internal.html_card(title, note,
        coalesce(devapp_internal.html_table(title, headings, table_rows) || devapp_internal.html_more(total, shown),
                 devapp_internal.html_nothing(nothing)));
