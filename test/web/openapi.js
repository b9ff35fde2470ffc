// /openapi.json: a validator accepts it, and 2,000 requests that are made from it, good and bad
// ones, are answered as it says, none with a 5xx.  DEVAPP_SEED says which 2,000.

import { Validator } from '@seriousme/openapi-schema-validator'
import { ask, assert, check, config, done, sql } from './check.js'

const REQUESTS = 2000
const A_ROUND = 100
const SIDE_BY_SIDE = 8
const seed = Number(process.env.DEVAPP_SEED || 19)

// ---------- chance ----------

let state = seed >>> 0
function chance() {
	state = (state + 0x6d2b79f5) >>> 0
	let t = Math.imul(state ^ (state >>> 15), state | 1)
	t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
	return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const once = (of) => chance() * of < 1
const pick = (list) => list[Math.floor(chance() * list.length)]
const several = (most, make) => Array.from({ length: Math.floor(chance() * (most + 1)) }, make)

// ---------- what is there ----------

const bearer = (key) => ({ Authorization: `Bearer ${key}` })
const basic = (user, password) => ({ Authorization: `Basic ${btoa(`${user}:${password}`)}` })
const post = async (path, key, body) => {
	const answer = await ask(path, { method: 'POST', headers: { ...bearer(key), 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) })
	assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.text}`)
	return answer.json
}
// without a key that signs, no token can be issued
await sql('SELECT devapp.activate_signing_key(k.kid) FROM devapp.create_signing_key() AS k WHERE NOT EXISTS (SELECT FROM devapp.signing_key s WHERE s.status = $1)', 'active')
const doc = (await ask('/openapi.json')).json
const operations = Object.entries(doc.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })))

const strange = ['x', 'None', '1', '%20', '%C3%A4', '%25', "a'b", 'a%22b', '(SELECT)', '$1', '%7Bapp%7D', 'a'.repeat(300), '%F0%9F%8C%A6',
	'00000000-0000-0000-0000-000000000000', '-1', 'null', '*', 'a+b', 'a;b', '~', '%E2%80%AE']
// makeThings(ROUND): a developer with a key for the portal, and one of each thing that paths name.  The
// other programs of this folder use the same database, so nothing of theirs is named.
let things
async function makeThings(round) {
	const organization = '/v1/organizations/web'
	const email = `fuzz-${round}@example.com`
	const product = `fuzz-product-${round}`
	await post(`${organization}/developers`, config.management, { email, firstName: 'Fuzz', lastName: 'Er', userName: 'fuzz' })
	await post(`${organization}/apiproducts`, config.management, { name: product, displayName: 'Fuzz', approvalType: 'auto', scopes: ['read'], attributes: [{ name: 'tier', value: 'x' }] })
	const door = await post(`${organization}/developers/${email}/apps`, config.management, { name: 'door', apiProducts: ['devapp-portal'], kind: 'api_key' })
	await post(`${organization}/developers/${email}/apps/door?action=approve`, config.management)
	const key = door.credentials[0].consumerSecret
	const shop = await post('/portal/v1/apps', key, { name: 'shop', products: [product], attributes: { tier: 'x' } })
	const client = await post('/portal/v1/apps', key, { name: 'client', kind: 'oauth_client', products: [product] })
	const crew = await post('/portal/v1/teams', key, { name: `fuzz-crew-${round}` })
	const shared = await post('/portal/v1/apps', key, { name: 'shop', team: crew.name, products: [product], attributes: { tier: 'x' } })
	const invited = await post(`/portal/v1/teams/${crew.team_id}/invitations`, key, { email: 'nobody@example.com' })
	const asked = await ask('/oauth/token', { method: 'POST', headers: basic(client.consumer_key, client.secret), body: new URLSearchParams({ grant_type: 'client_credentials' }) })
	assert.equal(asked.status, 200, asked.text)
	things = { token: asked.json.access_token, email, product, key, shop, client, names: {
		app: [shop.app_id, 'shop'], credential: [shop.credential_id, shop.consumer_key], key: [shop.consumer_key, shared.consumer_key], team: [crew.team_id, crew.name], member: [email],
		product: [product], invitation: [invited.invitation_id], developer: [email], org: ['web'], attribute: ['tier'] } }
}

// ---------- requests ----------

const values = {
	string: () => pick(['x', '', things.product, 'P1D', '90 days', 'read', 'test', '\u00e4\u{1f326}', ' x ', 'a\u0001b', "'; --", 'a'.repeat(chance() * 3000), '2026-03-01', '10.0.0.0/8',
		'https://example.com/x', `${Math.floor(chance() * 1e6)}`, `x${Math.floor(chance() * 1e6)}@example.com`, things.shop.app_id, things.shop.consumer_key]),
	integer: () => pick([0, 1, 10, 200, -1, 2 ** 31, 2 ** 53, 1e30]),
	number: () => pick([0, 0.5, -1, 1e300]),
	boolean: () => once(2),
	null: () => null,
}
const anything = (depth = 2) => pick([values.string, values.integer, values.number, values.boolean, values.null,
	() => (depth ? several(3, () => anything(depth - 1)) : []), () => (depth ? Object.fromEntries(several(3, () => [values.string(), anything(depth - 1)])) : {})])()

// follow(SCHEMA): what it refers to
const follow = (schema) => (schema?.$ref ? schema.$ref.split('/').slice(1).reduce((at, name) => at[name], doc) : schema)

// What members of these names want, whatever their schemas allow.
const fresh = () => `x${Math.floor(chance() * 1e6)}`
const wanted = {
	name: fresh, product: () => things.product, products: () => [things.product], team: () => things.names.team[1], email: () => `${fresh()}@example.com`, environment: () => 'test', environments: () => ['test'],
	scopes: () => ['read'], overlap: () => '1 day', expires_in: () => 'P1D', replaces: () => things.shop.consumer_key, allowed_cidrs: () => ['10.0.0.0/8'], callback_urls: () => ['https://example.com/x'],
	client: () => '10.0.0.1', app: () => things.shop.app_id, from: () => '2026-01-01', to: () => '2026-12-31', limit: () => 2,
	grant_type: () => 'client_credentials', scope: () => 'read', token: () => pick([things.shop.secret, things.client.secret, things.token]),
}

// make(SCHEMA, MEMBER): mostly a value of it
function make(schema, member) {
	if (once(15)) return anything()
	if (member in wanted && !once(6)) return wanted[member]()
	const of = follow(schema.anyOf ? pick(schema.anyOf) : schema)
	if (of.enum) return pick(of.enum)
	const type = pick([of.type].flat())
	if (type === 'array') return several(2, () => make(of.items))
	if (type !== 'object') return (values[type] ?? anything)()
	if (!of.properties) return Object.fromEntries(several(2, () => [values.string(), of.additionalProperties ? make(of.additionalProperties) : anything()]))
	const members = Object.entries(of.properties).filter(([name]) => (of.required.includes(name) ? !once(20) : once(3))).map(([name, member]) => [name, make(member, name)])
	return Object.fromEntries(once(20) ? [...members, [values.string(), anything()]] : members)
}

// A body that is not described gets members that some route knows.
const known = {
	name: fresh, displayName: values.string, email: () => `${fresh()}@example.com`, firstName: () => 'A', lastName: () => 'B', userName: fresh, approvalType: () => pick(['auto', 'manual']),
	attributes: () => [{ name: 'tier', value: values.string() }], attribute: () => [{ name: 'tier', value: 'y' }], value: values.string, apiProducts: () => [things.product], scopes: () => ['read'],
	callbackUrl: () => 'https://example.com/x', keyExpiresIn: () => pick([-1, '-1', 86400000, '0']), consumerKey: fresh, consumerSecret: () => fresh().repeat(8), developer: () => [{ email: things.email, role: 'admin' }],
	quota: () => '10', quotaInterval: () => '1', quotaTimeUnit: () => 'day', environments: () => ['test'], proxies: () => [], apiResources: () => ['/x/**'], appFamily: values.string, status: () => 'approved',
	grant_type: () => 'client_credentials', client_id: () => things.client.consumer_key, client_secret: () => things.client.secret, token: () => things.shop.secret, scope: () => 'read', resource: () => 'https://example.com/x',
}
const guess = () => Object.fromEntries(Object.entries(known).filter(() => once(2)).map(([name, value]) => [name, once(15) ? anything() : value()]))

const broken = ['{', '[]', 'null', '', '\0', 'a=b&a=c', '{"a":1,"a":2}', '['.repeat(5000), '{"name":"\\ud800"}']
function makeBody(operation) {
	const content = operation.requestBody?.content
	if (content === undefined || once(25))
		return once(4) ? { body: pick(broken), type: pick(['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1']) } : {}
	const [[type, { schema }]] = Object.entries(content)
	const value = follow(schema).properties ? make(schema) : guess()
	if (type !== 'application/json') return { body: String(new URLSearchParams(Object.entries(value ?? {}).map(([name, v]) => [name, String(v)]))), type }
	return { body: JSON.stringify(value), type: once(30) ? 'text/xml' : type }
}

const extra = ['expand=true', 'count=1', 'startKey=x', 'limit=1&limit=2', '%', '=', 'a=%zz', '&&', 'x[]=1', 'after=WyJhcHBzIl0', 'action=x', 'action=approve']
function makeTarget(operation) {
	const path = operation.path.replace(/\{([a-z_]+)\}/g, (_, name) => (once(8) ? pick(strange) : pick(things.names[name] ?? strange)))
	if (once(60)) return pick(['/', '//', '/portal/v1/x', '/v1/o/web/x', `${path}/`, `${path}/..`, `${path}%2F`, `${path}//x`])
	const query = operation.parameters.filter((p) => p.in === 'query' && once(3)).map((p) => `${p.name}=${encodeURIComponent(String(make(p.schema, p.name)))}`)
	if (once(10)) query.push(pick(extra))
	return query.length > 0 ? `${path}?${query.join('&')}` : path
}

