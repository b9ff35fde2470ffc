-- Questions of gateways over HTTP, one for each call of an API; see src/api/gateway.c.

CREATE FUNCTION devapp_internal.gateway_auth(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_gateway_auth';
COMMENT ON FUNCTION devapp_internal.gateway_auth(devapp_internal.http_request) IS
    'Tells a gateway whether an API call is allowed; the answer is a status and header fields';

-- Most gateways ask by GET, and say in fields what they were asked.  Envoy puts the path behind /auth
-- and keeps the method.
SELECT devapp_internal.add_route('GET', '/auth', 'devapp_internal.gateway_auth', 'verify', 'none');
SELECT devapp_internal.add_route(m, p, 'devapp_internal.gateway_auth', 'verify', 'none')
  FROM unnest(ARRAY['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) AS m, unnest(ARRAY['/auth/', '/auth/{path+}']) AS p;
