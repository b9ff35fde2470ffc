// examples/http, on a database whose devapp_api.handle() says what it was given (echo.sql):
// what arrives there is what was sent, what comes back is what it answered, and nothing of it
// is in the log.

import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert, check, done } from './check.js'
import { HOST, run, start, stopPrograms } from './programs.js'

const SECRET = 'dvk_live_0123456789ab_never_in_a_log'

const startAdapter = (settings = {}) => start((port) => run(process.execPath, [join(import.meta.dirname, '../../examples/http/server.js')],
	{ env: { ...process.env, DEVAPP_HTTP_PORT: String(port), ...settings } }))

// send(SERVER, METHOD, TARGET, HEADERS, BODY): sends all of them unchanged
function send(server, method, path, headers = {}, body = undefined, agent = false) {
	return new Promise((resolve, reject) => {
		if (body !== undefined && !headers['Transfer-Encoding']) headers = { ...headers, 'Content-Length': Buffer.byteLength(body) }
		const req = http.request({ host: HOST, port: server.port, method, path, headers, agent }, (res) => {
			const chunks = []
			res.on('data', (chunk) => chunks.push(chunk))
			res.on('end', () => {
				const bytes = Buffer.concat(chunks)
				let json
				try { json = JSON.parse(bytes) } catch { /* not every body is JSON */ }
				resolve({ status: res.statusCode, headers: res.headersDistinct, bytes, json })
			})
		})
		req.on('error', reject)
		req.end(body)
	})
}

const server = await startAdapter()
const stranger = await startAdapter({ DEVAPP_TRUSTED_PROXIES: '10.0.0.0/8,2001:db8::1', DEVAPP_POOL: '1' })

