/*
 * pattern_core.c
 *		Resource patterns: check one, compile many, match a path against all of
 *		them at once.  Needs no backend.
 *
 * The language (anchored at both ends, case-sensitive, bytes):
 *
 *	/			alone: every path
 *	*			one or more bytes other than '/'
 *	**			any bytes, '/' included, also none
 *	{name}		as a whole segment: the same as *
 *	{name+}		as a whole segment: one or more bytes, '/' included
 *	other		itself
 *	=path		the path after '=' and no other: nothing in it is a wildcard
 *
 * What is itself, and the path of a request, are compared in the normal form that
 * path_core.c describes.
 *
 * All patterns of a product are compiled into one trie whose edges are bytes,
 * a wildcard.  A node that was entered by '*' keeps itself alive on every byte
 * but '/', one that was entered by '**' or {name+} on every byte.  So the trie is a
 * nondeterministic automaton, and patterns with a common beginning share its
 * nodes.
 *
 * Matching runs that automaton as a deterministic one that is built while it is
 * used: a state is the set of live nodes, its transitions are filled in when a
 * path first asks for them.  A path that resembles one seen before costs one
 * table look-up a byte, however many patterns there are.  No pattern and no
 * path can make it back-track: a byte costs at most one pass over the live
 * nodes.  The states are kept in a pool bounded by dfa_limit; when it is full
 * it is emptied and filled anew, which changes the speed and nothing else.
 *
 * A state keeps one transition for '/', one for each byte that one of its nodes
 * has an edge for, and one for all the others, which behave alike.
 *
 * A set is used by one thread at a time: matching writes to the pool.
 */
#include "match/pattern_core.h"

#include <string.h>

#include "match/path_core.h"

typedef enum LoopKind
{
	LOOP_NONE,
	LOOP_SEGMENT,				/* stays alive on every byte but '/' */
	LOOP_ANY					/* stays alive on every byte */
} LoopKind;

typedef struct TrieNode
{
	int32_t		first_edge;		/* literal edges, a chain; -1 ends it */
	int32_t		star;			/* child by '*', or -1 */
	int32_t		plus;			/* child by {name+}, or -1 */
	int32_t		globstar;		/* child by '**', or -1 */
	int32_t		first_accept;	/* patterns that end here, a chain */
	LoopKind	loop;
} TrieNode;

typedef struct TrieEdge
{
	int32_t		next;
	int32_t		target;
	unsigned char byte;
} TrieEdge;

/*
 * A state of the deterministic automaton.  Its row in the pool is
 *	  2 + nbytes transitions | nbytes bytes, padded | nnodes live nodes |
 *	  naccepts pattern numbers
 */
typedef struct DfaState
{
	uint32_t	hash;
	int32_t		row;
	int32_t		nbytes;			/* bytes with a transition of their own */
	int32_t		nnodes;
	int32_t		naccepts;
} DfaState;

#define SLOT_OTHER	0			/* transition on bytes that no node mentions */
#define SLOT_SLASH	1
#define SLOT_BYTES	2

#define POOL_START	256			/* numbers in a new pool */
#define NOT_BUILT	(-1)
#define DEAD		0			/* the state of no live node */
#define START		1

struct PatternSet
{
	PatternMemory memory;

	TrieNode   *nodes;
	int32_t		nnodes;
	TrieEdge   *edges;
	int32_t		nedges;
	int32_t    *accept_next;	/* by pattern number */

	DfaState   *states;
	int32_t		nstates;
	int32_t		max_states;
	int32_t    *slots;			/* hash table of states, -1 = free */
	int32_t		nslots;			/* a power of two, twice max_states */
	int32_t    *pool;
	int32_t		pool_used;
	int32_t		pool_size;
	int32_t		pool_limit;

	/* scratch for one step: the live nodes, then room to keep them aside */
	int32_t    *live;
	int32_t		nlive;
	uint32_t   *mark;
	uint32_t	generation;
};

/* The parts of a pattern. */
typedef enum TokenKind
{
	TOKEN_END,
	TOKEN_BYTE,
	TOKEN_STAR,
	TOKEN_PLUS,
	TOKEN_GLOBSTAR
} TokenKind;

typedef struct Tokenizer
{
	PathReader	reader;
	bool		exact;			/* nothing is a wildcard */
	unsigned char byte;			/* of a TOKEN_BYTE */
} Tokenizer;

