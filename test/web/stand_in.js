// A stand-in for PostgREST: the part of it that nginx.conf and devapp_api.http() use.  It
// listens on a port and calls the function as PostgREST 12 does: the body is the argument,
// request.headers the headers, and response.status and response.headers what it answers.

import http from 'node:http'
import { createRequire } from 'node:module'

const { Pool } = createRequire(new URL('../../examples/http/server.js', import.meta.url))('pg')

// standIn(USER, ROLE, SEE): a server; see(request) sees each request first, and answers it
// where it returns something
export function standIn(user, role, see) {
	const pool = new Pool({ user, max: 4 })

	async function callHttp(req, body) {
		const client = await pool.connect()
		try {
			await client.query('BEGIN')
			await client.query(`SELECT set_config('role', $1, true), set_config('request.headers', $2, true), set_config('request.method', $3, true),
				set_config('request.path', $4, true)`, [role, JSON.stringify(req.headers), req.method, req.url])
			const { rows: [row] } = await client.query(`WITH answer AS MATERIALIZED (SELECT devapp_api.http($1::bytea)::bytea AS body)
				SELECT body, nullif(current_setting('response.status', true), '') AS status, nullif(current_setting('response.headers', true), '') AS headers FROM answer`, [body])
			await client.query('COMMIT')
			return row
		} catch (error) {
			await client.query('ROLLBACK')
			return { status: 500, headers: null, body: Buffer.from(String(error.message)) }
		} finally {
			client.release()
		}
	}

	return http.createServer(async (req, res) => {
		const chunks = []
		for await (const chunk of req) chunks.push(chunk)
		if (see(req)) return res.end('seen')
		if (req.method !== 'POST' || req.url !== '/rpc/http') return res.writeHead(404).end()
		const { status, headers, body } = await callHttp(req, Buffer.concat(chunks))
		const given = JSON.parse(headers ?? '[]').map((one) => Object.entries(one)[0])
		res.writeHead(Number(status ?? 200), [['Content-Range', '0-0/*'], ['Content-Type', 'application/octet-stream']]
			.filter(([name]) => !given.some(([other]) => other.toLowerCase() === name.toLowerCase())).concat(given).flat())
		res.end(body)
	}).on('close', () => pool.end())
}
