-- Charts of the dashboard: a count by day, as SVG.
--
-- The SVG has no viewBox: places and lengths are percentages of what room there is,
-- so text keeps its size from phone to wide screen.  Labels of the axes stand outside
-- of the plot, in the margins that the style gives it: a label of a day is centred on
-- that day, so the margin on the right has room for half of the longest.

-- Steps of 1, 2 or 5 times a power of ten, three of them or fewer.
CREATE FUNCTION devapp_internal.axis_step(highest numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT min(m * p)
      FROM (SELECT trim_scale(10 ^ floor(log(greatest(highest, 3) / 3))) AS p) AS power, unnest(ARRAY[1, 2, 5, 10]) AS m
     WHERE m * p * 3 >= highest
$$;

-- From zero to the first step that nothing is above.
CREATE FUNCTION devapp_internal.axis_ticks(highest numeric) RETURNS numeric[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(trim_scale(n * step) ORDER BY n)
      FROM (SELECT devapp_internal.axis_step(highest) AS step) AS s,
           generate_series(0, greatest(ceil(highest / step), 1)) AS n
$$;

-- All labels of an axis are in one unit, that of the highest.
CREATE FUNCTION devapp_internal.axis_label(tick numeric, highest numeric) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN tick = 0 THEN '0'
                WHEN highest < 10000 THEN devapp_internal.exact_number(tick)
                WHEN highest < 1000000 THEN trim_scale(tick / 1000) || '&#160;k'
                WHEN highest < 1000000000 THEN trim_scale(tick / 1000000) || '&#160;M'
                WHEN highest < 1000000000000 THEN trim_scale(tick / 1000000000) || '&#160;G'
                ELSE trim_scale(tick / 1000000000000) || '&#160;T' END;

-- The days that get a label: every day or up to every third, Mondays, every second
-- Monday, or first days of months.  On a phone, whose plot is 226 pixels wide, there is room for six labels of
-- five characters, and every 54 pixels for one of seven.
CREATE FUNCTION devapp_internal.day_ticks(first_day date, last_day date) RETURNS date[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(d ORDER BY d)
      FROM (SELECT last_day - first_day + 1 AS days,
                   least(1 + (last_day - first_day) / 110, 3) AS months) AS s,
           generate_series(0, last_day - first_day) AS n,
           LATERAL (SELECT first_day + n AS d) AS x
     WHERE CASE WHEN days <= 18 THEN (last_day - d) % ((days + 5) / 6) = 0
                WHEN days <= 42 THEN extract(isodow FROM d) = 1
                WHEN days <= 84 THEN (d - date '2001-01-01') % 14 = 0
                ELSE extract(day FROM d) = 1 AND (extract(month FROM d) - 1)::integer % months = 0 END
$$;

CREATE FUNCTION devapp_internal.chart_values(ticks numeric[]) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format(E'<line class="%s" x1="0" x2="100%%" y1="%s%%" y2="%s%%"/><text x="-8" y="%s%%" dy="4" text-anchor="end">%s</text>\n',
                             CASE WHEN t.tick = 0 THEN 'base' ELSE 'grid' END, y, y, y, devapp_internal.axis_label(t.tick, t.top)), '' ORDER BY t.tick)
      FROM (SELECT tick, ticks[cardinality(ticks)] AS top FROM unnest(ticks) AS tick) AS t,
           LATERAL (SELECT trim_scale(round(100 - 100 * t.tick / t.top, 2)) AS y) AS place
$$;

CREATE FUNCTION devapp_internal.chart_days(first_day date, last_day date) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format(E'<text x="%s%%" y="100%%" dy="18" text-anchor="middle">%s</text>\n',
                             trim_scale(round((d - first_day + 0.5) * 100 / days, 2)),
                             to_char(d, CASE WHEN days > 84 THEN 'YYYY-MM' ELSE 'MM-DD' END)), '' ORDER BY d)
      FROM unnest(devapp_internal.day_ticks(first_day, last_day)) AS d, (SELECT last_day - first_day + 1 AS days) AS s
$$;

-- One day: a place to point at, and its bar.  What is not zero is at least a line.
CREATE FUNCTION devapp_internal.chart_bar(place integer, places integer, class text, title text, value numeric, top numeric) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('<g class="%s"><title>%s</title><rect class="room" x="%s%%" width="%s%%" y="0" height="100%%"/>',
                  CASE WHEN place = places THEN 'day today' ELSE 'day' END, devapp_internal.escape_html(title),
                  trim_scale(round((place - 1) * wide, 3)), trim_scale(round(wide, 3)))
           || CASE WHEN high > 0
              THEN format('<rect class="%s" x="%s%%" width="%s%%" y="%s%%" height="%s%%"/>', class,
                          trim_scale(round((place - 0.5 - filled / 2) * wide, 3)), trim_scale(round(wide * filled, 3)), 100 - high, high)
              ELSE '' END || E'</g>\n'
      FROM (SELECT 100.0 / places AS wide, CASE WHEN places > 98 THEN 1.0 ELSE 0.76 END AS filled,
                   CASE WHEN value > 0 THEN trim_scale(round(greatest(100 * value / top, 0.6), 2)) ELSE 0 END AS high) AS bar
$$;

-- Bars of one count a day, the last of which is today.  Charts that stand below each
-- other share the labels of the days: only the lowest has them.
CREATE FUNCTION devapp_internal.html_chart(title text, class text, first_day date, counts numeric[], with_days boolean) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format(E'<p class="legend"><svg class="key" aria-hidden="true"><rect class="%s" width="100%%" height="100%%"/></svg> %s</p>\n',
                  class, devapp_internal.escape_html(title))
           || format(E'<div class="%s"><svg class="chart" role="img" aria-label="%s">\n', CASE WHEN with_days THEN 'plot last' ELSE 'plot' END,
                     devapp_internal.escape_html(format('%s by day, a bar chart; the highest day has %s. The figures follow as a table.',
                                                       title, devapp_internal.exact_number(s.highest))))
           || devapp_internal.chart_values(s.ticks)
           || (SELECT string_agg(devapp_internal.chart_bar(n, cardinality(counts), class,
                                     format('%s%s: %s', to_char(first_day + n - 1, 'YYYY-MM-DD'), CASE WHEN n = cardinality(counts) THEN ' (so far)' END,
                                            devapp_internal.exact_number(counts[n])),
                                     counts[n], s.ticks[cardinality(s.ticks)]), '' ORDER BY n)
                 FROM generate_series(1, cardinality(counts)) AS n)
           || CASE WHEN with_days THEN devapp_internal.chart_days(first_day, first_day + cardinality(counts) - 1) ELSE '' END
           || E'</svg></div>\n'
      FROM (SELECT max(c) AS highest, devapp_internal.axis_ticks(max(c)) AS ticks FROM unnest(counts) AS c) AS s
$$;

-- The figures of charts, for whom a picture is no help: a column each, the newest day first.
CREATE FUNCTION devapp_internal.chart_table(title text, first_day date, names text[], a numeric[], b numeric[], c numeric[]) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT E'<details><summary>Figures by day</summary>\n'
           || devapp_internal.html_table(title, ARRAY['Day'] || names,
                  string_agg(devapp_internal.html_row(devapp_internal.html_date(first_day + n - 1), devapp_internal.exact_number(a[n]),
                                                     devapp_internal.exact_number(b[n]), devapp_internal.exact_number(c[n])), '' ORDER BY n DESC))
           || '</details>'
      FROM generate_series(1, cardinality(a)) AS n
$$;
