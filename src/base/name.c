/*
 * name.c
 *		The form in which names are kept and compared.
 *
 * A name has no blanks around it, and in a database in UTF-8 it is in Unicode's
 * normalization form C: an e with an accent is one character, however it was typed.  What
 * nobody can see in a name, and what changes the direction of writing, is refused by the
 * rules of columns (validate.c), because it makes two names look alike.
 *
 * E-mails are not normalized: NFC makes a K of U+212A, the sign for kelvin, and then one
 * person's address would be another's.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
#include "base/name.h"

PG_FUNCTION_INFO_V1(devapp_canonical_name);

/*
 * Length of the white space at the start of s, or 0: the blank, and in UTF-8 the
 * characters of Unicode's White_Space property that are no control characters.
 */
size_t
name_space_len(const char *s, size_t len)
{
	static const char *const wide[] = {
		"\xC2\xA0", "\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
		"\xE2\x81\x9F", "\xE3\x80\x80"
	};

	if (len > 0 && s[0] == ' ')
		return 1;
	if (GetDatabaseEncoding() != PG_UTF8 || len < 2)
		return 0;
	/* U+2000 to U+200A */
	if (len >= 3 && memcmp(s, "\xE2\x80", 2) == 0 &&
		(unsigned char) s[2] >= 0x80 && (unsigned char) s[2] <= 0x8A)
		return 3;
	for (int i = 0; i < (int) lengthof(wide); i++)
	{
		size_t		n = strlen(wide[i]);

		if (len >= n && memcmp(s, wide[i], n) == 0)
			return n;
	}
	return 0;
}

/* ---------- what cannot be seen ---------- */

/*
 * Unicode's Default_Ignorable_Code_Point, which has the characters of no width and those
 * that control the direction of writing; line and paragraph separators; and interlinear
 * annotations.
 */
static const struct
{
	pg_wchar	first;
	pg_wchar	last;
}			invisible[] = {
	{0x00AD, 0x00AD}, {0x034F, 0x034F}, {0x061C, 0x061C}, {0x115F, 0x1160},
	{0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x200B, 0x200F}, {0x2028, 0x202E},
	{0x2060, 0x206F}, {0x3164, 0x3164}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},
	{0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
	{0xE0000, 0xE0FFF}
};

static bool
is_invisible(pg_wchar c)
{
	for (int i = 0; i < (int) lengthof(invisible); i++)
	{
		if (c >= invisible[i].first && c <= invisible[i].last)
			return true;
	}
	return false;
}

/* Known of UTF-8 only. */
bool
name_has_invisible(Str name)
{
	const unsigned char *s = (const unsigned char *) name.data;
	size_t		n;

	if (GetDatabaseEncoding() != PG_UTF8)
		return false;
	for (size_t i = 0; i < name.len; i += n)
	{
		n = (size_t) pg_encoding_mblen(PG_UTF8, name.data + i);
		if (n > 1 && i + n <= name.len && is_invisible(utf8_to_unicode(s + i)))
			return true;
	}
	return false;
}

/* ---------- the canonical form ---------- */

static Str
trim_spaces(Str name)
{
	size_t		start = 0;
	size_t		end = 0;		/* of what is no space */
	size_t		n;

	while (start < name.len && (n = name_space_len(name.data + start, name.len - start)) > 0)
		start += n;
	for (size_t i = start; i < name.len; i += n)
	{
		n = name_space_len(name.data + i, name.len - i);
		if (n == 0)
		{
			n = (size_t) pg_encoding_mblen(GetDatabaseEncoding(), name.data + i);
			end = i + n;
		}
	}
	return (Str) {name.data + start, end > start ? end - start : 0};
}

static bool
needs_normalizing(Str name)
{
	if (GetDatabaseEncoding() != PG_UTF8)
		return false;
	for (size_t i = 0; i < name.len; i++)
	{
		if (IS_HIGHBIT_SET(name.data[i]))
			return true;
	}
	return false;
}

/* The same text where there is nothing to change. */
text *
name_canonical(text *name)
{
	Str			given = {VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)};
	Str			trimmed = trim_spaces(given);
	text	   *result = name;

	if (trimmed.len != given.len)
		result = cstring_to_text_with_len(trimmed.data, (int) trimmed.len);
	if (needs_normalizing(trimmed))
		result = DatumGetTextPP(DirectFunctionCall2(unicode_normalize_func,
													PointerGetDatum(result),
													CStringGetTextDatum("NFC")));
	if (VARSIZE_ANY_EXHDR(result) == given.len &&
		memcmp(VARDATA_ANY(result), given.data, given.len) == 0)
		return name;
	return result;
}

/* SQL: canonical_name(name) */
Datum
devapp_canonical_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(name_canonical(PG_GETARG_TEXT_PP(0)));
}
