/*
 * dpop_core.c
 *		Proofs of possession (DPoP, RFC 9449).  Needs no backend.
 *
 * A proof is a token that the client signs for one request, with the key that its access
 * token is bound to.  All of section 4.3 is checked here, except that a proof is not used
 * twice: for that the caller remembers what dpop_check() returns.  We give out no nonces
 * (section 8), since a verification says yes or no and has nothing to send.
 *
 * A gateway asks about a path; the database does not know scheme, host and port of the
 * request.  So the path of htu must be that of the request, in the form in which patterns
 * compare paths; and its origin must be one of devapp.dpop_origins, where that is set.
 * Without it a server that gets a token and its proof could use both at another server,
 * within the window and on the same path.
 */
#include "token/dpop_core.h"

#include <sodium.h>
#include <stddef.h>

#include "base/sha256_core.h"
#include "match/path_core.h"
#include "token/jwt_core.h"

#define MICROS_PER_SECOND	INT64_C(1000000)

/* ---------- the URI ---------- */

typedef struct Uri
{
	Str			scheme;
	Str			host;			/* and its port, unless it is the usual one */
	Str			path;			/* and what follows it */
} Uri;

static bool
starts_with_nocase(Str s, const char *prefix)
{
	size_t		len = strlen(prefix);

	return s.len >= len && str_equal_nocase((Str) {s.data, len}, prefix, len);
}

static Str
without_start(Str s, size_t len)
{
	return (Str) {s.data + len, s.len - len};
}

/* Without a port that says nothing. */
static Str
without_usual_port(Str host, const char *port)
{
	size_t		len = strlen(port);

	if (host.len > len && memcmp(host.data + host.len - len, port, len) == 0)
		return (Str) {host.data, host.len - len};
	if (host.len > 0 && host.data[host.len - 1] == ':')
		return (Str) {host.data, host.len - 1};
	return host;
}

/* Find the parts of an http or https URI; false if it is not one, or has a user in it. */
static bool
split_uri(Str s, Uri *uri)
{
	bool		is_https = starts_with_nocase(s, "https://");
	size_t		scheme_len = is_https ? 5 : 4;
	size_t		host_len = 0;

	if (!is_https && !starts_with_nocase(s, "http://"))
		return false;
	uri->scheme = (Str) {s.data, scheme_len};
	s = without_start(s, scheme_len + 3);
	while (host_len < s.len && strchr("/?#", s.data[host_len]) == NULL)
	{
		if (s.data[host_len] == '@' || s.data[host_len] == '\\')
			return false;
		host_len++;
	}
	uri->host = without_usual_port((Str) {s.data, host_len}, is_https ? ":443" : ":80");
	uri->path = without_start(s, host_len);
	return uri->host.len > 0;
}

/* What of it is compared: without query and fragment, and at least a slash. */
static Str
path_of(Str s)
{
	const char *fragment = s.len > 0 ? memchr(s.data, '#', s.len) : NULL;

	if (fragment != NULL)
		s.len = (size_t) (fragment - s.data);
	s.len = path_without_query(s.data, s.len);
	return s.len > 0 ? s : (Str) {"/", 1};
}

/* In the normal form that patterns are compared with. */
static bool
same_path(Str a, Str b)
{
	PathReader	one = {.data = a.data, .len = a.len};
	PathReader	other = {.data = b.data, .len = b.len};

	while (one.pos < one.len && other.pos < other.len)
	{
		if (path_read_byte(&one) != path_read_byte(&other))
			return false;
	}
	return one.pos == one.len && other.pos == other.len;
}

/* Take the next word of a list with commas; false at its end. */
static bool
next_origin(Str *list, Str *origin)
{
	static const char between[] = ", \t";
	size_t		len = 0;

	while (list->len > 0 && strchr(between, list->data[0]) != NULL)
		*list = without_start(*list, 1);
	while (len < list->len && strchr(between, list->data[len]) == NULL)
		len++;
	*origin = (Str) {list->data, len};
	*list = without_start(*list, len);
	return len > 0;
}

static bool
same_nocase(Str a, Str b)
{
	return str_equal_nocase(a, b.data, b.len);
}

static bool
same_origin(const Uri *a, const Uri *b)
{
	return same_nocase(a->scheme, b->scheme) && same_nocase(a->host, b->host);
}

/* Is the list empty, or is this one of it? */
static bool
is_allowed_origin(const Uri *uri, Str origins)
{
	Str			origin;
	Uri			allowed;
	bool		is_empty = true;

	while (next_origin(&origins, &origin))
	{
		is_empty = false;
		if (split_uri(origin, &allowed) && same_origin(&allowed, uri))
			return true;
	}
	return is_empty;
}

