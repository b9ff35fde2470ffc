/*
 * cache.c
 *		What a backend remembers of the credentials it has verified.
 *
 * An entry is an entitlement and the secret of it that was presented, found by a
 * tag of the presented bytes: SipHash-2-4 with 128 bits of output, under a random
 * key that never leaves the backend.  SipHash is a pseudorandom function, so other
 * bytes pass for the remembered ones with a chance of 2^-128; that is why a hit
 * needs neither SHA-256 nor BLAKE2b.  Only presentations that matched a secret are
 * remembered: unknown and malformed keys can't fill the cache.
 *
 * An entry is right until one of the rows it was built from changes
 * (invalidation.c); that is looked at on each hit.  What depends on the clock is
 * not in it.  Stale entries go when they are hit, or by eviction.  No message of a
 * change removes anything by itself: what cache_find() and cache_product() return
 * stays until one of the functions of this file is called for another presentation.
 *
 * Products are compiled once and shared by the entitlements that refer to them.  A
 * first touch reads the product's row and takes the compiled form only if that was
 * made from this very version of the row; a change of its operations makes a new
 * version too (sql/verify/triggers.sql).  It need not read the row if no writing
 * transaction ended between the snapshot that last read it and its own.  So all
 * parts of an entitlement are of one snapshot.
 *
 * Eviction is SIEVE (Zhang et al., NSDI 2024): one queue in the order of arrival,
 * and a hand that goes from old to new, spares what was hit since it last came
 * by, and evicts the first that was not.  A key that is presented once goes at the
 * hand's next round, a key in steady use stays, and a hit only sets a bit: right
 * where a few keys make most of the calls.  The memory of entries and products is
 * bounded by devapp.cache_size.  A hash table keeps the room of entries that went for others; if
 * what comes later is larger, or the setting smaller, all is forgotten and begun again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "base/vec.h"
#include "decide/cache.h"
#include "table/invalidation.h"
#include "table/packed_row.h"

/* ---------- settings ---------- */

static int	cache_size = 8192;	/* kB */

