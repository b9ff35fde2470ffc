/*
 * entitlement_token.c
 *		An entitlement, narrowed to what a token says.
 *
 * A token can take away from what its credential may, not add to it.  It is the loaded
 * entitlement that is changed, before it is remembered: each token has a copy of its own.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "decide/entitlement.h"

static ArrayType *
array_of(const StrList *list)
{
	Datum	   *values = palloc(sizeof(Datum) * (size_t) Max(list->count, 1));

	for (int i = 0; i < list->count; i++)
		values[i] = PointerGetDatum(cstring_to_text_with_len(list->items[i].data,
															 (int) list->items[i].len));
	return construct_array(values, list->count, TEXTOID, -1, false, TYPALIGN_INT);
}

/* The scopes that the credential has by a product, as far as the token has them. */
static void
narrow_scopes(DecideCredentialProduct *decide, EntitlementCredentialProduct *credential_product,
			  const StrList *scopes)
{
	StrList		kept;

	/* decide_scopes() takes an empty list for "all" */
	if (decide->scopes.count == 0)
		return;
	kept = decide_scopes(&decide->scopes, scopes, palloc(sizeof(Str) * (size_t) decide->scopes.count));
	if (decide->scopes.count == kept.count)
		return;
	decide->scopes = kept;
	credential_product->scopes = array_of(&kept);
}

/* scopes: those of the token; NULL if it narrows none. */
void
entitlement_narrow(Entitlement *e, const TokenFacts *token, const StrList *scopes)
{
	e->token = token;
	if (token->expires_at < e->decide.expires_at - TOKEN_SKEW)
		e->decide.expires_at = token->expires_at + TOKEN_SKEW;
	if (scopes == NULL)
		return;
	for (int i = 0; i < e->decide.ncredential_products; i++)
		narrow_scopes(&e->decide.credential_products[i], &e->credential_products[i], scopes);
}