static bool
is_exact(Str p)
{
	return p.len > 0 && p.data[0] == '=';
}

static Tokenizer
tokenizer_start(Str p)
{
	Tokenizer	t = {.exact = is_exact(p)};

	t.reader.data = p.data + t.exact;
	t.reader.len = p.len - t.exact;
	return t;
}

/* Length of a "{name}" that makes up the whole segment at pos, or 0. */
static size_t
template_len(const char *s, size_t len, size_t pos)
{
	size_t		end = pos + 1;

	if (s[pos] != '{' || pos == 0 || s[pos - 1] != '/')
		return 0;
	while (end < len && s[end] != '}' && s[end] != '{' && s[end] != '/')
		end++;
	if (end >= len || s[end] != '}' || end == pos + 1)
		return 0;
	end++;
	if (end < len && s[end] != '/')
		return 0;
	return end - pos;
}

/*
 * Does a template's name end with '+'?  In "{id:[0-9]+}", as some frameworks write
 * it, the '+' belongs to a regular expression.
 */
static bool
is_greedy(const char *template, size_t len)
{
	return len > 3 && template[len - 2] == '+' &&
		memchr(template, ':', len) == NULL;
}

/* The wildcard at pos and its length, or TOKEN_BYTE. */
static TokenKind
wildcard_at(const char *s, size_t len, size_t pos, size_t *length)
{
	if (s[pos] == '*')
	{
		*length = pos + 1 < len && s[pos + 1] == '*' ? 2 : 1;
		return *length == 2 ? TOKEN_GLOBSTAR : TOKEN_STAR;
	}
	*length = template_len(s, len, pos);
	if (*length == 0)
		return TOKEN_BYTE;
	return is_greedy(s + pos, *length) ? TOKEN_PLUS : TOKEN_STAR;
}

/* Read the next token and step over it. */
static TokenKind
next_token(Tokenizer *t)
{
	PathReader *reader = &t->reader;
	size_t		length;
	TokenKind	token;

	if (reader->pos >= reader->len)
		return TOKEN_END;
	if (!t->exact)
	{
		token = wildcard_at(reader->data, reader->len, reader->pos, &length);
		if (token != TOKEN_BYTE)
		{
			reader->pos += length;
			return token;
		}
	}
	t->byte = path_read_byte(reader);
	return TOKEN_BYTE;
}

static bool
is_match_all(Str p)
{
	return p.len == 1 && p.data[0] == '/';
}

/*
 * Is there a path that a pattern may match?  If there is any, there is one with
 * "x" for each of its wildcards.
 */
static bool
can_match(Str p)
{
	char		path[PATTERN_MAX_LEN];
	size_t		len = 0;
	bool		exact = is_exact(p);

	for (size_t pos = exact; pos < p.len;)
	{
		size_t		length;

		if (exact || wildcard_at(p.data, p.len, pos, &length) == TOKEN_BYTE)
			path[len++] = p.data[pos++];
		else
		{
			path[len++] = 'x';
			pos += length;
		}
	}
	return path_without_query(path, len) == len && path_is_safe(path, len);
}

PatternError
pattern_check(const char *s, size_t len)
{
	Str			p = {s, len};
	size_t		slash = is_exact(p);

	if (len <= slash || s[slash] != '/')
		return PATTERN_NO_SLASH;
	if (len > PATTERN_MAX_LEN)
		return PATTERN_TOO_LONG;
	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) s[i] < 0x20 || s[i] == 0x7F)
			return PATTERN_CONTROL;
	}
	return can_match(p) ? PATTERN_OK : PATTERN_UNSAFE;
}

/*
 * Which of two patterns that match the same path is the more specific, and so
 * answers first: the one with more bytes before its first wildcard, then the
 * one with more literal bytes in all, then the one with fewer '**' and {name+}.
 * Negative when a comes before b.
 */
