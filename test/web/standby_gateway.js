// Calls of examples/standby_gateway, for t/057_standby_gateway.pl, which has made a folder with its
// verifier.js and the packages:
//
//	node standby_gateway.js FOLDER
//
// FOLDER/task.json is {"servers": [...], "seconds": 5, "clients": 4, "calls": [{..., "code": "VALID"}]}
// or {"servers": [...], "queries": ["SELECT ..."]}.  Prints one line of JSON: how many calls, retries, wrong verdicts and errors there were; or the
// outcome of each query.

import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const { Verifier } = await import(pathToFileURL(`${process.argv[2]}/verifier.js`))
const { servers, seconds, clients, calls, queries } = JSON.parse(readFileSync(`${process.argv[2]}/task.json`, 'utf8'))
const verifier = new Verifier(servers)
const result = { calls: 0, retried: 0, wrong: {}, failed: {} }
const count = (where, what) => (where[what] = (where[what] ?? 0) + 1)

async function call({ code, ...question }) {
	result.calls++
	try {
		const verdict = await verifier.verify(question)
		if (verdict.code !== code) count(result.wrong, `${code}: ${verdict.code}`)
	} catch (error) {
		count(result.failed, `${error.code ?? ''} ${error.message}`)
	}
}

async function client(until) {
	for (let n = 0; Date.now() < until; n++) await call(calls[n % calls.length])
}

async function outcome(query) {
	const before = verifier.retried
	const text = await verifier.query(query, []).then((row) => String(Object.values(row)[0]), (error) => `error ${error.code}`)
	return `${text}, ${verifier.retried - before} retried`
}

if (queries) {
	result.outcomes = []
	for (const query of queries) result.outcomes.push(await outcome(query))
} else {
	const until = Date.now() + seconds * 1000
	await Promise.all(Array.from({ length: clients }, () => client(until)))
}
result.retried = verifier.retried
await verifier.end()
console.log(JSON.stringify(result))
