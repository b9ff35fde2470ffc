// How a gateway asks standbys: one SQL call for each verdict, asked once more, of the next server,
// where the answer is not about the key.  README.md says what can happen on a standby.

import pg from 'pg'

// A verification writes nothing, so asking again is safe.  The parameters stay out of the server's
// log, and the statement has no name: poolers such as PgBouncer before 1.21 know no statements
// with names.
const VERIFY = `SELECT allowed, code, http_status, fault, app_id, credential_id, product, scopes, retry_after
  FROM devapp.verify_key($1, resource => $2, method => $3, environment => $4)`

// 40001, 40P01: replay needed what the statement held.  57P01 to 57P03: the server ends the
// session, or starts.  08: the connection broke, as where the error is not the server's.
const RETRY = new Set(['40001', '40P01', '57P01', '57P02', '57P03'])
const willPass = (error) => !(error instanceof pg.DatabaseError) || RETRY.has(error.code) || error.code.startsWith('08')

export class Verifier {
	// servers: a configuration of pg.Pool for each server that may be asked
	constructor(servers) {
		this.pools = servers.map((server) => {
			const pool = new pg.Pool({ application_name: 'gateway', connectionTimeoutMillis: 2000, query_timeout: 5000, ...server })
			// of a connection that nobody uses at the moment; the pool opens another one
			pool.on('error', () => {})
			return pool
		})
		this.next = 0
		this.retried = 0
	}

	// query(text, values, isAnswer): the first row, after one retry at most.  isAnswer may ask for it, too.
	async query(text, values, isAnswer = () => true) {
		for (let attempt = 1; ; attempt++) {
			const pool = this.pools[this.next++ % this.pools.length]
			try {
				const { rows } = await pool.query({ text, values })
				if (attempt === 2 || isAnswer(rows[0])) return rows[0]
			} catch (error) {
				if (attempt === 2 || !willPass(error)) throw error
			}
			this.retried++
		}
	}

	// verify(call): the verdict.  503 is for STALE and UNAVAILABLE: another server may know.
	verify({ key, resource = null, method = null, environment = null }) {
		return this.query(VERIFY, [key, resource, method, environment], (verdict) => verdict.http_status !== 503)
	}

	end() {
		return Promise.all(this.pools.map((pool) => pool.end()))
	}
}