int
pattern_compare_rank(Str a, Str b)
{
	Str both[2] = {a, b};
	int			prefix[2] = {0, 0};
	int			literals[2] = {0, 0};
	int			globstars[2] = {0, 0};

	for (int i = 0; i < 2; i++)
	{
		Tokenizer	tokenizer = tokenizer_start(both[i]);
		bool		wild = false;
		TokenKind	token;

		if (is_match_all(both[i]))
		{
			globstars[i] = 1;
			continue;
		}
		while ((token = next_token(&tokenizer)) != TOKEN_END)
		{
			if (token == TOKEN_BYTE)
			{
				literals[i]++;
				prefix[i] += !wild;
				continue;
			}
			wild = true;
			globstars[i] += token != TOKEN_STAR;
		}
		/* a pattern without wildcards beats any prefix of its length */
		if (!wild)
			prefix[i]++;
	}
	if (prefix[0] != prefix[1])
		return prefix[1] - prefix[0];
	if (literals[0] != literals[1])
		return literals[1] - literals[0];
	return globstars[0] - globstars[1];
}

/* ---------- the trie ---------- */

static int32_t
add_node(PatternSet *set, LoopKind loop)
{
	TrieNode   *node = &set->nodes[set->nnodes];

	node->first_edge = -1;
	node->star = -1;
	node->plus = -1;
	node->globstar = -1;
	node->first_accept = -1;
	node->loop = loop;
	return set->nnodes++;
}

/* The child of node by a literal byte, made if it is not there. */
static int32_t
literal_child(PatternSet *set, int32_t node, unsigned char byte)
{
	TrieEdge   *edge;

	for (int32_t e = set->nodes[node].first_edge; e >= 0; e = set->edges[e].next)
	{
		if (set->edges[e].byte == byte)
			return set->edges[e].target;
	}
	edge = &set->edges[set->nedges];
	edge->byte = byte;
	edge->target = add_node(set, LOOP_NONE);
	edge->next = set->nodes[node].first_edge;
	set->nodes[node].first_edge = set->nedges++;
	return edge->target;
}

static int32_t
wildcard_child(PatternSet *set, int32_t node, TokenKind token)
{
	TrieNode   *parent = &set->nodes[node];
	int32_t    *child = token == TOKEN_STAR ? &parent->star :
		token == TOKEN_PLUS ? &parent->plus : &parent->globstar;

	/* the array of nodes does not move */
	if (*child < 0)
		*child = add_node(set, token == TOKEN_STAR ? LOOP_SEGMENT : LOOP_ANY);
	return *child;
}

static void
add_pattern(PatternSet *set, Str p, int32_t number)
{
	int32_t		node = 0;
	Tokenizer	tokenizer = tokenizer_start(p);
	TokenKind	token;

	if (is_match_all(p))
		node = wildcard_child(set, node, TOKEN_GLOBSTAR);
	else
	{
		while ((token = next_token(&tokenizer)) != TOKEN_END)
		{
			if (token == TOKEN_BYTE)
				node = literal_child(set, node, tokenizer.byte);
			else
				node = wildcard_child(set, node, token);
		}
	}
	set->accept_next[number] = set->nodes[node].first_accept;
	set->nodes[node].first_accept = number;
}

/* ---------- the automaton ---------- */

static void
live_add(PatternSet *set, int32_t node)
{
	/* '**' may match nothing, so its child is live as soon as its parent is */
	for (; node >= 0; node = set->nodes[node].globstar)
	{
		if (set->mark[node] == set->generation)
			return;
		set->mark[node] = set->generation;
		set->live[set->nlive++] = node;
	}
}

static void
live_begin(PatternSet *set)
{
	set->nlive = 0;
	if (++set->generation == 0)
	{
		memset(set->mark, 0, sizeof(*set->mark) * (size_t) set->nnodes);
		set->generation = 1;
	}
}

static void
sort_numbers(int32_t *a, int32_t n)
{
	/* Shell sort: no recursion, no allocation, fine for sets that are small */
	for (int32_t gap = n / 2; gap > 0; gap /= 2)
	{
		for (int32_t i = gap; i < n; i++)
		{
			int32_t		value = a[i];
			int32_t		j = i;

			for (; j >= gap && a[j - gap] > value; j -= gap)
				a[j] = a[j - gap];
			a[j] = value;
		}
	}
}

static uint32_t
hash_numbers(const int32_t *a, int32_t n)
{
	uint32_t	hash = UINT32_C(2166136261);

	for (int32_t i = 0; i < n; i++)
		hash = (hash ^ (uint32_t) a[i]) * UINT32_C(16777619);
	return hash ^ (hash >> 15);
}

static int32_t *
state_transitions(const PatternSet *set, int32_t state)
{
	return set->pool + set->states[state].row;
}

