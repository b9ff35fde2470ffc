// OAuth clients and verifiers, unmodified: they find the endpoints, get tokens, ask about them and
// revoke them, and report refusals.

import { OAuth2Client } from '@badgateway/oauth2-client'
import { auth, extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js'
import { ClientCredentialsProvider, PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { createRemoteJWKSet, decodeJwt, exportJWK, exportPKCS8, generateKeyPair, jwtVerify } from 'jose'
import jwksClient from 'jwks-rsa'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { ClientCredentials } from 'simple-oauth2'
import { assert, ask, check, config, done, rejection, sql, verdict } from './check.js'

const { url } = config
const api = 'https://api.example.com/weather'

// client(NAME, PRODUCT): {id, secret} of an app that gets tokens
async function client(name, product = 'weather', more = {}) {
	const made = await sql(`SELECT row_to_json(a) FROM devapp.create_app($1, 'ada@example.com', ARRAY[$2], kind => 'oauth_client', scopes => $3) AS a`, name, product, more.scopes ?? null)
	if (more.approve) await sql(`SELECT 1 FROM devapp.approve_app($1)`, made.app_id)
	return { id: made.consumer_key, secret: made.secret }
}

// signer(CLIENT, ALG): the private key with which it proves itself from now on
async function signer({ id }, alg) {
	const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
	await sql(`SELECT 1 FROM devapp.set_client_keys($1, jsonb_build_object('keys', jsonb_build_array($2::jsonb)))`, id, JSON.stringify({ ...await exportJWK(publicKey), kid: alg }))
	return { key: privateKey, kid: alg }
}

const reader = await client('oauth-reader')
const writer = await client('oauth-writer')
const robot = await client('oauth-robot')
const server = await client('oauth-server', 'devapp-admin', { scopes: ['devapp:verify'], approve: true })

// ---------- openid-client ----------

const insecure = { execute: [openid.allowInsecureRequests] }
const reading = await check('openid-client finds the endpoints in both ways', async () => {
	const one = await openid.discovery(new URL(url), reader.id, reader.secret, undefined, insecure)
	const other = await openid.discovery(new URL(url), reader.id, reader.secret, undefined, { ...insecure, algorithm: 'oauth2' })
	assert.equal(one.serverMetadata().issuer, url)
	assert.deepEqual(other.serverMetadata(), one.serverMetadata())
	return one
})
await check('openid-client gets a token, by default with its secret in the form', async () => {
	const tokens = await openid.clientCredentialsGrant(reading, { scope: 'read', resource: api })
	assert.deepEqual([tokens.token_type, tokens.scope, tokens.expires_in], ['bearer', 'read', 3600])
	assert.equal(await verdict(tokens.access_token), 'VALID')
})
await check('openid-client gets one with Basic, asks about it and ends it', async () => {
	const basic = await openid.discovery(new URL(url), reader.id, undefined, openid.ClientSecretBasic(reader.secret), insecure)
	const { access_token: token } = await openid.clientCredentialsGrant(basic, new URLSearchParams([['resource', api], ['resource', 'urn:example:maps']]))
	const said = await openid.tokenIntrospection(basic, token, { token_type_hint: 'access_token' })
	assert.deepEqual([said.active, said.client_id, said.scope, said.aud], [true, reader.id, 'read write', [api, 'urn:example:maps']])
	const asking = await openid.discovery(new URL(url), writer.id, writer.secret, undefined, insecure)
	assert.deepEqual(await openid.tokenIntrospection(asking, token), { active: false })
	await openid.tokenRevocation(asking, token)
	assert.equal(await verdict(token), 'VALID')
	await openid.tokenRevocation(basic, token)
	assert.equal(await verdict(token), 'TOKEN_REVOKED')
	assert.deepEqual(await openid.tokenIntrospection(basic, token), { active: false })
})
for (const alg of ['Ed25519', 'ES256', 'RS256']) {
	await check(`openid-client proves itself by an assertion (${alg})`, async () => {
		const signed = await openid.discovery(new URL(url), robot.id, undefined, openid.PrivateKeyJwt(await signer(robot, alg)), insecure)
		const tokens = await openid.clientCredentialsGrant(signed)
		assert.equal(await verdict(tokens.access_token), 'VALID')
		assert.equal((await openid.tokenIntrospection(signed, tokens.access_token)).client_id, robot.id)
	})
}
await check('openid-client: a token that is bound to a key', async () => {
	for (const alg of ['ES256', 'Ed25519']) {
		const DPoP = openid.getDPoPHandle(reading, await openid.randomDPoPKeyPair(alg))
		const tokens = await openid.clientCredentialsGrant(reading, {}, { DPoP })
		assert.equal(tokens.token_type, 'dpop')
		assert.equal((await openid.tokenIntrospection(reading, tokens.access_token)).token_type, 'DPoP')
		assert.equal(await sql(`SELECT code FROM devapp.verify_token($1, '/weather/today', 'GET')`, tokens.access_token), 'PROOF_REQUIRED')
	}
})
await check('openid-client is told what is wrong', async () => {
	const refused = async (parameters, configuration = reading) => {
		const error = await rejection(openid.clientCredentialsGrant(configuration, parameters))
		return `${error.status} ${error.error ?? error.cause.map(({ scheme }) => scheme)}`
	}
	assert.equal(await refused({ scope: 'nothing' }), '400 invalid_scope')
	assert.equal(await refused({ resource: '/weather' }), '400 invalid_target')
	assert.equal(await refused({}, await openid.discovery(new URL(url), reader.id, writer.secret, undefined, insecure)), '401 basic')
	assert.equal((await rejection(openid.genericGrantRequest(reading, 'password', { username: 'u', password: 'p' }))).error, 'unsupported_grant_type')
	assert.equal((await rejection(openid.discovery(new URL(`${url}/elsewhere`), reader.id, reader.secret, undefined, insecure))).code, 'OAUTH_RESPONSE_IS_NOT_CONFORM')
})

// ---------- a token for the management API ----------

const management = new URL('/v1/organizations/acme/developers', url)
const manager = await openid.discovery(new URL(url), config.robot.id, config.robot.secret, undefined, insecure)

await check('openid-client calls the management API with a token', async () => {
	const { access_token: token } = await openid.clientCredentialsGrant(manager)
	assert.ok((await (await openid.fetchProtectedResource(manager, token, management, 'GET')).json()).includes('ada@example.com'))
	const { access_token: another } = await openid.clientCredentialsGrant(manager, { resource: api })
	const { status, cause: [challenge] } = await rejection(openid.fetchProtectedResource(manager, another, management, 'GET'))
	assert.deepEqual([status, challenge.scheme, challenge.parameters.error], [401, 'bearer', 'invalid_token'])
})
await check('openid-client calls it with one that is bound to a key, and nobody without that key', async () => {
	const handle = async (alg) => ({ DPoP: openid.getDPoPHandle(manager, await openid.randomDPoPKeyPair(alg)) })
	const own = await handle('ES256')
	const { access_token: token } = await openid.clientCredentialsGrant(manager, {}, own)
	const call = (options) => openid.fetchProtectedResource(manager, token, management, 'GET', undefined, undefined, options)
	for (let i = 0; i < 2; i++) assert.equal((await call(own)).status, 200)
	assert.equal((await rejection(call())).status, 401)
	assert.equal((await rejection(call(await handle('Ed25519')))).status, 401)
})

// ---------- oauth4webapi ----------

const plain = { [oauth.allowInsecureRequests]: true }
const as = await oauth.processDiscoveryResponse(new URL(url), await oauth.discoveryRequest(new URL(url), { ...plain, algorithm: 'oauth2' }))
await check('oauth4webapi takes a token for what it is (RFC 9068)', async () => {
	const auth = oauth.ClientSecretBasic(writer.secret)
	const tokens = await oauth.processClientCredentialsResponse(as, { client_id: writer.id },
		await oauth.clientCredentialsGrantRequest(as, { client_id: writer.id }, auth, { resource: api }, plain))
	const claims = await oauth.validateJwtAccessToken(as, new Request(api, { headers: { Authorization: `Bearer ${tokens.access_token}` } }), api, plain)
	assert.deepEqual([claims.iss, claims.client_id, claims.sub, claims.scope], [url, writer.id, writer.id, 'read write'])
	await assert.rejects(oauth.validateJwtAccessToken(as, new Request(api, { headers: { Authorization: `Bearer ${tokens.access_token}` } }), 'urn:example:other', plain))
})
await check('oauth4webapi: a token bound to a key, with its proof', async () => {
	const me = { client_id: writer.id }
	const DPoP = oauth.DPoP(me, await oauth.generateKeyPair('ES256'))
	const tokens = await oauth.processClientCredentialsResponse(as, me, await oauth.clientCredentialsGrantRequest(as, me, oauth.ClientSecretPost(writer.secret), { resource: api }, { ...plain, DPoP }))
	let seen
	await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL(`${api}/today`), undefined, undefined,
		{ DPoP, [oauth.customFetch]: async (target, options) => { seen = new Request(target, options); return new Response() } })
	const claims = await oauth.validateJwtAccessToken(as, seen, api, plain)
	assert.ok(claims.cnf.jkt)
	const sent = new Headers(seen.headers)
	assert.equal(sent.get('authorization'), `DPoP ${tokens.access_token}`)
	const use = () => sql(`SELECT code FROM devapp.verify_token($1, $2, 'GET', dpop => $3)`, tokens.access_token, '/weather/today', sent.get('dpop'))
	assert.equal(await use(), 'VALID')
	assert.equal(await use(), 'PROOF_REQUIRED')
})
await check('oauth4webapi finds out who issues the tokens for a resource (RFC 9728)', async () => {
	for (const path of ['', '/weather/today']) {
		const resource = new URL(url + path)
		const said = await oauth.processResourceDiscoveryResponse(resource, await oauth.resourceDiscoveryRequest(resource, plain))
		assert.deepEqual(said.authorization_servers, [url])
	}
})
await check('an API server asks about the tokens of others, as a client or by its key', async () => {
	const me = { client_id: server.id }
	const { access_token: token } = await openid.clientCredentialsGrant(reading)
	for (const auth of [oauth.ClientSecretBasic(server.secret), oauth.ClientSecretPost(server.secret)]) {
		const said = await oauth.processIntrospectionResponse(as, me, await oauth.introspectionRequest(as, me, auth, token, plain))
		assert.deepEqual([said.active, said.client_id], [true, reader.id])
	}
	const by = (key) => ask('/oauth/introspect', { method: 'POST', headers: { Authorization: `Bearer ${key}` }, body: new URLSearchParams({ token }) })
	assert.equal((await by(config.gateway)).json.client_id, reader.id)
	assert.equal((await by(config.reader)).status, 403)
	assert.equal((await by(reader.secret)).status, 401)
})

// ---------- simple-oauth2 ----------

for (const [authorizationMethod, credentialsEncodingMode] of [['header', 'strict'], ['header', 'loose'], ['body', 'strict']]) {
	await check(`simple-oauth2, with its secret in the ${authorizationMethod} (${credentialsEncodingMode})`, async () => {
		const grant = new ClientCredentials({ client: reader, auth: { tokenHost: url }, options: { authorizationMethod, credentialsEncodingMode } })
		const token = await grant.getToken({ scope: ['read', 'write'] })
		assert.equal(token.expired(), false)
		assert.equal(token.token.scope, 'read write')
		assert.equal(await verdict(token.token.access_token), 'VALID')
		await token.revoke('access_token')
		assert.equal(await verdict(token.token.access_token), 'TOKEN_REVOKED')
		const wrong = new ClientCredentials({ client: { ...reader, secret: 'wrong' }, auth: { tokenHost: url }, options: { authorizationMethod } })
		const error = await rejection(wrong.getToken({}))
		assert.deepEqual([error.output.statusCode, error.data.payload.error], [401, 'invalid_client'])
	})
}
await check('simple-oauth2: an imported client whose id and secret need to be encoded', async () => {
	const imported = { id: 'an id: 50% +', secret: 'p&ss w%rd=+:/?-0123456789012345' }
	await sql(`SELECT 1 FROM devapp.import_credential('ada@example.com/oauth-reader', $1, $2, products => '{weather}', kind => 'oauth_client')`, imported.id, imported.secret)
	const token = await new ClientCredentials({ client: imported, auth: { tokenHost: url } }).getToken({})
	assert.equal(await verdict(token.token.access_token), 'VALID')
})

// ---------- @badgateway/oauth2-client ----------

for (const authenticationMethod of [undefined, 'client_secret_basic', 'client_secret_basic_interop', 'client_secret_post']) {
	await check(`@badgateway/oauth2-client gets a token, asks about it and ends it (${authenticationMethod ?? 'as the metadata says'})`, async () => {
		const client = new OAuth2Client({ server: url, clientId: writer.id, clientSecret: writer.secret, authenticationMethod })
		const token = await client.clientCredentials({ scope: ['write'], resource: [api, url] })
		assert.deepEqual(token.scope, ['write'])
		assert.deepEqual(decodeJwt(token.accessToken).aud, [api, url])
		assert.equal((await client.introspect(token)).active, true)
		await client.revoke(token)
		assert.equal((await client.introspect(token)).active, false)
		const wrong = new OAuth2Client({ server: url, clientId: writer.id, clientSecret: 'wrong', authenticationMethod })
		assert.equal((await rejection(wrong.clientCredentials())).oauth2Code, 'invalid_client')
	})
}

// ---------- the SDK of the Model Context Protocol ----------

// authorized(PROVIDER): the token to which the refusal of a call leads, as in the transports of the SDK
async function authorized(provider) {
	const { resourceMetadataUrl } = extractWWWAuthenticateParams(await fetch(management))
	assert.equal(String(resourceMetadataUrl), `${url}/.well-known/oauth-protected-resource`)
	assert.equal(await auth(provider, { serverUrl: management, resourceMetadataUrl }), 'AUTHORIZED')
	return provider.tokens().access_token
}
const callWith = async (token) => (await fetch(management, { headers: { Authorization: `Bearer ${token}` } })).status

await check('the MCP SDK comes from a refusal to a token, with a secret', async () => {
	const token = await authorized(new ClientCredentialsProvider({ clientId: config.robot.id, clientSecret: config.robot.secret, expectedIssuer: url }))
	assert.equal(decodeJwt(token).aud, url)
	assert.equal(await callWith(token), 200)
	const error = await rejection(authorized(new ClientCredentialsProvider({ clientId: config.robot.id, clientSecret: 'wrong', expectedIssuer: url })))
	assert.equal(error.name, 'InvalidClientError')
})
await check('the MCP SDK comes from a refusal to a token, with an assertion', async () => {
	const { key } = await signer(robot, 'ES256')
	const token = await authorized(new PrivateKeyJwtProvider({ clientId: robot.id, privateKey: await exportPKCS8(key), algorithm: 'ES256', expectedIssuer: url }))
	assert.equal(decodeJwt(token).client_id, robot.id)
	assert.equal(await callWith(token), 403)
})

// ---------- keys ----------

const jwks = `${url}/.well-known/jwks.json`
await check('jose verifies tokens of each algorithm with the keys that are published', async () => {
	const keys = createRemoteJWKSet(new URL(jwks))
	for (const alg of ['EdDSA', 'ES256', 'RS256']) {
		const token = await sql('SELECT token FROM devapp.issue_token($1, alg => $2, audience => $3)', reader.id, alg, api)
		const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: url, audience: api, typ: 'at+jwt' })
		assert.equal(payload.client_id, reader.id)
		assert.equal(protectedHeader.alg, alg)
		const [header, claims, signature] = token.split('.')
		await assert.rejects(jwtVerify([header, claims, (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)].join('.'), keys), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
	}
})
await check('jwks-rsa finds a key by its name', async () => {
	const keys = jwksClient({ jwksUri: jwks })
	const token = await sql(`SELECT token FROM devapp.issue_token($1, alg => 'RS256')`, reader.id)
	const { kid } = JSON.parse(Buffer.from(token.split('.')[0], 'base64url'))
	const key = await keys.getSigningKey(kid)
	assert.match(key.getPublicKey(), /^-----BEGIN PUBLIC KEY-----/)
	assert.equal(key.alg, 'RS256')
	// programs beside this one make keys as well
	assert.deepEqual([...new Set((await keys.getSigningKeys()).map((one) => one.alg))].sort(), ['ES256', 'EdDSA', 'RS256'])
	assert.equal((await rejection(keys.getSigningKey('another'))).name, 'SigningKeyNotFoundError')
})

// ---------- the headers ----------

await check('nobody may keep an answer to a client', async () => {
	const answer = await ask('/oauth/token', { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: reader.id, client_secret: reader.secret }) })
	assert.equal(answer.status, 200)
	assert.equal(answer.headers.get('cache-control'), 'no-store')
	assert.equal(answer.headers.get('content-type'), 'application/json')
	const refused = await ask('/oauth/token', { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials' }) })
	assert.deepEqual([refused.status, refused.headers.get('cache-control'), refused.headers.get('www-authenticate')], [401, 'no-store', 'Basic realm="devapp"'])
})
done()
process.exit()
