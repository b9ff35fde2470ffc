// apigee-edge-js, a client of Apigee's management API: a developer, products, an app and its keys
// from beginning to end, and what is refused.  Each change shows in the verdict on the key.
//
// The option suffix of the configuration keeps the names of two runs apart.

import { apigee } from 'apigee-edge-js'
import { ask, assert, check, config, done, rejection, verdict } from './check.js'

const suffix = config.suffix ?? ''
const email = `grace${suffix}@example.com`
const auto = `edge-auto${suffix}`
const manual = `edge-manual${suffix}`
const app = { email, appName: 'Edge App' }
const credential = { developerEmail: email, appName: app.appName }

const connect = (options) => apigee.connect({ mgmtServer: config.url, org: 'acme', ...options })
const attribute = (thing, name) => thing.attributes.filter((one) => one.name === name).map(({ value }) => value)

// refused(PROMISE, STATUS, CODE, MESSAGE): what the client makes of an error of Apigee's form
async function refused(promise, status, code, message) {
	const error = await rejection(promise)
	assert.equal(error.message, `bad status: ${status}`)
	assert.deepEqual(Object.keys(error.result).sort(), ['code', 'contexts', 'message'])
	assert.equal(error.result.code, code)
	if (message !== undefined) assert.equal(error.result.message, message)
}

// ---------- who calls ----------

const org = await check('connects with a management key as its token', async () => {
	const org = await connect({ token: config.management })
	assert.equal((await org.get()).name, 'acme')
	return org
})
await check('connects with the id and secret of a client as user and password', async () => {
	const other = await connect({ user: config.robot.id, password: config.robot.secret, no_token: true })
	assert.ok((await other.developers.get()).includes('ada@example.com'))
})
await check('does not connect with a wrong password', async () => {
	const error = await rejection(connect({ user: config.robot.id, password: `${config.robot.secret}x`, no_token: true }))
	assert.equal(error.message, 'bad status: 401')
})
await check('is refused with keys that manage nothing', async () => {
	await refused((await connect({ token: 'dvk_live_000000000000_unknown' })).developers.get(), 401, 'keymanagement.service.Unauthorized')
	await refused((await connect({ token: config.gateway })).developers.get(), 403, 'keymanagement.service.Forbidden', 'the key does not have the scope devapp:read')
})

// ---------- developers ----------

const developer = await check('creates a developer', async () => {
	const made = await org.developers.create({ email, firstName: 'Grace', lastName: 'Hopper', userName: `grace${suffix}`, attributes: { rank: 'admiral' } })
	assert.equal(made.email, email)
	assert.equal(made.status, 'active')
	assert.equal(made.organizationName, 'acme')
	assert.deepEqual(attribute(made, 'rank'), ['admiral'])
	assert.match(made.createdAt, /^\d{13}$/)
	return made
})
await check('gets the developer by e-mail and by id, and in the list', async () => {
	assert.deepEqual(await org.developers.get({ email }), developer)
	assert.deepEqual(await org.developers.get({ id: developer.developerId }), developer)
	assert.ok((await org.developers.get()).includes(email))
})
await check('is refused a second developer of that e-mail, and an unknown one', async () => {
	await refused(org.developers.create({ email: email.toUpperCase(), firstName: 'G', lastName: 'H', userName: 'g' }), 409, 'developer.service.DeveloperAlreadyExists')
	await refused(org.developers.get({ email: 'nobody@example.com' }), 404, 'developer.service.DeveloperIdDoesNotExist',
		'DeveloperId nobody@example.com does not exist in organization acme')
	await refused(org.developers.create({ email: 'no address', firstName: 'G', lastName: 'H', userName: 'g' }), 400, 'developer.service.InvalidRequest')
})

// ---------- products ----------