static unsigned char *
state_bytes(const PatternSet *set, int32_t state)
{
	return (unsigned char *) (state_transitions(set, state) + SLOT_BYTES +
							  set->states[state].nbytes);
}

static int32_t *
state_nodes(const PatternSet *set, int32_t state)
{
	int32_t		nbytes = set->states[state].nbytes;

	return state_transitions(set, state) + SLOT_BYTES + nbytes +
		(nbytes + 3) / 4;
}

static int32_t *
state_accepts(const PatternSet *set, int32_t state)
{
	return state_nodes(set, state) + set->states[state].nnodes;
}

static int32_t *
state_transition(const PatternSet *set, int32_t state, unsigned char byte)
{
	int32_t    *transitions = state_transitions(set, state);
	const unsigned char *bytes;
	int32_t		nbytes;

	if (byte == '/')
		return &transitions[SLOT_SLASH];
	bytes = state_bytes(set, state);
	nbytes = set->states[state].nbytes;
	for (int32_t i = 0; i < nbytes; i++)
	{
		if (bytes[i] == byte)
			return &transitions[SLOT_BYTES + i];
	}
	return &transitions[SLOT_OTHER];
}

/* The bytes but '/' that the live nodes have edges for. */
static int32_t
live_bytes(const PatternSet *set, unsigned char *bytes)
{
	bool		seen[256] = {false};
	int32_t		n = 0;

	for (int32_t i = 0; i < set->nlive; i++)
	{
		for (int32_t e = set->nodes[set->live[i]].first_edge; e >= 0;
			 e = set->edges[e].next)
		{
			unsigned char byte = set->edges[e].byte;

			if (byte != '/' && !seen[byte])
			{
				seen[byte] = true;
				bytes[n++] = byte;
			}
		}
	}
	return n;
}

static int32_t
live_accepts(const PatternSet *set)
{
	int32_t		n = 0;

	for (int32_t i = 0; i < set->nlive; i++)
	{
		for (int32_t a = set->nodes[set->live[i]].first_accept; a >= 0;
			 a = set->accept_next[a])
			n++;
	}
	return n;
}

static void
enter_state(PatternSet *set, int32_t state)
{
	uint32_t	mask = (uint32_t) (set->nslots - 1);
	uint32_t	slot = set->states[state].hash & mask;

	while (set->slots[slot] >= 0)
		slot = (slot + 1) & mask;
	set->slots[slot] = state;
}

static void *
allocate_memory(PatternMemory memory, int32_t count, size_t size)
{
	return memory.alloc(memory.arg, (size_t) (count > 0 ? count : 1) * size);
}

/* Give the automaton room for twice as much, but no more than its limit. */
static void
grow_pool(PatternSet *set, int32_t pool_size)
{
	int32_t		max_states = pool_size / 8 + 3;
	int32_t		nslots = 16;
	int32_t    *pool;
	DfaState   *states;
	int32_t    *slots;

	while (nslots < 2 * max_states)
		nslots *= 2;

	/* an allocation that fails must leave the set as it is */
	pool = allocate_memory(set->memory, pool_size, sizeof(int32_t));
	states = allocate_memory(set->memory, max_states, sizeof(DfaState));
	slots = allocate_memory(set->memory, nslots, sizeof(int32_t));
	if (set->pool)
	{
		memcpy(pool, set->pool, sizeof(int32_t) * (size_t) set->pool_used);
		memcpy(states, set->states, sizeof(DfaState) * (size_t) set->nstates);
		set->memory.release(set->memory.arg, set->pool);
		set->memory.release(set->memory.arg, set->states);
		set->memory.release(set->memory.arg, set->slots);
	}
	set->pool = pool;
	set->pool_size = pool_size;
	set->states = states;
	set->max_states = max_states;
	set->slots = slots;
	set->nslots = nslots;
	for (int32_t i = 0; i < set->nslots; i++)
		set->slots[i] = -1;
	for (int32_t i = 0; i < set->nstates; i++)
		enter_state(set, i);
}

/* Is there room for one more state with a row of this size? */
static bool
make_room(PatternSet *set, int32_t row_size)
{
	while (set->nstates == set->max_states ||
		   set->pool_size - set->pool_used < row_size)
	{
		if (set->pool_size >= set->pool_limit)
			return false;
		grow_pool(set, set->pool_size < set->pool_limit / 2 ?
				  2 * set->pool_size : set->pool_limit);
	}
	return true;
}

