/*
 * urgent_secrets.c
 *		The secrets that have to be rotated first, of those that are handed in.
 */
#include "postgres.h"

#include "meter/urgent_secrets.h"

static int
compare_urgency(const void *a, const void *b)
{
	const UrgentSecret *x = a;
	const UrgentSecret *y = b;
	int			order;

	if (x->still_used != y->still_used)
		return x->still_used ? -1 : 1;
	if (x->ends != y->ends)
		return x->ends ? -1 : 1;
	if (x->ends && x->ends_at != y->ends_at)
		return x->ends_at < y->ends_at ? -1 : 1;
	if (x->issued_at != y->issued_at)
		return x->issued_at < y->issued_at ? -1 : 1;
	order = memcmp(&x->key.credential_id, &y->key.credential_id, UUID_LEN);
	return order != 0 ? order : (x->key.version > y->key.version) - (x->key.version < y->key.version);
}

void
urgent_secrets_init(UrgentSecrets *urgent, int most)
{
	*urgent = (UrgentSecrets) {.most = most};
	urgent->secrets = palloc(2 * (Size) most * sizeof(UrgentSecret));
}

void
urgent_secrets_sort(UrgentSecrets *urgent)
{
	qsort(urgent->secrets, (size_t) urgent->n, sizeof(UrgentSecret), compare_urgency);
	urgent->n = Min(urgent->n, urgent->most);
	if (urgent->n == urgent->most)
		urgent->least = urgent->secrets[urgent->most - 1];
}

/* What is behind all that are kept is only counted. */
void
urgent_secrets_add(UrgentSecrets *urgent, const UrgentSecret *secret)
{
	if (urgent->handed_in++ >= 2 * urgent->most && compare_urgency(secret, &urgent->least) > 0)
		return;
	urgent->secrets[urgent->n++] = *secret;
	if (urgent->n == 2 * urgent->most)
		urgent_secrets_sort(urgent);
}
