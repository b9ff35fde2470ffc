// What the tests of this folder share: check() prints a line of TAP each, and config says
// where the server is and what setup.sql has made.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'

export { assert }

const { Pool } = createRequire(new URL('../../examples/http/server.js', import.meta.url))('pg')

// {url, management, gateway, ...}: see test/t/053_web.pl
export const config = JSON.parse(process.env.DEVAPP_WEB ?? '{}')

let count = 0

// check(NAME, BODY): whether BODY returns, or its promise is kept
export async function check(name, body) {
	count++
	try {
		const value = await body()
		console.log(`ok ${count} - ${name}`)
		return value
	} catch (error) {
		console.log(`not ok ${count} - ${name}`)
		console.log(String(error?.stack ?? error).replace(/^/gm, '# '))
		if (error?.result !== undefined) console.log(inspect(error.result, { depth: 2 }).replace(/^/gm, '# '))
		process.exitCode = 1
	}
}

export function skip(name, reason) {
	count++
	console.log(`ok ${count} - ${name} # SKIP ${reason}`)
}

// isInstalled(COMMAND, ARGUMENT...)
export const isInstalled = (command, ...args) => spawnSync(command, args).status === 0

export function done() {
	console.log(`1..${count}`)
}

// ask(PATH, OPTIONS): {status, headers, text, json} of a request to the server, or to the
// one of the option url
export async function ask(path, { url = config.url, ...options } = {}) {
	const response = await fetch(url + path, { redirect: 'manual', ...options })
	const text = await response.text()
	let json
	try { json = JSON.parse(text) } catch { /* not every body is JSON */ }
	return { status: response.status, headers: response.headers, text, json }
}

let pool

// sql(TEXT, VALUE...): the first value of the first row, for an administrator
export async function sql(text, ...values) {
	pool ??= new Pool({ user: 'postgres', max: 1, allowExitOnIdle: true })
	const { rows } = await pool.query({ text, values, rowMode: 'array' })
	return rows[0]?.[0]
}

// verdict(SECRET, {id, path, method}): the code of devapp's verdict on a call with a key, or
// with a client's id and secret
export const verdict = (secret, { id, path = '/weather/today', method = 'GET' } = {}) => (id === undefined
	? sql('SELECT code FROM devapp.verify_key($1, $2, $3)', secret, path, method)
	: sql('SELECT code FROM devapp.verify_client($4, $1, $2, $3)', secret, path, method, id))

// rejection(PROMISE): the error with which it has to be rejected
export async function rejection(promise) {
	let value
	try { value = await promise } catch (error) { return error }
	assert.fail(`no error, but ${JSON.stringify(value)}`)
}
