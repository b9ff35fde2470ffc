-- replaces: TABLE devapp_api.route
ALTER TABLE devapp_api.route
    DROP CONSTRAINT route_pattern_valid,
    ADD CONSTRAINT route_pattern_valid CHECK (pattern::text ~ '^/([^*{}]|(?<=/)[{][a-z_]+[}](?=/|$)|(?<=/)[{][a-z_]+[+][}]$)*$');
