// Gateways and middleware that ask /auth about each call, as examples has them: nginx, Caddy and
// HAProxy before an API, and APIs in Express, FastAPI and Go.  Which calls pass, whom the API
// takes for the caller, how calls are refused, and that a client cannot pretend to be a gateway.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, symlinkSync, cpSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, check, config, done, isInstalled, skip, sql } from './check.js'
import { changed, examples, HOST, listening, run, start, startNginx, stopPrograms } from './programs.js'

const folder = mkdtempSync(join(tmpdir(), 'gateways-'))
const web = import.meta.dirname
const authUrl = `${config.url}/auth`

// ---------- the program ----------

const owner = 'ada@example.com'
await sql(`SELECT FROM devapp.create_product('metered', quota_limit => 2, quota_interval => 1, quota_unit => 'day', scopes => '{read}')`)
await sql(`SELECT FROM devapp.add_operation('metered', '/metered', '{GET}')`)

const newApp = (name, options = '') => sql(`SELECT to_jsonb(a) FROM devapp.create_app($1, $2, '{weather,metered}' ${options}) AS a`, name, owner)

// ---------- the API ----------

// Behind a proxy it says what arrived of a call; middleware answers for itself.
const api = http.createServer((req, res) => {
	const chunks = []
	req.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
		// some servers read an underscore as a hyphen
		const fields = Object.entries(req.headersDistinct).filter(([name]) => /^x[-_]devapp[-_]/.test(name))
		for (const [name, values] of fields) if (values.length > 1 || name.includes('_')) return res.writeHead(500).end(`${name} arrived twice, or is the client's`)
		res.writeHead(200, { 'Content-Type': 'application/json', 'X-Devapp-Of-The-Api': 'yes' })
		res.end(JSON.stringify({ method: req.method, url: req.url, body: Buffer.concat(chunks).toString(), caller: Object.fromEntries(fields.map(([name, [value]]) => [name.slice(9), value])) }))
	})
})
const apiPort = await listening(api)

// ---------- the gateways ----------

const options = 'environment=prod'
const few = `${options}; fields=app-id scopes`
const asIsSet = (key) => ({ ...process.env, DEVAPP_AUTH_URL: authUrl, DEVAPP_GATEWAY_KEY: key, HOME: folder })

// Debian's packages are for its own Python, which may not be the first.
const python = ['python3', '/usr/bin/python3'].find((command) => isInstalled(command, '-c', 'import fastapi, uvicorn'))

// Each starts with a key of its own and parameters of its own, and returns what start() does.
const gateways = {
	nginx: {
		installed: () => isInstalled('nginx', '-v'),
		start: (key, asked = options) => startNginx(folder, (port, name) => {
			writeFileSync(`${name}.key`, `set $devapp_key "${key}";\n`, { mode: 0o600 })
			return changed('nginx-auth-request/nginx.conf', { 'listen 443 ssl': `listen ${HOST}:${port}`, 'ssl_certificate /etc/nginx/api.crt;': '', 'ssl_certificate_key /etc/nginx/api.key;': '', [options]: asked,
				'127.0.0.1:8080': new URL(config.url).host, '127.0.0.1:9000': `${HOST}:${apiPort}`, '/etc/nginx/devapp-key.conf': `${name}.key` })
		}),
	},
	Caddy: {
		installed: () => isInstalled('caddy', 'version'),
		// its forward_auth passes on whatever refuses, and nothing of what lets a call pass
		unasked: [401, 403],
		hidesLimits: true,
		start: (key, asked = options) => start((port) => {
			const file = join(folder, `${port}.Caddyfile`)
			writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n\tdefault_bind ${HOST}\n}\n${changed('caddy/Caddyfile', { [options]: asked })}`)
			return run('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], { env: { ...asIsSet(key), API_SITE: `http://${HOST}:${port}`, API_ADDRESS: `${HOST}:${apiPort}`,
				DEVAPP_ADDRESS: new URL(config.url).host, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder } })
		}),
	},
	HAProxy: {
		installed: () => isInstalled('haproxy', '-v'),
		start: (key, asked = options) => start((port) => {
			const file = join(folder, `${port}.cfg`)
			writeFileSync(file, changed('haproxy/haproxy.cfg', { 'bind :443 ssl crt /etc/haproxy/api.pem': `bind ${HOST}:${port}`, '/etc/haproxy/devapp.lua': join(examples, 'haproxy/devapp.lua'),
				'127.0.0.1:9000': `${HOST}:${apiPort}` }))
			return run('haproxy', ['-db', '-f', file], { env: { ...asIsSet(key), DEVAPP_GATEWAY_OPTIONS: `; ${asked}` } })
		}),
	},
	Express: {
		installed: () => true,
		isApi: true,
		prepare: () => {
			cpSync(join(examples, 'express'), join(folder, 'express'), { recursive: true })
			symlinkSync(join(web, 'node_modules'), join(folder, 'express/node_modules'))
		},
		start: (key, asked = options) => start((port) => run(process.execPath, [join(folder, 'express/server.js')], { env: { ...asIsSet(key), DEVAPP_GATEWAY_OPTIONS: asked, PORT: String(port) } })),
	},
	FastAPI: {
		installed: () => python !== undefined,
		isApi: true,
		start: (key, asked = options) => start((port) => run(python, ['-m', 'uvicorn', '--no-access-log', '--port', String(port), 'server:app'],
			{ cwd: join(examples, 'fastapi'), env: { ...asIsSet(key), DEVAPP_GATEWAY_OPTIONS: asked, PYTHONDONTWRITEBYTECODE: '1' } })),
	},
	Go: {
		installed: () => isInstalled('go', 'version'),
		isApi: true,
		prepare: () => {
			const { status, stderr } = spawnSync('go', ['build', '-o', join(folder, 'go-api'), '.'], { cwd: join(examples, 'go'), encoding: 'utf8',
				env: { ...process.env, HOME: folder, GOCACHE: join(folder, 'go-cache'), GOPATH: join(folder, 'go-path'), GOPROXY: 'off', GOTOOLCHAIN: 'local' } })
			assert.equal(status, 0, stderr)
		},
		start: (key, asked = options) => start((port) => run(join(folder, 'go-api'), [], { env: { ...asIsSet(key), DEVAPP_GATEWAY_OPTIONS: asked, PORT: String(port) } })),
	},
}