await check('method, path and query arrive as they were sent', async () => {
	for (const [method, target, path, query] of [['GET', '/v1/o/x/apps/a%2Fb%00?x=1&x=%zz?', '/v1/o/x/apps/a%2Fb%00', 'x=1&x=%zz?'], ['PROPFIND', '//a/./../b', '//a/./../b', ''],
		['DELETE', '/%zz', '/%zz', ''], ['OPTIONS', '*', '*', ''], ['PATCH', '/?', '/', ''], ['GET', 'http://other.example.com/p?q', '/p', 'q']]) {
		const { status, json } = await send(server, method, target)
		assert.equal(status, 200)
		assert.deepEqual([json.method, json.path, json.query, json.body], [method, path, query, null], `${method} ${target}`)
	}
})
await check('the body arrives as it was sent, whatever its type', async () => {
	const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
	for (const [method, type] of [['POST', 'application/json'], ['PUT', 'no type at all'], ['DELETE', 'application/octet-stream'], ['PATCH', undefined], ['POST', 'a/b; charset=']]) {
		const { json } = await send(server, method, '/', type === undefined ? {} : { 'Content-Type': type }, bytes)
		assert.equal(json.body, bytes.toString('hex'))
		assert.equal(json.headers['content-type'], type)
	}
	assert.equal((await send(server, 'POST', '/', { 'Content-Length': '0' })).json.body, null)
	assert.equal((await send(server, 'POST', '/', { 'Transfer-Encoding': 'chunked' }, 'abc')).json.body, '616263')
})
await check('names of headers are in lower case, and two of one name are two', async () => {
	const { json: { headers } } = await send(server, 'GET', '/', { 'X-DevApp-Gateway': 'a', Authorization: ['Bearer a', 'Bearer b'], 'Set-Cookie': 'x', 'X-Umlaut': '\xfc' })
	assert.equal(headers['x-devapp-gateway'], 'a')
	assert.equal(headers.authorization, 'Bearer a, Bearer b')
	assert.equal(headers['x-umlaut'], '\xfc')
	assert.equal(headers['set-cookie'], undefined)
})
await check('status, headers and body come back', async () => {
	const bytes = await send(server, 'GET', '/bytes')
	assert.equal(bytes.bytes.toString('hex'), '00ff0d0a80')
	assert.deepEqual(bytes.headers['content-type'], ['application/x-bytes'])
	const two = await send(server, 'GET', '/two')
	assert.equal(two.status, 401)
	assert.deepEqual(two.headers['www-authenticate'], ['Bearer', 'Basic realm="devapp"'])
	const empty = await send(server, 'GET', '/empty')
	assert.equal(empty.status, 204)
	assert.equal(empty.headers['content-length'], undefined)
	const head = await send(server, 'HEAD', '/')
	assert.equal(head.status, 200)
	assert.equal(head.bytes.length, 0)
})
await check('where the client is, a trusted proxy says, and nobody else', async () => {
	const lies = { 'X-Forwarded-For': '198.51.100.7, 203.0.113.5', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'h', Forwarded: 'for=198.51.100.7', 'X-Real-IP': '198.51.100.7', 'X-Client-IP': '198.51.100.7' }
	const trusted = (await send(server, 'GET', '/', lies)).json.headers
	assert.equal(trusted['x-client-ip'], '203.0.113.5')
	assert.equal(trusted[':client'], '203.0.113.5')
	assert.equal(trusted[':base'], 'https://h')
	assert.equal(trusted['x-forwarded-proto'], 'https')
	const untrusted = (await send(stranger, 'GET', '/', lies)).json.headers
	assert.equal(untrusted['x-client-ip'], HOST)
	assert.equal(untrusted[':client'], HOST)
	assert.equal(untrusted[':base'], undefined)
	for (const host of ['evil.example.com/x', 'user@h', 'h, i', '']) {
		assert.equal((await send(server, 'GET', '/', { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': host })).json.headers[':base'], undefined, host)
	}
	for (const name of Object.keys(lies)) if (name !== 'X-Client-IP') assert.equal(untrusted[name.toLowerCase()], undefined, name)
	assert.equal((await send(server, 'GET', '/', { 'X-Forwarded-For': 'nonsense' })).json.headers['x-client-ip'], HOST)
})
await check('a body of a megabyte passes, a larger one is 413', async () => {
	assert.equal((await send(server, 'PUT', '/', {}, Buffer.alloc(1024 * 1024))).status, 200)
	assert.equal((await send(server, 'PUT', '/', {}, Buffer.alloc(1024 * 1024 + 1))).status, 413)
	const chunked = await send(server, 'PUT', '/', { 'Transfer-Encoding': 'chunked' }, Buffer.alloc(1024 * 1024 + 1)).catch(({ code }) => ({ status: code }))
	assert.ok([413, 'EPIPE', 'ECONNRESET'].includes(chunked.status), chunked.status)
})
await check('an error of the database tells nobody what it says', async () => {
	for (const [state, status] of [['22023', 500], ['42501', 500], ['53300', 503], ['57014', 503], ['40001', 503]]) {
		const answer = await send(server, 'GET', `/error?${state}`, { Authorization: `Bearer ${SECRET}` })
		assert.equal(answer.status, status, state)
		assert.equal(answer.json.error.code, state)
		assert.equal(Boolean(answer.headers['retry-after']), status === 503)
		assert.deepEqual(answer.headers['cache-control'], ['no-store'])
		assert.ok(!answer.bytes.includes('dvk_'))
	}
})
await check('the statement is prepared once a connection', async () => {
	for (let i = 0; i < 3; i++) await send(stranger, 'GET', '/')
	assert.deepEqual((await send(stranger, 'GET', '/prepared')).json, ['handle'])
})
await check('connections that the server has ended are replaced', async () => {
	await Promise.all(Array.from({ length: 4 }, () => send(server, 'GET', '/sleep?0.1')))
	await send(server, 'GET', '/end')
	await sleep(200)
	for (let i = 0; i < 6; i++) assert.equal((await send(server, 'GET', '/')).status, 200)
})
await check('connections of clients are kept', async () => {
	const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
	for (let i = 0; i < 3; i++) await send(server, 'GET', '/', {}, undefined, agent)
	assert.equal(Object.values(agent.freeSockets).flat().length, 1)
	agent.destroy()
})
await check('what is no HTTP is 400', async () => {
	const answer = await new Promise((resolve) => {
		let text = ''
		const socket = net.connect(server.port, HOST, () => socket.write(`GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${SECRET}\r\nBad Name: ${SECRET}\r\n\r\n`))
		socket.on('data', (data) => { text += data })
		socket.on('close', () => resolve(text))
	})
	assert.match(answer, /^HTTP\/1\.1 400 /)
	assert.ok(!answer.includes(SECRET))
})
await check('at its end it answers what has begun, and takes no more', async () => {
	const running = send(server, 'GET', '/sleep?0.7')
	await sleep(200)
	server.child.kill('SIGTERM')
	await sleep(100)
	await assert.rejects(send(server, 'GET', '/'))
	assert.equal((await running).status, 200)
	assert.equal(await server.child.ended, 0)
})
await check('its log tells of errors, but not of what was asked', async () => {
	assert.match(server.child.log, /"code":"53300"/)
	for (const word of ['dvk_', SECRET, '/error', 'authorization', 'Authorization', 'Bearer']) assert.ok(!server.child.log.includes(word), word)
})
await stopPrograms()
done()
process.exit()