await check('creates products', async () => {
	const made = await org.products.create({ productName: auto, approvalType: 'auto', apiResources: ['/edge/**'], scopes: ['read', 'write'],
		quota: '1000', quotaInterval: '1', quotaTimeUnit: 'hour', attributes: { access: 'public' }, description: 'approved at once' })
	assert.equal(made.name, auto)
	assert.equal(made.displayName, auto)
	assert.equal(made.approvalType, 'auto')
	assert.deepEqual(made.apiResources, ['/edge/**'])
	assert.deepEqual(made.scopes, ['read', 'write'])
	assert.deepEqual([made.quota, made.quotaInterval, made.quotaTimeUnit], ['1000', '1', 'hour'])
	assert.deepEqual(attribute(made, 'access'), ['public'])
	assert.equal((await org.products.create({ productName: manual, apiResources: ['/slow/*'] })).approvalType, 'manual')
})
await check('gets, lists and updates products', async () => {
	const one = await org.products.get({ name: auto })
	assert.equal(one.description, 'approved at once')
	assert.ok((await org.products.get()).includes(manual))
	assert.deepEqual((await org.products.get({ expand: true })).apiProduct.find(({ name }) => name === auto), one)
	const changed = await org.products.update({ ...one, description: 'changed' })
	assert.equal(changed.description, 'changed')
	assert.deepEqual({ ...changed, description: one.description, attributes: one.attributes, lastModifiedAt: one.lastModifiedAt }, one)
	await refused(org.products.get({ name: 'no-such-product' }), 404, 'keymanagement.service.apiproduct_doesnot_exist', 'API Product [no-such-product] does not exist')
	await refused(org.products.create({ productName: auto }), 409, 'keymanagement.service.apiproduct_exists')
})

// ---------- an app ----------

// works(PAIR, PATH): the code of the verdict on a client's id and secret for a call
const works = ({ consumerKey, consumerSecret }, path = '/edge/today') => verdict(consumerSecret, { id: consumerKey, path })

const made = await check('creates an app, whose key works', async () => {
	const made = await org.developerapps.create({ ...app, apiProduct: auto, expiry: '30d', callbackUrl: 'https://app.example.com/cb', attributes: { colour: 'red' } })
	assert.equal(made.name, app.appName)
	assert.equal(made.developerId, developer.developerId)
	assert.equal(made.status, 'approved')
	assert.equal(made.callbackUrl, 'https://app.example.com/cb')
	assert.deepEqual(made.apiProducts, [auto])
	assert.equal(made.keyExpiresIn, String(30 * 86400 * 1000))
	const [key, ...others] = made.credentials
	assert.equal(others.length, 0)
	assert.equal(key.status, 'approved')
	assert.deepEqual(key.apiProducts, [{ apiproduct: auto, status: 'approved' }])
	assert.equal(key.expiresAt - key.issuedAt, 30 * 86400 * 1000)
	assert.equal(await works(key), 'VALID')
	assert.equal(await works(key, '/slow/x'), 'RESOURCE_FORBIDDEN')
	return made
})
const [pair] = made.credentials
const { consumerKey } = pair
await check('gets the app, but never its secret again', async () => {
	const { consumerSecret: _, ...shown } = made.credentials[0]
	const wanted = { ...made, credentials: [shown] }
	assert.deepEqual(await org.developerapps.get(app), wanted)
	assert.deepEqual(await org.developerapps.get({ id: developer.developerId, appName: app.appName }), wanted)
	assert.deepEqual(await org.apps.get({ id: made.appId }), wanted)
	assert.deepEqual((await org.apps.get({ expand: true })).app.find(({ appId }) => appId === made.appId), wanted)
	assert.ok((await org.apps.get()).includes(made.appId))
	assert.deepEqual(await org.developerapps.get({ email }), [app.appName])
	assert.deepEqual((await org.developers.get({ email })).apps, [app.appName])
})
await check('is refused an app that is there, and one of what is not there', async () => {
	await refused(org.developerapps.create({ ...app, apiProduct: auto }), 409, 'developer.service.AppWithNameAlreadyExists', `App with name ${app.appName} already exists`)
	await refused(org.developerapps.create({ email, appName: 'x', apiProduct: 'nothing' }), 400, 'cps.kms.ApiProductDoesNotExist', 'API Product [nothing] does not exist')
	await refused(org.developerapps.create({ email: 'nobody@example.com', appName: 'x', apiProduct: auto }), 404, 'developer.service.DeveloperIdDoesNotExist')
	await refused(org.developerapps.get({ email, appName: 'nothing' }), 404, 'developer.service.AppDoesNotExist', `App named nothing does not exist under ${email}`)
	await refused(org.apps.get({ id: '00000000-0000-0000-0000-000000000000' }), 404, 'developer.service.AppDoesNotExist')
})
await check('updates the app by sending all of it back', async () => {
	const changed = await org.developerapps.update({ ...app, attributes: { colour: 'blue', size: 'L' }, callbackUrl: 'https://app.example.com/other' })
	assert.deepEqual(attribute(changed, 'colour'), ['blue'])
	assert.deepEqual(attribute(changed, 'size'), ['L'])
	assert.equal(attribute(changed, 'tool').length, 1)
	assert.equal(changed.callbackUrl, 'https://app.example.com/other')
	assert.deepEqual(changed.credentials.map((one) => one.consumerKey), [consumerKey])
	const replaced = await org.developerapps.update({ ...app, attributes: { size: 'S' }, replace: true })
	assert.deepEqual(replaced.attributes, [{ name: 'size', value: 'S' }])
	assert.equal(await works(pair), 'VALID')
})
await check('revokes and approves the app', async () => {
	await org.developerapps.revoke(app)
	assert.equal((await org.developerapps.get(app)).status, 'revoked')
	assert.equal(await works(pair), 'APP_REVOKED')
	await org.developerapps.approve(app)
	assert.equal((await org.developerapps.get(app)).status, 'approved')
	assert.equal(await works(pair), 'VALID')
})
await check('stops and starts the developer', async () => {
	await org.developers.revoke({ email })
	assert.equal((await org.developers.get({ email })).status, 'inactive')
	assert.equal(await works(pair), 'OWNER_INACTIVE')
	assert.equal((await org.developerapps.get(app)).status, 'approved')
	await org.developers.approve({ id: developer.developerId })
	assert.equal(await works(pair), 'VALID')
})