/* Is every word of the list the origin of a URI: scheme and host, and nothing behind? */
bool
dpop_origins_are_valid(Str origins)
{
	Str			origin;
	Uri			uri;

	while (next_origin(&origins, &origin))
	{
		if (!split_uri(origin, &uri) || uri.path.len > 0)
			return false;
	}
	return true;
}

/* Is a proof for this URI one for a request to that resource? */
bool
dpop_uri_is_for(Str text, Str resource, Str origins)
{
	Uri			uri;
	Uri			requested;

	/* no URI has control characters, and a zero would end strchr() */
	for (size_t i = 0; i < text.len; i++)
	{
		if ((unsigned char) text.data[i] <= ' ')
			return false;
	}
	if (!split_uri(text, &uri) || !is_allowed_origin(&uri, origins))
		return false;
	if (!split_uri(resource, &requested))
		return same_path(path_of(uri.path), path_of(resource));
	return same_origin(&uri, &requested) && same_path(path_of(uri.path), path_of(requested.path));
}

/* ---------- the proof ---------- */

/* Is the digest in the proof that of the token?  Where there is none yet, it is not asked. */
static bool
names_token(Str ath, Str token)
{
	uint8_t		expected[DPOP_DIGEST_LEN];
	uint8_t		named[DPOP_DIGEST_LEN];

	if (token.data == NULL)
		return true;
	sha256_of(token.data, token.len, expected);
	return ath.data != NULL && base64url_decode_exactly(ath, named, sizeof(named)) &&
		sodium_memcmp(expected, named, sizeof(named)) == 0;
}

/* Is it from within the window, and not over? */
static bool
is_in_time(const JwtClaims *claims, int64_t now)
{
	int64_t		window = DPOP_WINDOW_SECONDS * MICROS_PER_SECOND;

	return claims->iat != JWT_NO_TIME &&
		claims->iat >= now - window && claims->iat <= now + window &&
		(claims->exp == JWT_NO_TIME || claims->exp > now) &&
		(claims->nbf == JWT_NO_TIME || claims->nbf <= now + window);
}

static bool
claims_are_for(const JwtClaims *claims, const DpopCall *call)
{
	return claims->jti.data != NULL && claims->jti.len > 0 &&
		is_in_time(claims, call->now) &&
		claims->htm.data != NULL && call->method.data != NULL &&
		same_nocase(claims->htm, call->method) &&
		claims->htu.data != NULL && call->resource.data != NULL &&
		dpop_uri_is_for(claims->htu, call->resource, call->origins) &&
		names_token(claims->ath, call->token);
}

/* The key in the proof, if it is a public one, and that of the call; its thumbprint. */
static TokenKey *
proof_key(const Jwt *jwt, const uint8_t *jkt, uint8_t *thumbprint)
{
	char		room[JWT_MAX];
	JsonBuffer	buffer = {room, room + sizeof(room)};
	Jwk			jwk;

	if (jwk_read(jwt->jwk, &buffer, &jwk) != JWK_OK || jwk.is_private || jwk.alg == ALG_HS256 ||
		jwk.alg != jwt->alg)
		return NULL;
	jwk_thumbprint(&jwk, thumbprint);
	return jkt == NULL || memcmp(thumbprint, jkt, JWK_THUMBPRINT_LEN) == 0 ?
		token_key_from_jwk(&jwk) : NULL;
}

/* Is it signed by that key? */
static bool
is_signed(const Jwt *jwt, const uint8_t *jkt, uint8_t *thumbprint)
{
	TokenKey   *key = proof_key(jwt, jkt, thumbprint);
	bool		good = key != NULL && jwt_is_signed_by(jwt, key);

	token_key_free(key);
	return good;
}

static void
note_proof(const JwtClaims *claims, DpopSeen *seen)
{
	const Str	parts[] = {{(const char *) seen->jkt, JWK_THUMBPRINT_LEN}, claims->jti};

	sha256_of_parts(parts, 2, seen->digest);
	seen->until = claims->iat + DPOP_WINDOW_SECONDS * MICROS_PER_SECOND;
}

/*
 * Is this a proof for that call, by whoever holds the key?  It is good if the caller has
 * not seen it before.
 */
bool
dpop_check(Str proof, const DpopCall *call, DpopSeen *seen)
{
	Jwt			jwt;

	if (!jwt_read(proof, JWT_WITH_KEY, &jwt) || !jwt_typ_is(&jwt, "dpop+jwt") ||
		!jwt_read_claims(&jwt) || !claims_are_for(&jwt.claims, call) ||
		!is_signed(&jwt, call->jkt, seen->jkt))
		return false;
	note_proof(&jwt.claims, seen);
	return true;
}
