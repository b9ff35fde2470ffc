// A gateway's questions through the server of examples/http, beside the same server on a function
// that does nothing:
//
//	node adapter.js SECONDS SERVER FOLDER NOTHING PROGRAM <QUESTIONS
//
// SERVER is a copy of server.js with its packages, FOLDER a place for sockets, NOTHING and PROGRAM
// are databases, QUESTIONS is a JSON array of objects of header fields, which PROGRAM is asked; NOTHING
// is asked the first.  One client asks one of the two servers, at random, at a time, so whatever
// else the machine does meets both, and neither is busier than the other.  Prints the mean
// microseconds of nothing and of each question, without the slowest tenth.

import { spawn } from 'node:child_process'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const [seconds, server, folder, ...databases] = process.argv.slice(2)
let input = ''
for await (const part of process.stdin) input += part
const questions = JSON.parse(input)

const servers = databases.map((PGDATABASE) => {
	const socketPath = `${folder}/${PGDATABASE}.sock`
	const child = spawn(process.execPath, [server], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, PGDATABASE, DEVAPP_POOL: '1', DEVAPP_HTTP_SOCKET: socketPath } })
	process.on('exit', () => child.kill())
	return { socketPath, agent: new http.Agent({ keepAlive: true, maxSockets: 1 }) }
})

const ask = ({ server: { socketPath, agent }, headers }) => new Promise((resolve, reject) => {
	http.get({ socketPath, agent, path: '/auth', headers }, (answer) => {
		if (answer.statusCode !== 200) reject(new Error(`the answer is ${answer.statusCode} ${answer.headers['x-devapp-error'] ?? answer.headers['x-devapp-code'] ?? ''}`))
		answer.resume().on('end', resolve)
	}).on('error', reject)
})

async function ready(one) {
	for (let tries = 0; ; tries++) {
		try { return await ask(one) } catch (error) {
			if (tries === 200 || !['ENOENT', 'ECONNREFUSED'].includes(error.code)) throw error
			await sleep(50)
		}
	}
}

const [nothing, program] = servers
const asked = [{ server: nothing, headers: questions[0] }, ...questions.map((headers) => ({ server: program, headers }))]
for (const one of asked) await ready(one)
for (let warm = 0; warm < 1000 * asked.length; warm++) await ask(asked[warm % asked.length])
const times = asked.map(() => [])
for (const end = performance.now() + Number(seconds) * 1000; performance.now() < end;) {
	const i = Math.random() < 0.5 ? 0 : 1 + Math.floor(Math.random() * questions.length)
	const start = performance.now()
	await ask(asked[i])
	times[i].push(performance.now() - start)
}
const mean = (all) => {
	const kept = all.sort((a, b) => a - b).slice(0, Math.ceil(all.length * 0.9))
	return kept.reduce((sum, time) => sum + time, 0) / kept.length * 1000
}
console.log(times.map((all) => mean(all).toFixed(1)).join(' '))
process.exit()