static bool
is_live_set(const PatternSet *set, int32_t state, uint32_t hash)
{
	return set->states[state].hash == hash &&
		set->states[state].nnodes == set->nlive &&
		(set->nlive == 0 ||
		 memcmp(state_nodes(set, state), set->live,
				sizeof(int32_t) * (size_t) set->nlive) == 0);
}

/* Append a state for the live set, or return -1 if there is no room. */
static int32_t
append_state(PatternSet *set, uint32_t hash)
{
	unsigned char bytes[256];
	int32_t		nbytes = live_bytes(set, bytes);
	int32_t		naccepts = live_accepts(set);
	int32_t		row_size = SLOT_BYTES + nbytes + (nbytes + 3) / 4 +
		set->nlive + naccepts;
	int32_t		number;
	DfaState   *state;
	int32_t    *out;

	if (!make_room(set, row_size))
		return -1;
	number = set->nstates++;
	state = &set->states[number];
	state->hash = hash;
	state->row = set->pool_used;
	state->nbytes = nbytes;
	state->nnodes = set->nlive;
	state->naccepts = naccepts;
	set->pool_used += row_size;

	out = state_transitions(set, number);
	for (int32_t i = 0; i < SLOT_BYTES + nbytes; i++)
		out[i] = NOT_BUILT;
	memcpy(state_bytes(set, number), bytes, (size_t) nbytes);
	out = state_nodes(set, number);
	for (int32_t i = 0; i < set->nlive; i++)
		*out++ = set->live[i];
	for (int32_t i = 0; i < set->nlive; i++)
	{
		for (int32_t a = set->nodes[set->live[i]].first_accept; a >= 0;
			 a = set->accept_next[a])
			*out++ = a;
	}
	sort_numbers(state_accepts(set, number), naccepts);
	enter_state(set, number);
	return number;
}

/* The state whose nodes are the live set, or -1 if there is no room for it. */
static int32_t
intern_live(PatternSet *set)
{
	uint32_t	mask = (uint32_t) (set->nslots - 1);
	uint32_t	hash;

	sort_numbers(set->live, set->nlive);
	hash = hash_numbers(set->live, set->nlive);
	for (uint32_t slot = hash & mask; set->slots[slot] >= 0;
		 slot = (slot + 1) & mask)
	{
		if (is_live_set(set, set->slots[slot], hash))
			return set->slots[slot];
	}
	return append_state(set, hash);
}

/* Empty the pool, then make the two states that have fixed numbers. */
static void
reset_states(PatternSet *set)
{
	set->nstates = 0;
	set->pool_used = 0;
	for (int32_t i = 0; i < set->nslots; i++)
		set->slots[i] = -1;
	live_begin(set);
	(void) intern_live(set);	/* DEAD */
	live_begin(set);
	live_add(set, 0);
	(void) intern_live(set);	/* START */
}

/* The live set becomes what is live after a byte. */
static void
step_live(PatternSet *set, int32_t state, unsigned char byte)
{
	const int32_t *nodes = state_nodes(set, state);

	live_begin(set);
	for (int32_t i = 0; i < set->states[state].nnodes; i++)
	{
		const TrieNode *node = &set->nodes[nodes[i]];

		if (node->loop == LOOP_ANY ||
			(node->loop == LOOP_SEGMENT && byte != '/'))
			live_add(set, nodes[i]);
		if (node->star >= 0 && byte != '/')
			live_add(set, node->star);
		if (node->plus >= 0)
			live_add(set, node->plus);
		for (int32_t e = node->first_edge; e >= 0; e = set->edges[e].next)
		{
			if (set->edges[e].byte == byte)
			{
				live_add(set, set->edges[e].target);
				break;
			}
		}
	}
}

/* Build the transition of a state on a byte, and return where it leads. */
static int32_t
build_transition(PatternSet *set, int32_t state, unsigned char byte)
{
	int32_t    *aside = set->live + set->nnodes;
	int32_t		nlive;
	int32_t		target;

	step_live(set, state, byte);
	target = intern_live(set);
	if (target >= 0)
	{
		*state_transition(set, state, byte) = target;
		return target;
	}

	/*
	 * The pool is full.  Keep the live set aside while the pool is emptied; its
	 * limit leaves room for the two fixed states and the largest third.
	 */
	nlive = set->nlive;
	memcpy(aside, set->live, sizeof(int32_t) * (size_t) nlive);
	reset_states(set);
	memcpy(set->live, aside, sizeof(int32_t) * (size_t) nlive);
	set->nlive = nlive;
	return intern_live(set);
}

