// Programs that a test starts: each listens on a port that was free, and ends with the test,
// whatever ends that.

import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from './check.js'

export const HOST = '127.0.0.1'
export const examples = join(import.meta.dirname, '../../examples')
const running = new Set()

// A port below those that the kernel gives to connections.  A folder reserves it, so that no other
// program of this test takes it before its server listens.
export async function freePort() {
	for (;;) {
		const port = 10000 + Math.floor(Math.random() * 22000)
		try { mkdirSync(join(tmpdir(), `port-${port}`)) } catch ({ code }) { assert.equal(code, 'EEXIST'); continue }
		const server = net.createServer()
		const isFree = await new Promise((resolve) => server.on('error', () => resolve(false)).listen(port, HOST, () => resolve(true)))
		if (isFree) return new Promise((resolve) => server.close(() => resolve(port)))
	}
}

// listening(SERVER): the port of a server of this process
export const listening = (server) => new Promise((resolve) => server.listen(0, HOST, () => resolve(server.address().port)))

// run(COMMAND, ARGS, OPTIONS): a child process; its log has what it writes, and its promise
// ended the status with which it ends
export function run(command, args, options) {
	const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
	child.log = ''
	for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { child.log += data })
	child.ended = new Promise((resolve) => child.on('error', resolve).on('close', resolve)).finally(() => running.delete(child))
	running.add(child)
	return child
}

const accepts = (port) => new Promise((resolve) => {
	const socket = net.connect(port, HOST, () => { socket.destroy(); resolve(true) }).on('error', () => resolve(false))
})

// start(MAKE): {child, port, url} of a server, once it listens.  make(port) returns its child, and
// is called again with another port if that ends at once.
export async function start(make) {
	let child
	for (let tries = 0; tries < 3; tries++) {
		const port = await freePort()
		child = await make(port)
		let hasEnded = false
		child.ended.then(() => { hasEnded = true })
		for (const deadline = Date.now() + 30000; !hasEnded && Date.now() < deadline; await sleep(30)) {
			if (await accepts(port) && !hasEnded) return { child, port, url: `http://${HOST}:${port}` }
		}
		child.kill('SIGKILL')
	}
	assert.fail(`${child.spawnfile} does not listen: ${child.log}`)
}

// changed(FILE, {FROM: TO}): the text of an example for this test
export function changed(file, changes) {
	let text = readFileSync(join(examples, file), 'utf8')
	for (const [old, value] of Object.entries(changes)) {
		assert.ok(text.includes(old), `${file} has ${old}`)
		text = text.replaceAll(old, value)
	}
	return text
}

// startNginx(FOLDER, SITE): its server; site(port, name) makes the file for conf.d, and may write
// others that begin with this name
export const startNginx = (folder, site) => start((port) => {
	const name = join(folder, String(port))
	writeFileSync(`${name}.site`, site(port, name))
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${folder}/${what};`).join(' ')
	writeFileSync(`${name}.conf`, `daemon off; pid ${name}.pid; error_log stderr; events {} http { access_log off; ${temporary} include ${name}.site; }`)
	return run('nginx', ['-p', folder, '-c', `${name}.conf`, '-e', 'stderr'])
})

const stop = () => { for (const child of running) child.kill('SIGTERM') }
process.on('exit', stop)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => process.exit(1))

// stopPrograms(): returns when all have ended
export async function stopPrograms() {
	stop()
	const all = Promise.all([...running].map((child) => child.ended))
	if (await Promise.race([all, sleep(5000, 'late', { ref: false })]) === 'late') for (const child of running) child.kill('SIGKILL')
	await all
}
