// An API that says who calls it.

import express from 'express'
import { devapp } from './devapp.js'

const app = express()
app.use(devapp({ url: process.env.DEVAPP_AUTH_URL, key: process.env.DEVAPP_GATEWAY_KEY, options: process.env.DEVAPP_GATEWAY_OPTIONS }))
app.use((req, res) => res.json(req.devapp))
app.listen(Number(process.env.PORT ?? 9000), '127.0.0.1')
