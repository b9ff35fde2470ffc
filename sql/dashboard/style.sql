-- How the dashboard looks.

-- Text is at least 4.5:1 against what it stands on, bars 3:1.  The two colours of a
-- chart differ in hue for colour-blind people too, and in lightness on grey paper.
CREATE FUNCTION devapp_internal.dashboard_colours() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '
:root { color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --ink: #1a1f26; --muted: #57606a; --line: #d9dee4; --grid: #e8ebef; --hover: #eef1f5;
  --allowed: #3d7cc0; --refused: #a83a08; --client: #b07408; --server: #752a8c; --alarm: #a02d12; }
@media (prefers-color-scheme: dark) { :root {
  --page: #0f1318; --card: #191e25; --ink: #e7eaee; --muted: #a0a9b4; --line: #303843; --grid: #29303a; --hover: #222933;
  --allowed: #4f8fd6; --refused: #ffab70; --client: #dba33a; --server: #b06fd0; --alarm: #ff9b7d; } }
@media print { :root { color-scheme: light;
  --page: #ffffff; --card: #ffffff; --ink: #000000; --muted: #444444; --line: #bbbbbb; --grid: #dddddd; --hover: #ffffff;
  --allowed: #3d7cc0; --refused: #a83a08; --client: #b07408; --server: #752a8c; --alarm: #a02d12; } }
';

CREATE FUNCTION devapp_internal.dashboard_layout() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; font-variant-numeric: tabular-nums; }
.page { max-width: 1240px; margin: 0 auto; padding: 20px 16px 40px; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.2; letter-spacing: -0.01em; }
h2 { margin: 34px 0 12px; font-size: 1.15rem; line-height: 1.3; }
h3 { margin: 0; font-size: 1rem; line-height: 1.35; }
p { margin: 0; }
header p { margin-top: 4px; color: var(--muted); }
time { white-space: nowrap; }
.note, .more, .nothing, .legend { color: var(--muted); font-size: 0.87rem; }
.note { margin-top: 2px; }
.more { margin-top: 10px; }
.nothing { margin-top: 14px; }
.alarm { color: var(--alarm); font-weight: 600; }
.cards { display: grid; grid-template-columns: minmax(0, 1fr); gap: 16px; }
.card, .tiles > div { min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px; }
.tiles { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 12px; margin: 22px 0 0; }
.tiles > div { padding: 12px 14px; }
.tiles dt { color: var(--muted); font-size: 0.87rem; }
.tiles dd { margin: 0; }
.tiles .value { font-size: 1.55rem; font-weight: 650; line-height: 1.3; letter-spacing: -0.01em; }
.tiles .change { color: var(--muted); font-size: 0.82rem; line-height: 1.35; }
@media (min-width: 700px) { .tiles { grid-template-columns: repeat(4, minmax(0, 1fr)); } .page { padding: 28px 24px 48px; } }
@media (min-width: 1000px) { .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); } .card { padding: 18px 20px; } }
@media print { body { font-size: 12px; } .page { max-width: none; padding: 0; }
  .tiles { grid-template-columns: repeat(4, minmax(0, 1fr)); } .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .card, .tiles > div, tr { break-inside: avoid; } h2 { break-after: avoid; } details { display: none; } }
';

CREATE FUNCTION devapp_internal.dashboard_tables() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '
table { width: 100%; margin-top: 10px; border-collapse: collapse; table-layout: fixed; font-size: 0.93rem; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { padding: 7px 0; border-top: 1px solid var(--grid); text-align: left; vertical-align: top; font-weight: 400; overflow-wrap: anywhere; }
thead th { padding: 5px 0; border-top: 0; color: var(--muted); font-size: 0.82rem; vertical-align: bottom; }
.number { width: 5.8rem; padding-left: 10px; text-align: right; white-space: nowrap; overflow-wrap: normal; }
.date { width: 7.2rem; }
.name, .detail { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.detail, .key-id { color: var(--muted); font-size: 0.85rem; }
.bar { display: block; width: 100%; height: 6px; margin-top: 5px; border-radius: 3px; }
details { margin-top: 12px; font-size: 0.93rem; }
summary { color: var(--muted); font-size: 0.87rem; cursor: pointer; }
@media (max-width: 420px) { .number { width: 5.2rem; padding-left: 6px; } .date { width: 6.4rem; } }
';

CREATE FUNCTION devapp_internal.dashboard_charts() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '
.legend { margin-top: 14px; }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; }
.plot { padding: 10px 12px 6px 56px; }
.chart { display: block; width: 100%; height: 132px; overflow: visible; }
.last { padding-bottom: 26px; }
.last .chart { height: 88px; }
.chart text { fill: var(--muted); font-size: 12px; }
.grid { stroke: var(--grid); }
.base { stroke: var(--line); }
.room { fill: transparent; }
.day:hover .room { fill: var(--hover); }
.today .allowed, .today .refused, .today .client, .today .server { fill-opacity: 0.6; }
.track { fill: var(--grid); }
.allowed { fill: var(--allowed); }
.refused { fill: var(--refused); }
.client { fill: var(--client); }
.server { fill: var(--server); }
';

CREATE FUNCTION devapp_internal.dashboard_style() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN devapp_internal.dashboard_colours() || devapp_internal.dashboard_layout()
           || devapp_internal.dashboard_tables() || devapp_internal.dashboard_charts();
