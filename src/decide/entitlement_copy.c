/*
 * entitlement_copy.c
 *		An entitlement in one piece, as the cache keeps it.
 *
 * What is read lies in many chunks of memory, each larger than it need be.  A copy is the
 * struct and one room for all that it points to, but for its products, which are shared.
 * The same walk tells how much room that is, and fills it.  Texts get short headers,
 * with which they may lie anywhere.
 */
#include "postgres.h"

#include "access/tupmacs.h"
#include "catalog/pg_type_d.h"

#include "base/compat.h"
#include "decide/entitlement.h"

/* The room, and how much of it is in use.  room NULL: it is only counted. */
typedef struct Piece
{
	char	   *room;
	Size		used;
} Piece;

static void *
put_bytes(Piece *piece, const void *from, Size size, Size align)
{
	Size		place = TYPEALIGN(align, piece->used);

	piece->used = place + size;
	return piece->room == NULL || size == 0 ? NULL : memcpy(piece->room + place, from, size);
}

static text *
put_text(Piece *piece, const text *t)
{
	Size		size;
	char	   *to;

	if (t == NULL)
		return NULL;
	if (VARATT_IS_SHORT(t))
		return put_bytes(piece, t, VARSIZE_SHORT(t), 1);
	if (!VARATT_CAN_MAKE_SHORT(t))
		return put_bytes(piece, t, VARSIZE(t), ALIGNOF_INT);
	size = VARATT_CONVERTED_SHORT_SIZE(t);
	to = put_bytes(piece, t, size, 1);
	if (to != NULL)
	{
		SET_VARSIZE_SHORT(to, size);
		memcpy(to + 1, VARDATA(t), size - 1);
	}
	return (text *) to;
}

static ArrayType *
put_array(Piece *piece, const ArrayType *array)
{
	return array == NULL ? NULL : put_bytes(piece, array, VARSIZE(array), MAXIMUM_ALIGNOF);
}

static NetworkList
put_networks(Piece *piece, const NetworkList *list)
{
	NetworkList copy = *list;

	copy.items = put_bytes(piece, list->items, sizeof(Network) * (Size) list->count, MAXIMUM_ALIGNOF);
	return copy;
}

/* A list of the strings of an array, in its order. */
static StrList
put_list(Piece *piece, const StrList *list, ArrayType *array)
{
	StrList		copy = *list;

	copy.items = put_bytes(piece, list->items, sizeof(Str) * (Size) list->count, MAXIMUM_ALIGNOF);
	if (copy.items != NULL)
	{
		char	   *element = ARR_DATA_PTR(array);

		for (int i = 0; i < list->count; i++)
		{
			copy.items[i] = (Str) {VARDATA_ANY(element), VARSIZE_ANY_EXHDR(element)};
			element = (char *) att_align_nominal(att_addlength_pointer(element, -1, element),
												 TYPALIGN_INT);
		}
	}
	return copy;
}

/* What a credential has by a product; scopes that are the product's are shared. */
static void
put_credential_product(Piece *piece, DecideCredentialProduct *decide,
					   EntitlementCredentialProduct *credential_product)
{
	if (credential_product->app != NULL)
		credential_product->app = put_bytes(piece, credential_product->app, sizeof(AppLimits),
											MAXIMUM_ALIGNOF);
	if (credential_product->scopes == credential_product->product->scopes)
		return;
	credential_product->scopes = put_array(piece, credential_product->scopes);
	decide->scopes = put_list(piece, &decide->scopes, credential_product->scopes);
}

static void
put_credential_products(Piece *piece, Entitlement *copy, const Entitlement *e)
{
	int			n = e->decide.ncredential_products;

	copy->decide.credential_products = put_bytes(piece, e->decide.credential_products,
												 sizeof(DecideCredentialProduct) * (Size) n,
												 MAXIMUM_ALIGNOF);
	copy->credential_products = put_bytes(piece, e->credential_products,
										  sizeof(EntitlementCredentialProduct) * (Size) n,
										  MAXIMUM_ALIGNOF);
	for (int i = 0; i < n; i++)
	{
		DecideCredentialProduct decide = e->decide.credential_products[i];
		EntitlementCredentialProduct credential_product = e->credential_products[i];

		put_credential_product(piece, &decide, &credential_product);
		if (piece->room == NULL)
			continue;
		copy->decide.credential_products[i] = decide;
		copy->credential_products[i] = credential_product;
	}
}

/* What a token says, and the audiences that it names. */
static const TokenFacts *
put_token(Piece *piece, const TokenFacts *token)
{
	TokenFacts *copy;
	Str		   *audiences;

	if (token == NULL)
		return NULL;
	copy = put_bytes(piece, token, sizeof(TokenFacts), MAXIMUM_ALIGNOF);
	audiences = put_bytes(piece, token->audiences.items, sizeof(Str) * (Size) token->audiences.count,
						  MAXIMUM_ALIGNOF);
	for (int i = 0; i < token->audiences.count; i++)
	{
		Str			audience = token->audiences.items[i];
		const char *data = put_bytes(piece, audience.data, audience.len, 1);

		if (audiences != NULL)
			audiences[i].data = data != NULL ? data : "";
	}
	if (copy != NULL)
		copy->audiences.items = audiences;
	return copy;
}

static Size
put_entitlement(Piece piece, Entitlement *copy, const Entitlement *e)
{
	*copy = *e;
	copy->load = NULL;
	put_credential_products(&piece, copy, e);
	copy->decide.app_networks = put_networks(&piece, &e->decide.app_networks);
	copy->decide.credential_networks = put_networks(&piece, &e->decide.credential_networks);
	copy->pending_products = put_array(&piece, e->pending_products);
	copy->consumer_key = put_text(&piece, e->consumer_key);
	copy->environment = put_text(&piece, e->environment);
	if (copy->environment != NULL)
		copy->decide.environment.data = VARDATA_ANY(copy->environment);
	copy->app_name = put_text(&piece, e->app_name);
	copy->owner = put_text(&piece, e->owner);
	copy->token = put_token(&piece, e->token);
	return piece.used;
}

/* How much room it takes beside the struct. */
Size
entitlement_copy_size(const Entitlement *e)
{
	Entitlement unused;

	return put_entitlement((Piece) {NULL, 0}, &unused, e);
}

/* The room is aligned like what palloc() returns. */
void
entitlement_copy(Entitlement *copy, const Entitlement *e, char *room)
{
	(void) put_entitlement((Piece) {room, 0}, copy, e);
}
