-- Asks devapp about a call: http-request lua.devapp_auth
--
-- Sets txn.devapp_status (200: it may go through; otherwise what the client is answered), the
-- header fields X-Devapp-* of the request, and what the client is told.

local url = os.getenv("DEVAPP_AUTH_URL") or "http://127.0.0.1:8080/auth"
local key = os.getenv("DEVAPP_GATEWAY_KEY")
local options = os.getenv("DEVAPP_GATEWAY_OPTIONS") or ""

local asked = { "authorization", "x-api-key", "dpop" }
local passed = { "app-id", "app", "owner", "credential-id", "consumer-key", "product", "environment", "scopes" }
local told = { challenge = "www-authenticate", retry = "retry-after", limit = "ratelimit", policy = "ratelimit-policy" }

core.register_action("devapp_auth", { "http-req" }, function(txn)
	local sent = txn.http:req_get_headers()
	local address = txn.sf:src()
	local question = {
		["x-devapp-gateway"] = { key .. "; client=" .. address .. options },
		["x-forwarded-method"] = { txn.sf:method() },
		["x-forwarded-uri"] = { txn.sf:pathq() },
		["x-forwarded-for"] = { address },
	}
	for _, name in ipairs(asked) do
		-- two fields of one name can mean anything, so they are not a key
		if sent[name] and not sent[name][1] then question[name] = { sent[name][0] } end
	end

	local answer = core.httpclient():get { url = url, headers = question, timeout = 2000 }
	local fields = answer and answer.headers or {}
	local status = answer and tonumber(answer.status) or 0
	-- without a verdict it was not the client's key that was refused
	if not fields["x-devapp-code"] then status = 503 end
	txn:set_var("txn.devapp_status", status)
	for name, field in pairs(told) do
		if fields[field] then txn:set_var("txn.devapp_" .. name, fields[field][0]) end
	end
	for _, name in ipairs(passed) do
		local value = fields["x-devapp-" .. name]
		if value then txn.http:req_set_header("X-Devapp-" .. name, value[0]) end
	end
end)
