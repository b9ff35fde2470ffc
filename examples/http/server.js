// devapp over HTTP: each request becomes one call of devapp_api.handle(), and what that
// returns becomes the response.  README.md says how to run it.
//
// Nothing is decided here, and nothing of a request is logged: its path, query, headers and
// body may all hold keys.

import { BlockList, isIP } from 'node:net'
import Fastify from 'fastify'
import pg from 'pg'

const env = process.env
const MEGABYTE = 1024 * 1024
const number = (name, fallback) => Number(env[name] || fallback)

// ---------- whose word about a client counts ----------

const proxies = new BlockList()
for (const network of (env.DEVAPP_TRUSTED_PROXIES ?? '127.0.0.0/8,::1').split(',').filter(Boolean)) {
	const [address, length] = network.trim().split('/')
	const family = isIP(address)
	if (!family) throw new Error('DEVAPP_TRUSTED_PROXIES is a list of addresses and networks, separated by commas')
	proxies.addSubnet(address, Number(length ?? (family === 6 ? 128 : 32)), `ipv${family}`)
}

// Whoever reaches a socket in the file system, which has no address, may also write its file.
const isTrusted = (address) => address === undefined || (isIP(address) > 0 && proxies.check(address, `ipv${isIP(address)}`))

const ABOUT_CLIENT = /^(x-forwarded-.*|forwarded|x-real-ip|x-client-ip)$/

// requestHeaders(request): as devapp_api.handle() takes them.  With a colon before its name it
// gets what no client can send: the client's address, and what URLs begin with.
function requestHeaders(request) {
	const headers = { ...request.raw.headers }
	const peer = request.socket.remoteAddress
	if (!isTrusted(peer)) {
		for (const name in headers) if (ABOUT_CLIENT.test(name)) delete headers[name]
	}
	// the only header of which Node makes a list; no request has it
	delete headers['set-cookie']
	delete headers['x-client-ip']
	const client = isIP(request.ip) ? request.ip : peer
	if (client) headers['x-client-ip'] = headers[':client'] = client
	const base = `${headers['x-forwarded-proto']}://${headers['x-forwarded-host']}`
	if (/^https?:\/\/[\w.:[\]-]+$/.test(base)) headers[':base'] = base
	return headers
}

// ---------- the database ----------

// PGHOST, PGDATABASE, PGUSER and the like say where.
const pool = new pg.Pool({
	application_name: 'devapp-http',
	max: number('DEVAPP_POOL', 10),
	connectionTimeoutMillis: 5000,
	statement_timeout: 10000,
	query_timeout: 15000,
})

// handle(values): [status, headers, body].  A statement with a name is parsed once a connection.
async function handle(values) {
	const { rows } = await pool.query({
		name: 'handle',
		text: 'SELECT status, headers, body FROM devapp_api.handle($1, $2, $3, $4, $5)',
		values,
		rowMode: 'array',
	})
	return rows[0]
}

// Connection failures, which are not errors of the database, and what the server refuses for
// want of resources will pass.
const willPass = (error) => !(error instanceof pg.DatabaseError) || /^(08|25006|40|53|55P03|57)/.test(error.code)

// ---------- the server ----------

const app = Fastify({
	bodyLimit: MEGABYTE,
	requestTimeout: 30000,
	keepAliveTimeout: 75000,
	forceCloseConnections: 'idle',
	logController: new Fastify.LogController({ disableRequestLogging: true }),
	trustProxy: isTrusted,
	// All paths are the database's business, as they came.
	rewriteUrl: () => '/',
	// Two headers of one name are shown to it as two, also where Node would keep the first.
	http: { joinDuplicateHeaders: true },
	logger: { level: 'warn', serializers: { err: ({ code }) => ({ code }), req: () => undefined, res: () => undefined } },
})

// Fastify would refuse types that it cannot read before we see them, so it gets none.
app.decorateRequest('given', null)
app.addHook('onRequest', async (request) => {
	request.given = requestHeaders(request)
	delete request.raw.headers['content-type']
})
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body))

// No route is declared, so that methods that Fastify does not know come here as well.
app.setNotFoundHandler(async (request, reply) => {
	// the target of a request to a proxy names the server as well
	const url = request.originalUrl.replace(/^https?:\/\/[^/?]*/i, '')
	const mark = url.indexOf('?')
	const [status, headers, body] = await handle([
		request.method,
		mark < 0 ? url : url.slice(0, mark),
		mark < 0 ? '' : url.slice(mark + 1),
		JSON.stringify(request.given),
		request.body ?? null,
	])
	return reply.code(status).headers(headers ?? {}).send(body ?? undefined)
})

function problem(error) {
	if (error.statusCode >= 400 && error.statusCode < 500) return [error.statusCode, 'the request cannot be read']
	return willPass(error) ? [503, 'the database cannot be reached'] : [500, 'the request failed']
}

app.setErrorHandler((error, request, reply) => {
	const [status, message] = problem(error)
	if (status >= 500) request.log.error({ err: error }, message)
	if (status === 503) reply.header('Retry-After', '1')
	return reply.code(status).header('Cache-Control', 'no-store').send({ error: { code: error.code ?? 'XX000', message } })
})

// A connection that breaks while nobody uses it is replaced.
pool.on('error', (error) => app.log.warn({ err: error }, 'a connection to the database has ended'))

// Requests that have begun are answered, new ones are not accepted.
app.addHook('onClose', () => pool.end())
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => app.close().then(() => process.exit(0)))

await app.listen(env.DEVAPP_HTTP_SOCKET
	? { path: env.DEVAPP_HTTP_SOCKET }
	: { host: env.DEVAPP_HTTP_HOST || '127.0.0.1', port: number('DEVAPP_HTTP_PORT', 8080) })