static inline int32_t
next_state(PatternSet *set, int32_t state, unsigned char byte)
{
	int32_t		next = *state_transition(set, state, byte);

	return next != NOT_BUILT ? next : build_transition(set, state, byte);
}

static int32_t
walk_plain(PatternSet *set, const char *path, size_t len)
{
	int32_t		state = START;

	for (size_t i = 0; i < len && state != DEAD; i++)
		state = next_state(set, state, (unsigned char) path[i]);
	return state;
}

static int32_t
walk_encoded(PatternSet *set, const char *path, size_t len)
{
	PathReader	reader = {.data = path, .len = len};
	int32_t		state = START;

	while (reader.pos < len && state != DEAD)
		state = next_state(set, state, path_read_byte(&reader));
	return state;
}

/*
 * Match a path against all patterns of the set.  Returns how many match and
 * points *matched to their numbers, ascending; they stay valid until the next
 * call.
 */
int
pattern_set_match(PatternSet *set, const char *path, size_t len,
				  const int32_t **matched)
{
	/* few paths have a '%', and the others need not be read for it */
	bool		encoded = len > 0 && memchr(path, '%', len) != NULL;
	int32_t		state = encoded ? walk_encoded(set, path, len) :
		walk_plain(set, path, len);

	*matched = state_accepts(set, state);
	return set->states[state].naccepts;
}

/* ---------- making a set ---------- */

/* Room for nodes and edges: a byte of a pattern makes at most one of each. */
static void
allocate_trie(PatternSet *set, const Str *patterns, int count)
{
	size_t		bytes = 0;

	for (int i = 0; i < count; i++)
		bytes += patterns[i].len;
	set->nodes = allocate_memory(set->memory, (int32_t) bytes + 1, sizeof(TrieNode));
	set->edges = allocate_memory(set->memory, (int32_t) bytes + 1, sizeof(TrieEdge));
	set->accept_next = allocate_memory(set->memory, count, sizeof(int32_t));
}

static void
allocate_states(PatternSet *set, int count, size_t dfa_limit)
{
	size_t		largest_row = SLOT_BYTES + 256 + 64 + (size_t) set->nnodes +
		(size_t) count;
	size_t		numbers = dfa_limit / sizeof(int32_t);

	if (numbers < 3 * largest_row)
		numbers = 3 * largest_row;
	set->pool_limit = (int32_t) numbers;
	set->live = allocate_memory(set->memory, 2 * set->nnodes, sizeof(int32_t));
	set->mark = allocate_memory(set->memory, set->nnodes, sizeof(uint32_t));
	memset(set->mark, 0, (size_t) set->nnodes * sizeof(uint32_t));
	grow_pool(set, numbers < POOL_START ? (int32_t) numbers : POOL_START);
	reset_states(set);
}

/*
 * Compile patterns, which must have passed pattern_check().  A pattern's number
 * is its place in the array.  dfa_limit bounds the rows of the states, in bytes,
 * but for a floor that the patterns themselves set.
 */
PatternSet *
pattern_set_build(const Str *patterns, int count, size_t dfa_limit,
				  PatternMemory memory)
{
	PatternSet *set = memory.alloc(memory.arg, sizeof(PatternSet));

	memset(set, 0, sizeof(*set));
	set->memory = memory;
	allocate_trie(set, patterns, count);
	(void) add_node(set, LOOP_NONE);	/* the root */
	for (int i = 0; i < count; i++)
		add_pattern(set, patterns[i], i);
	allocate_states(set, count, dfa_limit);
	return set;
}

void
pattern_set_free(PatternSet *set)
{
	PatternMemory memory = set->memory;

	memory.release(memory.arg, set->nodes);
	memory.release(memory.arg, set->edges);
	memory.release(memory.arg, set->accept_next);
	memory.release(memory.arg, set->pool);
	memory.release(memory.arg, set->states);
	memory.release(memory.arg, set->slots);
	memory.release(memory.arg, set->live);
	memory.release(memory.arg, set->mark);
	memory.release(memory.arg, set);
}