// ---------- its keys ----------

const custom = { consumerKey: `Custom-Id_${suffix}-0123456789`, consumerSecret: 'Custom-Secret_0123456789-abcdefghij' }

await check('adds a key to the app, beside the one that it has', async () => {
	const answer = await org.appcredentials.add({ ...credential, apiProduct: auto, attributes: { purpose: 'second' }, expiry: '1d' })
	assert.equal(answer.credentials.length, 2)
	const added = answer.credentials.find((one) => one.consumerKey !== consumerKey)
	assert.deepEqual(added.attributes, [{ name: 'purpose', value: 'second' }])
	assert.equal(added.expiresAt - added.issuedAt, 86400 * 1000)
	assert.equal(await works(added), 'VALID')
	assert.equal(await works(pair), 'VALID')
	await org.appcredentials.del({ ...credential, key: added.consumerKey })
	assert.notEqual(await works(added), 'VALID')
	await refused(org.appcredentials.get({ ...credential, key: added.consumerKey }), 404, 'keymanagement.service.InvalidClientIdForGivenApp', 'Invalid consumer key for Given App')
})
await check('brings a pair of its own', async () => {
	const answer = await org.appcredentials.add({ ...credential, apiProduct: auto, clientId: custom.consumerKey, clientSecret: custom.consumerSecret, attributes: { origin: 'elsewhere' } })
	assert.equal(answer.consumerKey, custom.consumerKey)
	assert.equal(answer.consumerSecret, undefined)
	assert.equal(answer.expiresAt, '-1')
	assert.deepEqual(answer.apiProducts, [{ apiproduct: auto, status: 'approved' }])
	assert.deepEqual(answer.attributes, [{ name: 'origin', value: 'elsewhere' }])
	assert.equal(await works(custom), 'VALID')
	assert.notEqual(await works({ ...custom, consumerSecret: 'another secret' }), 'VALID')
})
await check('finds a key, and whose it is', async () => {
	const found = await org.appcredentials.find({ key: custom.consumerKey })
	assert.equal(found.appId, made.appId)
	assert.equal(found.appName, app.appName)
	assert.deepEqual(found.developer, { firstName: 'Grace', lastName: 'Hopper', userName: `grace${suffix}`, email })
	assert.equal(await org.appcredentials.find({ key: 'nothing' }), undefined)
})
await check('adds a product to a key, which waits for approval', async () => {
	const answer = await org.appcredentials.addProduct({ ...credential, key: consumerKey, product: manual })
	assert.deepEqual(answer.apiProducts, [{ apiproduct: auto, status: 'approved' }, { apiproduct: manual, status: 'pending' }])
	assert.equal(await works(pair, '/slow/x'), 'PRODUCT_PENDING')
	await refused(org.appcredentials.addProduct({ ...credential, key: consumerKey, product: 'nothing' }), 400, 'cps.kms.ApiProductDoesNotExist')
})
await check('a product of a key is approved and revoked as the client means to', async () => {
	// its own code for that assigns to a constant
	const product = `/v1/organizations/acme/developers/${email}/apps/${encodeURIComponent(app.appName)}/keys/${consumerKey}/apiproducts/${manual}`
	for (const [action, code] of [['approve', 'VALID'], ['revoke', 'PRODUCT_REVOKED'], ['approve', 'VALID']]) {
		const { status, text } = await ask(`${product}?action=${action}`, { method: 'POST', headers: { authorization: `Bearer ${config.management}`, accept: 'application/json' } })
		assert.deepEqual([status, text], [204, ''])
		assert.equal(await works(pair, '/slow/x'), code)
	}
})
await check('removes a product from a key', async () => {
	const answer = await org.appcredentials.removeProduct({ ...credential, key: consumerKey, product: manual })
	assert.deepEqual(answer.apiProducts, [{ apiproduct: auto, status: 'approved' }])
	assert.equal(await works(pair, '/slow/x'), 'RESOURCE_FORBIDDEN')
	assert.equal((await rejection(org.appcredentials.removeProduct({ ...credential, key: consumerKey, product: manual }))).result.message,
		'APIProduct is not associated with consumer key')
})
await check('replaces the attributes of a key', async () => {
	const answer = await org.appcredentials.update({ ...credential, key: consumerKey, attributes: { note: 'new', other: '2' } })
	assert.deepEqual(answer.attributes, [{ name: 'note', value: 'new' }, { name: 'other', value: '2' }])
	assert.deepEqual(await org.appcredentials.get({ ...credential, key: consumerKey }), answer)
	await refused(org.appcredentials.update({ ...credential, key: 'nothing', attributes: {} }), 404, 'keymanagement.service.InvalidClientIdForGivenApp')
})
await check('revokes and approves a key, also where it has to find it first', async () => {
	await org.appcredentials.revoke({ ...credential, key: consumerKey })
	assert.equal((await org.appcredentials.get({ ...credential, key: consumerKey })).status, 'revoked')
	assert.equal(await works(pair), 'CREDENTIAL_REVOKED')
	assert.equal(await works(custom), 'VALID')
	assert.equal(await org.appcredentials.approve({ key: consumerKey }), true)
	assert.equal(await works(pair), 'VALID')
	assert.equal(await org.appcredentials.revoke({ key: 'nothing' }), false)
})

