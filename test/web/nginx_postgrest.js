// nginx and PostgREST, as examples/nginx-postgrest sets them up: nginx tells PostgREST what the
// request was, whatever the client says, and a real client works through both.
//
// Where no postgrest is on PATH, stand_in.js takes its place.

import { mkdtempSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, check, config, done, isInstalled, skip } from './check.js'
import { changed, HOST, listening, run, start, startNginx, stopPrograms } from './programs.js'
import { standIn } from './stand_in.js'

const here = import.meta.dirname
const folder = mkdtempSync(join(tmpdir(), 'nginx-'))

if (!isInstalled('nginx', '-v')) {
	skip('nginx', 'it is not installed')
	done()
	process.exit()
}

// front(UPSTREAM): nginx before PostgREST on that port
const front = (upstream) => startNginx(folder, (port, name) => {
	writeFileSync(`${name}.token`, `proxy_set_header X-Devapp-Proxy "${config.proxy_token}";\n`, { mode: 0o600 })
	return changed('nginx-postgrest/nginx.conf', { 'listen 443 ssl': `listen ${HOST}:${port}`, 'ssl_certificate /etc/nginx/devapp.crt;': '',
		'ssl_certificate_key /etc/nginx/devapp.key;': '', '127.0.0.1:3000': `${HOST}:${upstream}`, '/etc/nginx/devapp-proxy.conf': `${name}.token` })
})

// ---------- what PostgREST gets to see ----------

let seen = []
const recorder = standIn('nobody', 'nobody', (req) => seen.push({ method: req.method, url: req.url, headers: req.headersDistinct }))
const { port: recorded } = await front(await listening(recorder))

// raw(TEXT): the status lines of what nginx answers to these bytes, and what PostgREST saw
function raw(text) {
	seen = []
	return new Promise((resolve, reject) => {
		let answer = ''
		const socket = net.connect(recorded, HOST, () => socket.write(text))
		socket.setTimeout(2000, () => socket.destroy())
		socket.on('data', (data) => { answer += data })
		socket.on('error', reject)
		socket.on('close', () => resolve({ statuses: [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status)), seen }))
	})
}
const request = (line, ...headers) => [`${line} HTTP/1.1`, 'Host: devapp.example.com', 'Connection: close', ...headers, '', ''].join('\r\n')

// told(REQUEST, {NAME: VALUE}): that PostgREST saw this one request, and was told just that
function told(one, wanted) {
	assert.equal(one.method, 'POST')
	assert.equal(one.url, '/rpc/http')
	for (const [name, value] of Object.entries({ accept: '*/*', 'content-type': 'application/octet-stream', 'x-devapp-proxy': config.proxy_token,
		'x-client-ip': HOST, ...wanted })) {
		assert.deepEqual(one.headers[name], value === undefined ? undefined : [value], name)
	}
	for (const name of ['authorization', 'origin', 'prefer', 'range', 'accept-profile', 'content-profile', 'forwarded', 'x-forwarded-for']) {
		assert.equal(one.headers[name], undefined, name)
	}
}

