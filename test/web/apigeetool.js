// apigeetool, Apigee's command line as a library: what it does with developers, products, apps and
// keys, and how it reports refusals.
//
// The option suffix of the configuration keeps the names of two runs apart.

import apigeetool from 'apigeetool'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { assert, check, config, done, rejection, verdict } from './check.js'

const suffix = config.suffix ?? ''
const email = `tool${suffix}@example.com`
const product = `tool-product${suffix}`
const sdk = apigeetool.getPromiseSDK()
const name = 'Tool-App'

// tool(FUNCTION, OPTIONS): what it calls back with, for the management key unless the options
// say otherwise
const tool = (what, options = {}) => sdk[what]({ baseuri: config.url, organization: 'acme', token: config.management, ...options })

async function refused(promise, message) {
	assert.equal((await rejection(promise)).message, message)
}

await check('creates a developer and a product', async () => {
	await tool('createDeveloper', { email, firstName: 'Tess', lastName: 'Tool', userName: `tess${suffix}`, attributes: [{ name: 'level', value: '2' }] })
	const made = await tool('createProduct', { productName: product, displayName: 'Of the tool', productDesc: 'made by apigeetool', proxies: 'a, b', environments: 'test,prod',
		approvalType: 'auto', apiResources: '/tool/**,/tool', scopes: 'read,write', quota: '100', quotaInterval: '1', quotaTimeUnit: 'minute' })
	assert.equal(made.name, product)
	assert.deepEqual(made.proxies, ['a', 'b'])
	assert.deepEqual([...made.environments].sort(), ['prod', 'test'])
	assert.deepEqual([...made.apiResources].sort(), ['/tool', '/tool/**'])
	assert.deepEqual(made.scopes, ['read', 'write'])
	assert.equal(made.quota, '100')
	assert.ok((await tool('listProducts')).includes(product))
})
const app = await check('creates an app, whose key works for an hour', async () => {
	const made = await tool('createApp', { email, name, apiProducts: `${product}, weather`, callback: 'https://tool.example.com', keyExpiresIn: 3600000, scopes: ['read'],
		attributes: [{ name: 'DisplayName', value: 'Of the tool' }] })
	assert.equal(made.status, 'approved')
	assert.deepEqual(made.scopes, ['read'])
	assert.equal(made.keyExpiresIn, '3600000')
	assert.deepEqual(made.credentials[0].apiProducts.map(({ apiproduct }) => apiproduct), [product, 'weather'])
	assert.equal(await verdict(made.credentials[0].consumerSecret, { id: made.credentials[0].consumerKey }), 'VALID')
	return made
})
await check('gets and lists apps', async () => {
	const shown = await tool('getApp', { app: app.appId })
	assert.equal(shown.name, name)
	assert.deepEqual(shown.attributes, [{ name: 'DisplayName', value: 'Of the tool' }])
	assert.equal(shown.credentials[0].consumerSecret, undefined)
	assert.ok((await tool('listApps')).includes(app.appId))
})
const pair = { key: `tool-key${suffix}-0123456789`, secret: 'tool-secret-0123456789-0123456789' }
await check('gives the app a key of its own', async () => {
	const made = await tool('createAppKey', { developerId: email, appName: name, ...pair, apiProducts: 'weather' })
	assert.equal(made.consumerKey, pair.key)
	assert.deepEqual(made.apiProducts, [{ apiproduct: 'weather', status: 'approved' }])
	assert.equal(await verdict(pair.secret, { id: pair.key }), 'VALID')
})
await check('says why something is refused', async () => {
	await refused(tool('createDeveloper', { email, firstName: 'T', lastName: 'T', userName: 't' }), `Developer with email ${email} already exists`)
	await refused(tool('createApp', { email, name, apiProducts: product }), `App with name ${name} already exists`)
	await refused(tool('createApp', { email, name: 'other', apiProducts: 'nothing' }), 'API Product [nothing] does not exist')
	await refused(tool('deleteApp', { email, name: 'nothing' }), `App named nothing does not exist under ${email}`)
	await refused(tool('getApp', { app: 'nothing' }), 'HTTP error 404')
	await refused(tool('createAppKey', { developerId: email, appName: name, ...pair, apiProducts: 'weather' }), 'Consumer key already exists')
	assert.match((await rejection(tool('createProduct', { productName: `${product}-2`, proxies: '', environments: '', approvalType: 'never' }))).message, /never/)
})
await check('is refused without a right to what it does', async () => {
	await refused(tool('listApps', { token: 'dvk_live_000000000000_unknown' }), 'HTTP error 401')
	await refused(tool('deleteDeveloper', { email, token: config.reader }), 'the key does not have the scope devapp:admin')
	await refused(tool('listApps', { token: undefined, username: config.robot.id, password: `${config.robot.secret}x` }), 'HTTP error 401')
})
await check('takes user and password as well, from its command line', async () => {
	const program = join(import.meta.dirname, 'node_modules/apigeetool/lib/cli.js')
	const run = (command, ...args) => spawnSync(process.execPath, [program, command, '-L', config.url, '-o', 'acme', '-u', config.robot.id, '-p', config.robot.secret,
		'--email', `cli-${email}`, ...args], { encoding: 'utf8' })
	assert.equal(run('createDeveloper', '--firstName', 'C', '--lastName', 'L', '--userName', 'cli').status, 0)
	const again = run('createDeveloper', '--firstName', 'C', '--lastName', 'L', '--userName', 'cli')
	assert.equal(again.status, 6)
	assert.equal(again.stderr.split('\n')[0], `Error: Developer with email cli-${email} already exists`)
	assert.equal(run('deleteDeveloper').status, 0)
})
await check('deletes the app, the product and the developer', async () => {
	await tool('deleteApp', { email, name })
	const [{ consumerKey, consumerSecret }] = app.credentials
	for (const [id, secret] of [[consumerKey, consumerSecret], [pair.key, pair.secret]]) assert.notEqual(await verdict(secret, { id }), 'VALID')
	await tool('deleteProduct', { productName: product })
	await tool('deleteDeveloper', { email })
	await refused(tool('deleteDeveloper', { email }), `DeveloperId ${email} does not exist in organization acme`)
})
done()
