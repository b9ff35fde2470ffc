/*
 * property_merkle.c
 *		Merkle trees of all small sizes against the reference, and known roots.
 *
 *	property_merkle [seconds] [seed]
 *
 * Every leaf of every tree, and every pair of sizes, up to SIZES; then, while there
 * is time, random ones of larger trees.  The known roots are those of the test data
 * of Certificate Transparency's reference implementation.
 */
#include <time.h>

#include "merkle_check.h"

#define SIZES		70
#define LARGE		3000

static MerkleHash leaves[LARGE];

static uint64_t
random_next(uint64_t *state)
{
	uint64_t	z = *state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static void
check_hex(const MerkleHash *hash, const char *expected)
{
	char		hex[2 * MERKLE_HASH_BYTES + 1];

	for (int i = 0; i < MERKLE_HASH_BYTES; i++)
		(void) snprintf(hex + 2 * i, 3, "%02x", hash->bytes[i]);
	CHECK(strcmp(hex, expected) == 0);
}

static void
check_known_roots(void)
{
	static const struct
	{
		const char *data;
		size_t		len;
		const char *root;		/* of the tree that ends with it */
	}			known[] = {
		{"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
		{"\0", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
		{"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
		{"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
		{"01", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
		{"@ABC", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
		{"PQRSTUVW", 8, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
		{"`abcdefghijklmno", 16, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
	};
	MerkleFrontier f;
	MerkleHash	hash;

	CHECK(merkle_frontier_load(&f, 0, NULL, 0));
	merkle_frontier_root(&f, &hash);
	check_hex(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		hash = reference_leaf_hash(known[i].data, known[i].len);
		merkle_frontier_append(&f, &hash, NULL, NULL);
		merkle_frontier_root(&f, &hash);
		check_hex(&hash, known[i].root);
	}
}

static uint64_t
check_small_sizes(void)
{
	uint64_t	checks = 0;

	for (size_t n = 1; n <= SIZES; n++)
	{
		for (size_t m = 0; m < n; m++)
		{
			merkle_check_frontier(leaves, n, m);
			merkle_check_path(leaves, m, n);
			merkle_check_growth(leaves, m + 1, n);
			checks += 3;
		}
	}
	return checks;
}

int
main(int argc, char **argv)
{
	long		seconds = argc > 1 ? atol(argv[1]) : 10;
	uint64_t	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t	state = seed;
	uint64_t	checks;
	time_t		end = time(NULL) + seconds;

	for (uint64_t i = 0; i < LARGE; i++)
		leaves[i] = reference_leaf_hash(&i, sizeof(i));
	check_known_roots();
	checks = check_small_sizes();
	do
	{
		size_t		n = 1 + random_next(&state) % LARGE;
		size_t		m = random_next(&state) % n;

		merkle_check_frontier(leaves, n, m);
		merkle_check_path(leaves, m, n);
		merkle_check_growth(leaves, m + 1, n);
		checks += 3;
	} while (time(NULL) < end);

	printf("seed %llu: %llu checks\n", (unsigned long long) seed,
		   (unsigned long long) checks);
	return 0;
}