function makeAuthorization({ security: [needed = {}] }) {
	const { key, shop, client } = things
	const [[scheme, scopes] = []] = Object.entries(needed)
	if (once(12)) return pick([{}, { Authorization: 'Basic !' }, { Authorization: 'Bearer' }, basic('a', 'b'), bearer('x'.repeat(9000)), bearer(`${key}x`), bearer(key), bearer(config.management)])
	if (scheme === 'client') return basic(client.consumer_key, client.secret)
	if (scheme === 'developer') return bearer(key)
	// what a gateway says about the call of somebody else
	if (scopes?.includes('devapp:verify')) return { ...bearer(config.gateway), 'X-Forwarded-Method': 'GET', 'X-Forwarded-Uri': pick(['/x', '/x?apikey=x', '//', 'x', '/%']), 'X-API-Key': pick([shop.secret, 'x', '']) }
	return scheme === undefined ? {} : bearer(config.management)
}

// Where the developer or the app is gone or inactive, all that follows is refused.
const ends = (method, target) => !once(10) && (method === 'DELETE' || /action=|revoke/.test(target)) && [...things.names.developer, ...things.names.app].some((name) => target.includes(name))

function makeRequest() {
	const operation = pick(operations)
	const method = once(40) ? pick(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) : operation.method
	const target = makeTarget(operation)
	const { body, type } = method === 'GET' || method === 'HEAD' ? {} : makeBody(operation)
	if (ends(method, target)) return makeRequest()
	return { operation, method, target, options: { method, headers: { ...makeAuthorization(operation), ...(type === undefined ? {} : { 'Content-Type': type }) }, body } }
}