await check('nginx turns each request into a POST to the one function', async () => {
	for (const [line, method, uri] of [['GET /v1/o/x/apps?expand=true&apikey=k', 'GET', '/v1/o/x/apps?expand=true&apikey=k'], ['DELETE /a%2Fb/c', 'DELETE', '/a%2Fb/c'],
		['PUT /rpc/other', 'PUT', '/rpc/other'], ['OPTIONS /oauth/token', 'OPTIONS', '/oauth/token'], ['PROPFIND /x', 'PROPFIND', '/x'], ['GET /?a=?b', 'GET', '/?a=?b'],
		['GET //rpc//http', 'GET', '//rpc//http'], ['GET /a/../b', 'GET', '/a/../b'], ['GET http://devapp.example.com/abs?q', 'GET', '/abs?q'], ['HEAD /h', 'HEAD', '/h']]) {
		const { statuses, seen: all } = await raw(request(line))
		assert.deepEqual(statuses, [200], line)
		assert.equal(all.length, 1, line)
		told(all[0], { 'x-original-method': method, 'x-original-uri': uri, 'x-original-authorization': undefined, 'x-original-type': undefined })
	}
})
await check('the headers of the request arrive under their other names', async () => {
	const { seen: [one] } = await raw(request('POST /oauth/token', 'Authorization: Bearer dvk_live_x', 'Content-Type: application/x-www-form-urlencoded',
		'Accept: application/json', 'Origin: https://portal.example.com', 'Content-Length: 3') + 'a=b')
	told(one, { 'x-original-authorization': 'Bearer dvk_live_x', 'x-original-type': 'application/x-www-form-urlencoded', 'x-original-accept': 'application/json',
		'x-original-origin': 'https://portal.example.com', 'content-length': '3', 'x-forwarded-proto': 'http' })
})
await check('what a client says under the names of the proxy is replaced, however it writes them', async () => {
	const lies = ['X-Original-Method: DELETE', 'x-original-method: PUT', 'X-ORIGINAL-URI: /admin', 'X-Original-URI: /admin2', 'X-Original-Authorization: Bearer stolen',
		'X-Original-Type: text/x', 'X-Original-Accept: text/y', 'X-Original-Origin: https://evil.example.com', 'X-Devapp-Proxy: guess', 'X-Devapp-Proxy: guess2', 'X-Client-IP: 10.0.0.1',
		'X-Forwarded-For: 10.0.0.2', 'Forwarded: for=10.0.0.3', 'X-Forwarded-Proto: gopher', 'Prefer: tx=rollback', 'Accept-Profile: devapp', 'Content-Profile: devapp', 'Range: 0-1']
	const { statuses, seen: [one] } = await raw(request('GET /true', ...lies))
	assert.deepEqual(statuses, [200])
	told(one, { 'x-original-method': 'GET', 'x-original-uri': '/true', 'x-original-authorization': undefined, 'x-original-type': undefined,
		'x-original-accept': undefined, 'x-original-origin': undefined, 'x-forwarded-proto': 'http' })
})
await check('nor does it count with underscores, spaces, folded lines or as a header of the connection', async () => {
	for (const lie of ['X_Original_URI: /admin', 'X-Original_URI: /admin', 'X-Original-URI : /admin', 'X: y\r\n X-Original-URI: /admin', 'X: y\r\n\tX-Devapp-Proxy: z']) {
		const { statuses, seen: all } = await raw(request('GET /true', lie))
		assert.ok(all.length <= 1 && [200, 400].includes(statuses[0]), lie)
		if (all.length) {
			told(all[0], { 'x-original-uri': '/true', 'x-original-method': 'GET' })
			assert.ok(!JSON.stringify(all[0]).includes('admin'), lie)
		}
	}
	const { seen: [one] } = await raw('GET /true HTTP/1.1\r\nHost: h\r\nConnection: close, X-Original-URI, X-Devapp-Proxy, X-Original-Method\r\n\r\n')
	told(one, { 'x-original-uri': '/true', 'x-original-method': 'GET' })
})
await check('a request within a request stays a body, or is refused', async () => {
	const inner = 'GET /admin HTTP/1.1\r\nHost: h\r\nX-Original-URI: /admin\r\n\r\n'
	const chunk = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`
	for (const [headers, body] of [[[`Content-Length: ${inner.length}`], inner], [['Transfer-Encoding: chunked'], chunk],
		[['Transfer-Encoding: chunked', 'Content-Length: 4'], chunk], [['Content-Length: 4', `Content-Length: ${inner.length}`], inner],
		[['Transfer-Encoding: xchunked', 'Content-Length: 4'], chunk], [['Transfer-Encoding:\vchunked', 'Content-Length: 4'], chunk]]) {
		const { statuses, seen: all } = await raw(`POST /true HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${headers.join('\r\n')}\r\n\r\n${body}`)
		assert.ok(all.length === 0 ? statuses.every((status) => [400, 501].includes(status)) : statuses.length === 1, String(headers))
		for (const one of all) told(one, { 'x-original-uri': '/true', 'x-original-method': 'POST' })
	}
})
await check('a body that is too large is refused before PostgREST', async () => {
	const { statuses, seen: all } = await raw(request('POST /x', `Content-Length: ${1024 * 1024 + 1}`))
	assert.deepEqual(statuses, [413])
	assert.equal(all.length, 0)
})
recorder.close()

// ---------- what a client gets to see ----------

const real = isInstalled('postgrest', '--version')
if (config.url) {
	let upstream
	if (real) {
		const started = await start((port) => {
			const file = join(folder, 'postgrest.conf')
			writeFileSync(file, changed('nginx-postgrest/postgrest.conf', { 'postgres://devapp_postgrest@/devapp':
				`postgres://devapp_postgrest@/${process.env.PGDATABASE}?host=${process.env.PGHOST}&port=${process.env.PGPORT}`, 'server-port = 3000': `server-port = ${port}` }))
			return run('postgrest', [file])
		})
		upstream = started.port
	} else {
		upstream = await listening(standIn('devapp_postgrest', 'devapp_web', () => false))
	}
	const { url } = await front(upstream)
	for (const client of ['apigee_edge_js', 'apigeetool']) {
		const child = run(process.execPath, [join(here, `${client}.js`)], { env: { ...process.env, DEVAPP_WEB: JSON.stringify({ ...config, url, suffix: '-nginx' }) } })
		await check(`${client} through nginx and ${real ? 'PostgREST' : 'a stand-in for PostgREST'}`, async () => {
			assert.equal(await child.ended, 0, child.log.split('\n').filter((line) => !line.startsWith('ok ')).join('\n'))
		})
	}
}
await stopPrograms()
done()
process.exit()