void
cache_define_gucs(void)
{
	DefineCustomIntVariable("devapp.cache_size",
							"Sets the maximum memory that each backend uses to cache credentials.",
							"0 disables the cache.",
							&cache_size,
							8192, 0, 1024 * 1024,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
}

/* ---------- what is remembered ---------- */

#define CACHE_BLOCK_BYTES	(32 * 1024)

/* A compiled product and how many entitlements refer to it. */
typedef struct CachedProduct
{
	EntitlementProduct *product;
	MemoryContext context;
	Size		bytes;			/* that are in total_bytes */
	int			references;
	uint64		compiled_at;
	uint64		confirmed_at;	/* catalog_snapshot_moment() when last looked at */
} CachedProduct;

/* The product of an id in its latest version that was seen. */
typedef struct ProductSlot
{
	pg_uuid_t	product_id;		/* hash key */
	CachedProduct *cached;
} ProductSlot;

/* Room for the parts of an entitlement: enough for one product and names of usual lengths. */
#define ENTRY_ROOM	118

typedef struct CacheEntry
{
	CacheTag	tag;			/* hash key */
	uint64		checked_at;		/* nothing that it depends on had changed by this moment */
	dlist_node	place;			/* in the queue; the newest is at the head */
	DecideSecret secret;		/* that was presented */
	Entitlement entitlement;
	char		parts[ENTRY_ROOM];	/* or a pointer to them, if they need more; see parts_of() */
	bool		visited;
	bool		is_outside;
} CacheEntry;

StaticAssertDecl(offsetof(CacheEntry, parts) % MAXIMUM_ALIGNOF == 0, "parts are aligned");

/* With what dynahash puts before it, and up to two places in its directory. */
#define ENTRY_BYTES	(MAXALIGN(sizeof(CacheEntry)) + MAXALIGN(sizeof(HASHELEMENT)) + 2 * sizeof(void *))

static MemoryContext cache_context = NULL;
static HTAB *entries = NULL;
static HTAB *products = NULL;
static dlist_head queue = DLIST_STATIC_INIT(queue);
static dlist_node *hand = NULL;
static Size total_bytes = 0;
static long most_entries = 0;	/* that there were at a time: the table keeps their room */

/* products that the load under way refers to, or one that ended in an error */
static CachedProduct **held = NULL;
static int	nheld = 0;
static int	held_room = 16;
static uint64 load_began_at = 0;

static unsigned char tag_keys[CACHE_PLACES][crypto_shorthash_siphashx24_KEYBYTES];

/* A tag is as good as random already. */
static uint32
hash_tag(const void *key, Size size)
{
	uint32		hash;

	memcpy(&hash, key, sizeof(hash));
	return hash;
}

static void
create_cache(void)
{
	HASHCTL		ctl = {0};

	/* blocks that do not grow: half of a large one could be empty, and nobody would count it */
	cache_context = AllocSetContextCreate(TopMemoryContext, "devapp cache",
										  ALLOCSET_SMALL_MINSIZE, ALLOCSET_SMALL_INITSIZE,
										  CACHE_BLOCK_BYTES);
	ctl.hcxt = cache_context;
	ctl.keysize = sizeof(CacheTag);
	ctl.entrysize = sizeof(CacheEntry);
	ctl.hash = hash_tag;
	entries = hash_create("devapp entitlements", 256, &ctl,
						  HASH_ELEM | HASH_FUNCTION | HASH_CONTEXT);
	ctl.keysize = sizeof(pg_uuid_t);
	ctl.entrysize = sizeof(ProductSlot);
	products = hash_create("devapp products", 32, &ctl,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The keys of the tags stay for as long as the backend lives. */
static void
begin_cache(void)
{
	static bool has_keys = false;

	devapp_require_sodium();
	if (!has_keys)
		randombytes_buf(tag_keys, sizeof(tag_keys));
	has_keys = true;
	create_cache();
}

void
cache_make_tag(CachePlace place, const char *data, size_t len, CacheTag *tag)
{
	if (unlikely(products == NULL))
		begin_cache();
	(void) crypto_shorthash_siphashx24(tag->bytes, (const unsigned char *) data,
									   len, tag_keys[place]);
}

static Size
limit_bytes(void)
{
	return (Size) cache_size * 1024;
}

/* ---------- products ---------- */

/* Automata grow with use: bring the count up to date. */
static void
count_product(CachedProduct *p)
{
	Size		bytes = MemoryContextMemAllocated(p->context, false);

	total_bytes += bytes - p->bytes;
	p->bytes = bytes;
}

/* Whatever refers to a product no more must not leave it behind. */
static void
release_product(CachedProduct *p)
{
	ProductSlot *slot;

	if (--p->references > 0)
		return;
	slot = hash_search(products, &p->product->product_id, HASH_FIND, NULL);
	if (slot && slot->cached == p)
		hash_search(products, &slot->product_id, HASH_REMOVE, NULL);
	total_bytes -= p->bytes;
	MemoryContextDelete(p->context);
	pfree(p);
}

static CachedProduct *
compile_product(CatalogScan *scan, const pg_uuid_t *product_id,
				Snapshot snapshot)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "devapp product",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	EntitlementProduct *product = product_compile(scan, product_id, snapshot);
	CachedProduct *p;

	MemoryContextSwitchTo(old);
	p = MemoryContextAllocZero(cache_context, sizeof(CachedProduct));
	p->product = product;
	product->cached = p;
	p->context = context;
	p->compiled_at = load_began_at;
	/* from here on nothing can fail before it is held */
	MemoryContextSetParent(context, cache_context);
	count_product(p);
	return p;
}

static void
make_room_to_hold(void)
{
	MemoryContext old = MemoryContextSwitchTo(cache_context);

	held = vec_reserve(held, nheld, &held_room, sizeof(CachedProduct *));
	MemoryContextSwitchTo(old);
}

static bool
same_version(RowVersion a, RowVersion b)
{
	return a.table == b.table && a.xmin == b.xmin && ItemPointerEquals(&a.tid, &b.tid);
}

/*
 * A transaction that has written may see rows that nobody else will ever see, and
 * see them before their triggers fire.  What it loads is for itself, for now.
 */
static bool
sees_own_changes(void)
{
	return TransactionIdIsValid(GetTopTransactionIdIfAny());
}

/* The load under way refers to a product. */
static EntitlementProduct *
hold_product(CachedProduct *p)
{
	held[nheld++] = p;
	p->references++;
	return p->product;
}

/* The shared form of the product whose row the scan is on, NULL if it is not right. */
static CachedProduct *
find_version(CatalogScan *scan, ProductSlot *slot)
{
	if (slot == NULL ||
		!same_version(slot->cached->product->version, catalog_row_version(scan)))
		return NULL;
	return slot->cached;
}

/* The product whose row the scan is on, compiled if it is new. */
static CachedProduct *
confirm_product(CatalogScan *scan, ProductSlot *slot, const pg_uuid_t *product_id,
				Snapshot snapshot)
{
	CachedProduct *p = find_version(scan, slot);

	if (p == NULL)
		p = compile_product(scan, product_id, snapshot);
	p->confirmed_at = catalog_snapshot_moment();
	return p;
}

static CachedProduct *
read_packed_product(ProductSlot *slot, const pg_uuid_t *product_id, Snapshot snapshot)
{
	PackedRow	row;
	CatalogScan scan;
	CachedProduct *p = NULL;

	packed_scan_begin(&scan, &row, product_id, snapshot);
	if (packed_scan_next_of(&scan, PACKED_PRODUCT))
		p = confirm_product(&scan, slot, product_id, snapshot);
	catalog_scan_end(&scan);
	/* cppcheck-suppress returnDanglingLifetime ; it keeps nothing of the scan */
	return p;
}

/* Look at the product's row; compile it if it is new. */
static CachedProduct *
read_product(ProductSlot *slot, const pg_uuid_t *product_id, Snapshot snapshot)
{
	CachedProduct *p = packed_rows_serve() ?
		read_packed_product(slot, product_id, snapshot) : NULL;
	CatalogScan scan;

	if (p != NULL)
		return p;
	catalog_scan_begin(&scan, PRODUCT_BY_ID, UUIDPGetDatum(product_id), snapshot);
	if (catalog_scan_next(&scan))
		p = confirm_product(&scan, slot, product_id, snapshot);
	catalog_scan_end(&scan);
	/* cppcheck-suppress returnDanglingLifetime ; it keeps nothing of the scan */
	return p;
}

/* A product for the load under way, NULL if it has no row. */
EntitlementProduct *
cache_product(const pg_uuid_t *product_id, Snapshot snapshot)
{
	bool		own = sees_own_changes();
	EntitlementProduct *product;
	ProductSlot *slot;
	CachedProduct *p;

	make_room_to_hold();
	slot = own ? NULL : hash_search(products, product_id, HASH_FIND, NULL);
	if (slot && invalidation_of_everything_since(slot->cached->compiled_at))
		slot = NULL;
	/* nobody's changes have become visible since the row was looked at */
	if (slot && slot->cached->confirmed_at == catalog_snapshot_moment())
		return hold_product(slot->cached);

	p = read_product(slot, product_id, snapshot);
	if (p == NULL)
		return NULL;
	/* held before anything can fail, or nobody would know of it */
	product = hold_product(p);
	if (!own && (slot == NULL || slot->cached != p))
	{
		slot = hash_search(products, product_id, HASH_ENTER, NULL);
		slot->cached = p;
	}
	return product;
}

/* Room for entries that there are not, while there is little for those to come. */
static bool
is_spacious(void)
{
	Size		idle = (Size) (most_entries - hash_get_num_entries(entries)) * ENTRY_BYTES;

	return total_bytes + idle > limit_bytes() + limit_bytes() / 8;
}

/* Forget everything, and give its memory back. */
static void
forget_all(void)
{
	entries = NULL;
	products = NULL;
	dlist_init(&queue);
	hand = NULL;
	total_bytes = 0;
	most_entries = 0;
	held = NULL;
	held_room = 16;
	MemoryContextDelete(cache_context);
	create_cache();
}

/*
 * Before a load: the moment that its facts are of.  Lets go of what an earlier
 * load held and nobody kept.
 */
uint64
cache_begin_load(void)
{
	if (unlikely(products == NULL))
		begin_cache();
	while (nheld > 0)
		release_product(held[--nheld]);
	if (unlikely(is_spacious()))
		forget_all();
	load_began_at = invalidation_accept();
	return load_began_at;
}

/* ---------- entries ---------- */

/* Where the parts of its entitlement lie. */
static char *
parts_of(CacheEntry *entry)
{
	return entry->is_outside ? *(char **) entry->parts : entry->parts;
}

static Size
entry_bytes(CacheEntry *entry)
{
	return ENTRY_BYTES + (entry->is_outside ? GetMemoryChunkSpace(parts_of(entry)) : 0);
}

static void
remove_entry(CacheEntry *entry)
{
	const Entitlement *e = &entry->entitlement;

	if (hand == &entry->place)
		hand = dlist_has_prev(&queue, hand) ? dlist_prev_node(&queue, hand) : NULL;
	dlist_delete(&entry->place);
	for (int i = 0; i < e->decide.ncredential_products; i++)
		release_product(e->credential_products[i].product->cached);
	total_bytes -= entry_bytes(entry);
	if (entry->is_outside)
		pfree(parts_of(entry));
	hash_search(entries, &entry->tag, HASH_REMOVE, NULL);
}

static void
evict_one(void)
{
	dlist_node *node = hand ? hand : dlist_tail_node(&queue);
	CacheEntry *entry = dlist_container(CacheEntry, place, node);

	while (entry->visited)
	{
		entry->visited = false;
		node = dlist_has_prev(&queue, node) ? dlist_prev_node(&queue, node) :
			dlist_tail_node(&queue);
		entry = dlist_container(CacheEntry, place, node);
	}
	hand = node;
	remove_entry(entry);		/* moves the hand on */
}

static void
evict_until(Size limit)
{
	while (total_bytes > limit && !dlist_is_empty(&queue))
		evict_one();
}

static bool
is_stale(const CacheEntry *entry)
{
	const Entitlement *e = &entry->entitlement;

	if (invalidation_since(entry->checked_at, &e->credential_id) ||
		invalidation_since(entry->checked_at, &e->app_id) ||
		invalidation_since(entry->checked_at, &e->owner_id))
		return true;
	for (int i = 0; i < e->decide.ncredential_products; i++)
	{
		if (invalidation_since(entry->checked_at, &e->credential_products[i].product->product_id))
			return true;
	}
	return e->token != NULL &&
		(invalidation_since(entry->checked_at, &e->token->key_id) ||
		 invalidation_since(entry->checked_at, &e->token->token_id));
}

/* What is remembered of a presentation, if that is still right. */
CacheFound
cache_find(const CacheTag *tag)
{
	CacheEntry *entry;

	(void) invalidation_accept();
	entry = hash_search(entries, tag, HASH_FIND, NULL);
	if (entry == NULL)
		return (CacheFound) {0};
	catalog_refresh();
	/* where nothing at all has changed, there is nothing to look at */
	if (unlikely(entry->checked_at != invalidation_moment))
	{
		if (is_stale(entry))
		{
			remove_entry(entry);
			return (CacheFound) {0};
		}
		entry->checked_at = invalidation_moment;
	}
	entry->visited = true;
	for (int i = 0; i < entry->entitlement.decide.ncredential_products; i++)
		count_product(entry->entitlement.credential_products[i].product->cached);
	if (unlikely(total_bytes > limit_bytes()))
	{
		evict_until(limit_bytes());
		/* this one may have been among them */
		entry = hash_search(entries, tag, HASH_FIND, NULL);
		if (entry == NULL)
			return (CacheFound) {0};
	}
	return (CacheFound) {.entitlement = &entry->entitlement, .secret = &entry->secret};
}

/* What was found of it must not be used any more. */
void
cache_forget(const CacheTag *tag)
{
	CacheEntry *entry = hash_search(entries, tag, HASH_FIND, NULL);

	if (entry != NULL)
		remove_entry(entry);
}

static void
watch_ids(const Entitlement *e)
{
	invalidation_watch(&e->credential_id);
	invalidation_watch(&e->app_id);
	invalidation_watch(&e->owner_id);
	for (int i = 0; i < e->decide.ncredential_products; i++)
		invalidation_watch(&e->credential_products[i].product->product_id);
	if (e->token != NULL)
	{
		invalidation_watch(&e->token->key_id);
		invalidation_watch(&e->token->token_id);
	}
}

/* The entry of a copy of an entitlement, NULL if there is no memory for it. */
static CacheEntry *
add_entry(const CacheTag *tag, const Entitlement *entitlement, Size size)
{
	bool		found;
	CacheEntry *entry = hash_search(entries, tag, HASH_ENTER, &found);

	Assert(!found);
	most_entries = Max(most_entries, hash_get_num_entries(entries));
	entry->is_outside = size > ENTRY_ROOM;
	if (entry->is_outside)
		*(char **) entry->parts = MemoryContextAllocExtended(cache_context, size, MCXT_ALLOC_NO_OOM);
	if (parts_of(entry) == NULL)
	{
		hash_search(entries, tag, HASH_REMOVE, NULL);
		return NULL;
	}
	entitlement_copy(&entry->entitlement, entitlement, parts_of(entry));
	return entry;
}

/*
 * Remember an entitlement that was loaded at a moment (cache_begin_load), and the secret
 * of it that was presented: a copy, in one piece.  If it does not fit it is not kept.
 */
void
cache_keep(const CacheTag *tag, const Entitlement *entitlement,
		   const DecideSecret *secret, uint64 loaded_at)
{
	Size		size = entitlement_copy_size(entitlement);
	/* a chunk of memory may be rounded up to the next power of two */
	Size		bytes = ENTRY_BYTES + (size > ENTRY_ROOM ? 2 * size + 32 : 0);
	Size		held_bytes = 0;
	CacheEntry *entry;

	if (sees_own_changes() || entitlement->load->incomplete)
		return;
	watch_ids(entitlement);
	for (int i = 0; i < nheld; i++)
	{
		count_product(held[i]);
		held_bytes += held[i]->bytes;
	}
	if (bytes + held_bytes > limit_bytes())
		return;
	evict_until(limit_bytes() - bytes);
	if (total_bytes > limit_bytes() - bytes)
		return;

	entry = add_entry(tag, entitlement, size);
	if (entry == NULL)
		return;
	entry->secret = *secret;
	entry->checked_at = loaded_at;
	entry->visited = false;
	dlist_push_head(&queue, &entry->place);
	total_bytes += entry_bytes(entry);
	/* the entry refers to them now */
	nheld = 0;
}