// ---------- answers ----------

// misfits(VALUE, SCHEMA): what of the value is not as the schema says, which knows all members
function misfits(value, schema, place = '') {
	if (schema.anyOf) return schema.anyOf.some((s) => misfits(value, s).length === 0) ? [] : [`${place} is none of anyOf`]
	const of = follow(schema)
	const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
	if (of.enum) return of.enum.includes(value) ? [] : [`${place} is ${value}`]
	if (![of.type].flat().some((t) => t === type || (t === 'integer' && Number.isInteger(value)))) return [`${place} is of type ${type}`]
	if (type === 'array') return value.flatMap((item) => misfits(item, of.items, `${place}[]`))
	if (type !== 'object' || !of.properties) return []
	return [...of.required.filter((name) => !(name in value)).map((name) => `${place}.${name} is missing`),
		...Object.entries(value).flatMap(([name, member]) => (of.properties[name] ? misfits(member, of.properties[name], `${place}.${name}`) : [`${place}.${name} is not known`]))]
}

const statuses = new Map()
const served = new Set()

// faults(REQUEST, ANSWER): what is wrong with it
function faults({ operation, method, target }, { status, headers, text, json }) {
	statuses.set(status, (statuses.get(status) ?? 0) + 1)
	if (status >= 500) return ['is a failure']
	if (text.includes(things.key) || text.includes(config.management)) return ['tells a key']
	const path = target.split('?')[0]
	const isItself = method === operation.method && new RegExp(`^${operation.path.replace(/[.]/g, '\\.').replace(/\{[a-z_]+\}/g, '[^/]+')}$`).test(path)
	if (!isItself) return status < 300 && !['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method) ? ['is served'] : []
	if (status < 300) served.add(operation.operationId)
	const described = follow(operation.responses[status] ?? operation.responses[`${Math.floor(status / 100)}XX`])
	if (described === undefined) return ['is not described']
	const schema = described.content?.['application/json']?.schema
	if (schema === undefined) return status === 204 && text !== '' ? ['has a body'] : []
	if (!headers.get('content-type')?.startsWith('application/json') || json === undefined) return ['is not JSON']
	return misfits(json, schema)
}

await check('a validator accepts the document', async () => {
	const { valid, errors } = await new Validator().validate(structuredClone(doc))
	assert.ok(valid, JSON.stringify(errors))
	assert.equal(doc.openapi, '3.1.0')
})
await check('every operation has a name of its own and a summary', () => {
	assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
	for (const { operationId, summary, tags: [tag] } of operations) if (tag === 'portal') assert.notEqual(summary, operationId.replace(/_\d+$/, ''))
})
await check(`${REQUESTS} requests of seed ${seed} are answered as it says, and none by a failure`, async () => {
	const found = []
	for (let round = 1; round <= REQUESTS / A_ROUND; round++) {
		await makeThings(round)
		const requests = Array.from({ length: A_ROUND }, makeRequest)
		await Promise.all(Array.from({ length: SIDE_BY_SIDE }, async () => {
			for (let request = requests.pop(); request !== undefined; request = requests.pop()) {
				const answer = await ask(request.target, request.options)
				for (const fault of faults(request, answer))
					found.push(`${request.method} ${request.target} ${request.options.body ?? ''} -> ${answer.status} ${fault}: ${answer.text}`.slice(0, 500))
			}
		}))
	}
	assert.deepEqual(found.slice(0, 20), [])
})
await check('they were not all refused', () => {
	const good = [...statuses].filter(([status]) => status < 300).reduce((sum, [, n]) => sum + n, 0)
	const never = operations.map(({ operationId }) => operationId).filter((id) => !served.has(id))
	const summary = `${JSON.stringify([...statuses].sort())}, never served: ${never.join(' ')}`
	if (process.env.DEVAPP_SEED) console.log(`# ${summary}`)
	assert.ok(good > REQUESTS / 8 && never.length < operations.length / 2, summary)
	for (const status of [400, 401, 403, 404, 405, 409, 415]) assert.ok(statuses.has(status), `no ${status}: ${summary}`)
})
done()
