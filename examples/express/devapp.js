// Middleware for Express that asks devapp about each call:
//
//	app.use(devapp({ key: process.env.DEVAPP_GATEWAY_KEY, options: 'environment=prod' }))
//
// A call that may go through has req.devapp: {appId, app, owner, credentialId, product, environment,
// scopes}.  Any other is answered here.

import { isIP } from 'node:net'

const ASKED = ['authorization', 'x-api-key', 'dpop']
const TOLD = ['www-authenticate', 'retry-after', 'ratelimit', 'ratelimit-policy']

export function devapp({ url = 'http://127.0.0.1:8080/auth', key, options = '', timeout = 2000 }) {
	return async (req, res, next) => {
		const headers = {
			// with "trust proxy", it can be whatever a client has sent
			'x-devapp-gateway': [key, ...(isIP(req.ip ?? '') ? [`client=${req.ip}`] : []), options].join('; '),
			'x-forwarded-method': req.method,
			'x-forwarded-uri': req.originalUrl,
		}
		for (const name of ASKED) if (req.headers[name] !== undefined) headers[name] = req.headers[name]
		let answer
		try {
			answer = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeout) })
		} catch {
			return res.sendStatus(503)
		}
		// without a verdict it was not the client's key that was refused
		if (!answer.headers.has('x-devapp-code')) return res.sendStatus(503)
		for (const name of TOLD) if (answer.headers.has(name)) res.set(name, answer.headers.get(name))
		if (answer.status !== 200) return res.sendStatus(answer.status)

		const field = (name) => decodeURIComponent(answer.headers.get(`x-devapp-${name}`) ?? '')
		req.devapp = {
			appId: field('app-id'), app: field('app'), owner: field('owner'), credentialId: field('credential-id'),
			product: field('product'), environment: field('environment'), scopes: field('scopes').split(' ').filter(Boolean),
		}
		next()
	}
}