// ---------- a company ----------

await check('creates a company, gets and lists it', async () => {
	const name = `edge-company${suffix}`
	const company = await org.companies.create({ name, displayName: 'Edge & Sons', attributes: { size: 'small' } })
	assert.equal(company.name, name)
	assert.equal(company.displayName, 'Edge & Sons')
	assert.deepEqual(company.attributes, [{ name: 'size', value: 'small' }])
	assert.deepEqual(await org.companies.get({ name }), company)
	assert.ok((await org.companies.get()).includes(name))
	await refused(org.companies.get({ name: 'nothing' }), 404, 'developer.service.CompanyDoesNotExist')
})

// ---------- who may only read ----------

await check('a key that may read is refused each change', async () => {
	const reader = await connect({ token: config.reader })
	assert.equal((await reader.developerapps.get(app)).appId, made.appId)
	for (const change of [() => reader.developers.create({ email: 'x@example.com', firstName: 'X', lastName: 'Y', userName: 'x' }), () => reader.developers.revoke({ email }),
		() => reader.products.del({ name: auto }), () => reader.developerapps.del(app), () => reader.developerapps.revoke(app),
		() => reader.appcredentials.del({ ...credential, key: consumerKey })]) {
		await refused(change(), 403, 'keymanagement.service.Forbidden', 'the key does not have the scope devapp:admin')
	}
	assert.equal(await works(pair), 'VALID')
})
await check('the key of an app manages nothing', async () => {
	assert.equal((await rejection(connect({ user: consumerKey, password: pair.consumerSecret, no_token: true }))).message, 'bad status: 403')
})

// ---------- the end ----------

await check('deletes keys, the app, products and the developer', async () => {
	await refused(org.products.del({ name: auto }), 409, 'keymanagement.service.Conflict')
	assert.equal((await org.appcredentials.del({ ...credential, key: custom.consumerKey })).consumerKey, custom.consumerKey)
	assert.notEqual(await works(custom), 'VALID')
	assert.equal((await org.developerapps.del(app)).appId, made.appId)
	assert.notEqual(await works(pair), 'VALID')
	await refused(org.developerapps.del(app), 404, 'developer.service.AppDoesNotExist')
	const again = await org.developerapps.create({ ...app, apiProduct: auto })
	assert.notEqual(again.appId, made.appId)
	assert.equal((await org.apps.del({ id: again.appId })).appId, again.appId)
	for (const name of [auto, manual]) assert.equal((await org.products.del({ name })).name, name)
	assert.equal((await org.developers.del({ email })).email, email)
	await refused(org.developers.del({ email }), 404, 'developer.service.DeveloperIdDoesNotExist')
})
done()
