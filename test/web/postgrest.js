// @supabase/postgrest-js and PostgREST with tables of one's own, as examples/postgrest sets them up:
// each request needs a key, and an app sees and changes its own rows only.

import { PostgrestClient } from '@supabase/postgrest-js'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, check, done, isInstalled, skip, sql } from './check.js'
import { changed, examples, run, start, stopPrograms } from './programs.js'

if (!isInstalled('postgrest', '--version')) {
	skip('postgrest-js', 'postgrest is not installed')
	done()
	process.exit()
}

// ---------- the shop of the example ----------

for (const [command, ...args] of [['createdb', 'shop'], ['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'shop', '-f', join(examples, 'postgrest/roles.sql')]]) {
	const child = run(command, args, { env: { ...process.env, PGUSER: 'postgres', PGOPTIONS: '-c client_min_messages=warning' } })
	assert.equal(await child.ended, 0, child.log)
}
process.env.PGDATABASE = 'shop'
await sql(`SELECT FROM devapp.create_developer('ada@example.com')`)
const newApp = (name, options = '') => sql(`SELECT to_jsonb(a) FROM devapp.create_app($1, 'ada@example.com', '{items}' ${options}) AS a`, name)
const [one, two, client] = [await newApp('one'), await newApp('two'), await newApp('client', `, kind => 'oauth_client'`)]

const folder = mkdtempSync(join(tmpdir(), 'postgrest-'))
const { url } = await start((port) => {
	const file = join(folder, `${port}.conf`)
	writeFileSync(file, changed('postgrest/postgrest.conf', { 'postgres://authenticator@/shop': `postgres://authenticator@/shop?host=${process.env.PGHOST}&port=${process.env.PGPORT}`,
		'server-port = 3000': `server-port = ${port}` }))
	return run('postgrest', [file])
})

// ---------- requests ----------

const as = (headers) => new PostgrestClient(url, { headers }).from('item')
const by = ({ secret }) => as({ 'X-API-Key': secret })
const basic = as({ Authorization: `Basic ${Buffer.from(`${client.consumer_key}:${client.secret}`).toString('base64')}` })

async function refused(request, status, code) {
	const answer = await request
	assert.deepEqual([answer.status, answer.error?.code, answer.data], [status, code, null])
}

await check('postgrest-js works on the rows of its app', async () => {
	const made = await by(one).insert([{ name: 'first' }, { name: 'second' }]).select()
	assert.equal(made.status, 201, JSON.stringify(made))
	assert.deepEqual(made.data.map(({ name, app_id: id }) => [name, id]), [['first', one.app_id], ['second', one.app_id]])
	assert.equal((await by(one).update({ name: 'changed' }).eq('name', 'second').select()).data.length, 1)
	assert.deepEqual((await by(one).select('name').order('name')).data, [{ name: 'changed' }, { name: 'first' }])
	assert.equal((await by(one).delete().eq('name', 'changed')).status, 204)
})
await check('postgrest-js sees and changes nothing of another app', async () => {
	assert.deepEqual((await by(two).select()).data, [])
	assert.deepEqual((await by(two).update({ name: 'mine' }).eq('name', 'first').select()).data, [])
	assert.deepEqual((await by(two).delete().eq('name', 'first').select()).data, [])
	const lie = await by(two).insert({ name: 'x', app_id: one.app_id })
	assert.equal(lie.error?.code, '42501')
	assert.deepEqual((await by(one).select('name')).data, [{ name: 'first' }])
})
await check('postgrest-js proves a client by its id and secret', async () => {
	assert.equal((await basic.insert({ name: 'of a client' })).status, 201)
	assert.deepEqual((await basic.select('name')).data, [{ name: 'of a client' }])
})
await check('postgrest-js is refused without a good key', async () => {
	await refused(as({}).select(), 401, 'MALFORMED')
	await refused(as({ 'X-API-Key': `${one.secret}x` }).select(), 401, 'MALFORMED')
	await refused(as({ 'X-API-Key': client.secret }).insert({ name: 'x' }), 401, 'NOT_FOUND')
	const answer = await fetch(`${url}/item`)
	assert.match(answer.headers.get('www-authenticate'), /^Bearer/)
})
await check('postgrest-js is refused what the products do not cover', async () => {
	await refused(new PostgrestClient(url, { headers: { 'X-API-Key': one.secret } }).rpc('request_app'), 403, 'RESOURCE_FORBIDDEN')
})
await check('postgrest-js is refused at the next request when its key is revoked', async () => {
	await sql('SELECT FROM devapp.revoke_credential($1)', one.credential_id)
	await refused(by(one).select(), 401, 'CREDENTIAL_REVOKED')
	await sql('SELECT FROM devapp.approve_credential($1)', one.credential_id)
	assert.equal((await by(one).select()).data.length, 1)
})
await stopPrograms()
done()
process.exit()