// ---------- calls ----------

// call(URL, TARGET, HEADERS, {method, body}): the path as it stands
function call(url, path, headers = {}, { method = 'GET', body } = {}) {
	const { hostname, port } = new URL(url)
	return new Promise((resolve, reject) => {
		http.request({ host: hostname, port, method, path, headers, agent: false }, (res) => {
			let text = ''
			res.setEncoding('utf8').on('data', (data) => { text += data }).on('end', () => {
				let json
				try { json = JSON.parse(text) } catch { /* not every answer is JSON */ }
				resolve({ status: res.statusCode, headers: res.headers, text, json })
			})
		}).on('error', reject).end(body)
	})
}
const byKey = ({ secret }) => ({ 'X-API-Key': secret })
const basic = (user, password) => ({ Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` })

// What a client would like to be taken for; some servers read an underscore as a hyphen.
const claims = { 'X-Devapp-App': 'another', 'X-Devapp-App-Id': 'another', 'X-Devapp-Owner': 'root@example.com', 'X-Devapp-Code': 'VALID', 'X-Devapp-Status': '200', 'X-Devapp-Environment': 'other',
	'X-Devapp-Scopes': 'admin', 'X-Devapp-Product': 'all', 'X-Devapp-Fault': 'none', 'X-Devapp-Error': 'none', 'X-Devapp-Gateway': 'none', 'X-Devapp-Credential-Id': 'another', 'X-Devapp-Consumer-Key': 'another' }
const disguised = { X_Devapp_Owner: 'root@example.com', 'X-Devapp_App-Id': 'another', 'x_devapp-scopes': 'admin' }

// The names under which an API finds its caller are those of its language.
const callerOf = ({ isApi }, { json }) => Object.fromEntries(Object.entries(isApi ? json : json.caller).map(([name, value]) => [name.toLowerCase().replace(/[-_]/g, ''),
	name.toLowerCase() === 'scopes' && typeof value === 'string' ? value.split(' ').filter(Boolean) : value]))

async function passes(gateway, answer, app, product = 'weather') {
	assert.equal(answer.status, 200, answer.text)
	const caller = callerOf(gateway, answer)
	assert.deepEqual([caller.appid, decodeURIComponent(caller.app), caller.owner, caller.product, caller.environment], [app.app_id, app.name, owner, product, 'prod'])
	return caller
}
async function refuses(answer, status) {
	assert.equal(answer.status, status, answer.text)
	for (const name of Object.keys(answer.headers)) assert.ok(name !== 'x-devapp-of-the-api', 'the API was called')
}

// those that started
const tried = []

async function tryGateway(name, gateway) {
	const started = await check(`${name} starts`, () => {
		gateway.prepare?.()
		return gateway.start(config.gateway)
	})
	if (started === undefined) return
	const { url } = started
	// no gateway takes a name for one of its own variables
	const appName = `Caf\u00e9 {env.DEVAPP_GATEWAY_KEY} $devapp_key of ${name}`
	const app = { ...await newApp(appName), name: appName }
	const client = { ...await newApp(`client of ${name}`, ", kind => 'oauth_client'"), name: `client of ${name}` }
	const isProxy = !gateway.isApi

	await check(`${name}: a key passes, wherever it is, and the API learns whose it is`, async () => {
		for (const [headers, path] of [[byKey(app)], [{ Authorization: `Bearer ${app.secret}` }], [basic('', app.secret)], [basic(app.secret, '')], [{}, `/weather/today?apikey=${app.secret}`]]) {
			const caller = await passes(gateway, await call(url, path ?? '/weather/today', headers), app)
			assert.deepEqual([...caller.scopes].sort(), ['read', 'write'])
		}
		await passes(gateway, await call(url, '/weather/today', basic(client.consumer_key, client.secret)), client)
	})
	await check(`${name}: so does a token`, async () => {
		const token = await sql(`SELECT token FROM devapp.issue_token($1, scopes => '{read}')`, client.consumer_key)
		assert.deepEqual((await passes(gateway, await call(url, '/weather/today', { Authorization: `Bearer ${token}` }), client)).scopes, ['read'])
	})
	await check(`${name}: without a good key the answer is 401, and says so`, async () => {
		for (const headers of [{}, { 'X-API-Key': `${app.secret}x` }, { Authorization: 'Bearer nonsense' }, { 'X-API-Key': '' }, basic('a', 'b'), { 'X-API-Key': config.gateway.slice(0, -1) }]) {
			const answer = await call(url, '/weather/today', headers)
			await refuses(answer, 401)
			assert.match(answer.headers['www-authenticate'], /^Bearer/)
		}
	})
	await check(`${name}: a call that no product covers is 403`, async () => {
		for (const [path, method] of [['/secret', 'GET'], ['/weather/today', 'DELETE'], ['/weather/../secret', 'GET'], ['/weather/%2e%2e/secret', 'GET'], ['/weather%2ftoday', 'GET'],
			['//weather/today', 'GET'], ['/weather/%00', 'GET'], ['/Weather/today', 'GET']]) {
			const answer = await call(url, path, byKey(app), { method })
			// a server may refuse such a path before it asks
			assert.ok([400, 403].includes(answer.status), `${method} ${path}: ${answer.status}`)
			await refuses(answer, answer.status)
		}
	})
	await check(`${name}: a client cannot say what it asks for, nor who it is`, async () => {
		for (const lies of [{ 'X-Forwarded-Uri': '/weather/today', 'X-Forwarded-Method': 'GET' }, { 'X-Original-URI': '/weather/today', 'X-Original-Method': 'GET' }, { 'X-Original-Url': '/weather/today' },
			{ 'X-Devapp-Gateway': config.gateway }, { 'X-Devapp-Gateway': `${config.gateway}; proxy=x` }, { 'X-Forwarded-For': '10.0.0.1' }, { Forwarded: 'for=10.0.0.1' }, { Connection: 'close, X-Devapp-Gateway, X-Forwarded-Uri' }]) {
			await refuses(await call(url, '/secret', { ...byKey(app), ...lies }), 403)
			await refuses(await call(url, '/weather/today', lies), 401)
		}
		const caller = await passes(gateway, await call(url, '/weather/today', { ...byKey(app), ...claims }), app)
		for (const name of ['code', 'status', 'fault', 'error', 'gateway']) assert.equal(caller[name], undefined, name)
		await refuses(await call(url, '/weather/today', claims), 401)
		await passes(gateway, await call(url, '/weather/today', { ...byKey(app), ...disguised }), app)
		const stripped = await passes(gateway, await call(url, '/weather/today', { ...byKey(app), Connection: 'close, X-Devapp-App-Id, X-Devapp-Scopes' }), app)
		assert.deepEqual([...stripped.scopes].sort(), ['read', 'write'])
		// two fields of a name could be read as either
		const twice = await call(url, '/weather/today', { 'X-API-Key': ['nonsense', app.secret] })
		assert.ok([400, 401].includes(twice.status), String(twice.status))
	})
	await check(`${name}: what is taken back is refused at the next call`, async () => {
		await sql('SELECT FROM devapp.revoke_credential($1)', app.credential_id)
		await refuses(await call(url, '/weather/today', byKey(app)), 401)
		await sql('SELECT FROM devapp.approve_credential($1)', app.credential_id)
		await passes(gateway, await call(url, '/weather/today', byKey(app)), app)
	})
	await check(`${name}: what is left of a quota, and 429 when nothing is`, async () => {
		for (const left of [1, 0]) {
			const answer = await call(url, '/metered', byKey(app))
			await passes(gateway, answer, app, 'metered')
			if (!gateway.hidesLimits) assert.match(answer.headers.ratelimit, new RegExp(`^"quota";r=${left};t=\\d+$`))
		}
		const answer = await call(url, '/metered', byKey(app))
		await refuses(answer, 429)
		assert.ok(Number(answer.headers['retry-after']) > 0, answer.headers['retry-after'])
		for (const lie of ['192.0.2.7; cost=0', 'fe80::1%; cost=0']) await refuses(await call(url, '/metered', { ...byKey(app), 'X-Forwarded-For': lie }), 429)
		await passes(gateway, await call(url, '/metered', basic(client.consumer_key, client.secret)), client, 'metered')
	})
	if (isProxy) {
		await check(`${name}: the call itself arrives as it was sent`, async () => {
			await sql(`SELECT FROM devapp.add_operation('weather', $1, '{POST}')`, `/posted/${name}`)
			const { json } = await call(url, `/posted/${name}?a=%20b&c`, { ...byKey(app), 'Content-Type': 'text/plain' }, { method: 'POST', body: 'some text' })
			assert.deepEqual([json.method, json.url, json.body], ['POST', `/posted/${name}?a=%20b&c`, 'some text'])
			const { headers } = await call(url, '/weather/today', byKey(app))
			for (const field of Object.keys(headers)) if (field !== 'x-devapp-of-the-api') assert.ok(!field.startsWith('x-devapp-'), field)
		})
	}
	await check(`${name}: fields that it does not ask for are not the client's either`, async () => {
		const { url: asksForFew } = await gateway.start(config.gateway, few)
		for (const lies of [{}, claims, disguised, { ...claims, Connection: 'close, X-Devapp-App-Id, X-Devapp-Owner' }]) {
			const answer = await call(asksForFew, '/weather/today', { ...byKey(app), ...lies })
			assert.equal(answer.status, 200, answer.text)
			const { appid, scopes, ...others } = callerOf(gateway, answer)
			assert.deepEqual([appid, [...scopes].sort()], [app.app_id, ['read', 'write']])
			for (const [field, value] of Object.entries(others)) assert.equal(value, '', field)
		}
		const answer = await call(asksForFew, '/weather/today', { 'X-API-Key': 'nonsense' })
		await refuses(answer, 401)
		assert.match(answer.headers['www-authenticate'], /^Bearer/)
		await refuses(await call(asksForFew, '/secret', byKey(app)), 403)
		await refuses(await call(asksForFew, '/metered', byKey(app)), 429)
	})
	await check(`${name}: if its own key is refused, nothing passes`, async () => {
		const stranger = await gateway.start(config.reader)
		const answer = await call(stranger.url, '/weather/today', byKey(app))
		await refuses(answer, answer.status)
		assert.ok((gateway.unasked ?? [503]).includes(answer.status), String(answer.status))
	})
	tried.push({ url, client })
}

for (const [name, gateway] of Object.entries(gateways)) {
	if (!gateway.installed()) {
		skip(name, 'it is not installed')
		continue
	}
	await tryGateway(name, gateway)
}

// ---------- curl ----------

async function curl(...args) {
	const child = run('curl', ['-s', '-w', '\n%{http_code}', ...args])
	await child.ended
	const end = child.log.lastIndexOf('\n')
	return { status: Number(child.log.slice(end + 1)), text: child.log.slice(0, end) }
}
const statusOf = async (...args) => (await curl(...args)).status

if (!isInstalled('curl', '--version')) skip('curl', 'it is not installed')
else {
	await check('curl gets a token, and calls an API and devapp itself', async () => {
		const [{ url, client: { consumer_key, secret } }] = tried
		const client = `${consumer_key}:${secret}`
		const manager = ['-H', `Authorization: Bearer ${config.management}`]
		const developers = `${config.url}/v1/o/acme/developers`
		const { access_token: token } = JSON.parse((await curl('-u', client, '-d', 'grant_type=client_credentials', '-d', 'scope=read', `${config.url}/oauth/token`)).text)
		assert.equal(await statusOf('--oauth2-bearer', token, `${url}/weather/today`), 200)
		assert.equal(await statusOf('-u', client, `${url}/weather/today`), 200)
		assert.equal(await statusOf('-I', '--oauth2-bearer', token, '-H', `X-Devapp-Gateway: ${config.gateway}`, '-H', 'X-Forwarded-Method: GET', '-H', 'X-Forwarded-Uri: /weather/today', authUrl), 200)
		assert.equal(await statusOf('--compressed', ...manager, `${developers}/${owner}`), 200)
		assert.equal(await statusOf(...manager, '-H', 'Content-Type: application/json', '-d', '{"email": "curl@example.com"}', developers), 201)
		assert.equal(await statusOf('-X', 'DELETE', ...manager, `${developers}/curl@example.com`), 200)
		assert.equal(await statusOf(developers), 401)
	})
}
api.close()
await stopPrograms()
done()
process.exit()
