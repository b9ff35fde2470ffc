/*
 * uri_core.c
 *		Is this a callback URL that a developer may register?  Needs no backend.
 *
 * The grammar is RFC 3986's absolute URI.  On top of it, what RFC 6749 (section
 * 3.1.2: absolute, no fragment) and RFC 8252 (section 7: https, http on the
 * loopback for native apps, private-use schemes) ask of a redirection endpoint.
 * User names and passwords in a URL, and schemes that a browser runs or reads
 * from its own disk, are refused.
 */
#include "model/uri_core.h"

#include <string.h>

#include "base/str.h"

static bool
word_is(Str s, const char *word)
{
	return str_equal_nocase(s, word, strlen(word));
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* unreserved, reserved or part of a percent-encoded byte */
static bool
characters_are_legal(Str s)
{
	static const char others[] = "-._~:/?#[]@!$&'()*+,;=";

	for (size_t i = 0; i < s.len; i++)
	{
		char		c = s.data[i];

		if (c == '%')
		{
			if (s.len - i < 3 || !is_hex(s.data[i + 1]) || !is_hex(s.data[i + 2]))
				return false;
		}
		else if (c == '\0' ||
				 (!is_alpha(c) && !is_digit(c) && strchr(others, c) == NULL))
			return false;
	}
	return true;
}

/* Length of the scheme at the start of s, or 0. */
static size_t
scheme_len(Str s)
{
	size_t		n = 0;

	if (s.len == 0 || !is_alpha(s.data[0]))
		return 0;
	while (n < s.len && (is_alpha(s.data[n]) || is_digit(s.data[n]) ||
						 (s.data[n] != '\0' && strchr("+-.", s.data[n]))))
		n++;
	return n < s.len && s.data[n] == ':' ? n : 0;
}

static bool
port_is_valid(Str port)
{
	unsigned	value = 0;

	if (port.len > 5)
		return false;
	for (size_t i = 0; i < port.len; i++)
	{
		if (!is_digit(port.data[i]))
			return false;
		value = value * 10 + (unsigned) (port.data[i] - '0');
	}
	return port.len == 0 || (value >= 1 && value <= 65535);
}

/* Split host and port; an IPv6 address keeps its brackets. */
static UriError
split_authority(Str authority, Str *host, Str *port)
{
	size_t		n = 0;

	if (memchr(authority.data, '@', authority.len) != NULL)
		return URI_USERINFO;
	if (authority.len > 0 && authority.data[0] == '[')
	{
		while (n < authority.len && authority.data[n] != ']')
		{
			if (n > 0 && !is_hex(authority.data[n]) && authority.data[n] != ':' &&
				authority.data[n] != '.')
				return URI_NO_HOST;
			n++;
		}
		if (n >= authority.len || n < 3)
			return URI_NO_HOST;
		n++;
	}
	else
	{
		while (n < authority.len && authority.data[n] != ':')
		{
			if (authority.data[n] == '[' || authority.data[n] == ']')
				return URI_NO_HOST;
			n++;
		}
	}
	*host = (Str) {authority.data, n};
	*port = (Str) {authority.data + n, 0};
	if (n < authority.len)
	{
		if (authority.data[n] != ':')
			return URI_NO_HOST;
		*port = (Str) {authority.data + n + 1, authority.len - n - 1};
	}
	if (host->len == 0)
		return URI_NO_HOST;
	return port_is_valid(*port) ? URI_OK : URI_BAD_PORT;
}

/* 127.0.0.0/8 written as four numbers; 127.evil.example is none */
static bool
is_loopback_ipv4(Str host)
{
	int			dots = 0;
	unsigned	value = 0;
	int			digits = 0;

	if (host.len < 9 || memcmp(host.data, "127.", 4) != 0)
		return false;
	for (size_t i = 0; i < host.len; i++)
	{
		if (host.data[i] == '.')
		{
			if (digits == 0)
				return false;
			dots++;
			value = 0;
			digits = 0;
			continue;
		}
		if (!is_digit(host.data[i]))
			return false;
		value = value * 10 + (unsigned) (host.data[i] - '0');
		if (++digits > 3 || value > 255)
			return false;
	}
	return dots == 3 && digits > 0;
}

static bool
is_loopback(Str host)
{
	return word_is(host, "localhost") || word_is(host, "[::1]") ||
		is_loopback_ipv4(host);
}

static bool
scheme_is_forbidden(Str scheme)
{
	static const char *const forbidden[] = {
		"javascript", "data", "vbscript", "file", "blob", "about"
	};

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
	{
		if (word_is(scheme, forbidden[i]))
			return true;
	}
	return false;
}

static UriError
check_web_url(Str rest, bool secure)
{
	Str			authority;
	Str			host;
	Str			port;
	UriError	error;
	size_t		n = 2;

	if (rest.len < 2 || rest.data[0] != '/' || rest.data[1] != '/')
		return URI_NO_HOST;
	while (n < rest.len && rest.data[n] != '/' && rest.data[n] != '?')
		n++;
	authority = (Str) {rest.data + 2, n - 2};
	error = split_authority(authority, &host, &port);
	if (error != URI_OK)
		return error;
	if (memchr(rest.data + n, '[', rest.len - n) ||
		memchr(rest.data + n, ']', rest.len - n))
		return URI_BAD_CHARACTER;
	return secure || is_loopback(host) ? URI_OK : URI_INSECURE;
}

/* Does what follows the scheme have an authority with a user in it? */
static bool
has_userinfo(Str rest)
{
	size_t		n = 2;

	if (rest.len < 2 || rest.data[0] != '/' || rest.data[1] != '/')
		return false;
	while (n < rest.len && rest.data[n] != '/' && rest.data[n] != '?')
		n++;
	return memchr(rest.data + 2, '@', n - 2) != NULL;
}

UriError
uri_check_callback(const char *s, size_t len)
{
	Str			all = {s, len};
	Str			scheme = {s, scheme_len(all)};
	Str			rest;

	if (!characters_are_legal(all))
		return URI_BAD_CHARACTER;
	if (scheme.len == 0)
		return URI_NOT_ABSOLUTE;
	if (memchr(s, '#', len) != NULL)
		return URI_FRAGMENT;
	if (scheme_is_forbidden(scheme))
		return URI_SCHEME_FORBIDDEN;

	rest = (Str) {s + scheme.len + 1, len - scheme.len - 1};
	if (word_is(scheme, "https"))
		return check_web_url(rest, true);
	if (word_is(scheme, "http"))
		return check_web_url(rest, false);
	if (has_userinfo(rest))
		return URI_USERINFO;
	return rest.len > 0 ? URI_OK : URI_NOT_ABSOLUTE;
}

const char *
uri_error_text(UriError error)
{
	switch (error)
	{
		case URI_OK:
			return "valid";
		case URI_NOT_ABSOLUTE:
			return "it is not an absolute URI";
		case URI_BAD_CHARACTER:
			return "it has a character that is not allowed in a URI";
		case URI_NO_HOST:
			return "it has no valid host";
		case URI_USERINFO:
			return "it has a user name or password";
		case URI_BAD_PORT:
			return "its port is not a number from 1 to 65535";
		case URI_FRAGMENT:
			return "it has a fragment";
		case URI_INSECURE:
			return "http is allowed only for loopback addresses";
		case URI_SCHEME_FORBIDDEN:
			return "its scheme is not allowed for redirects";
	}
	return "unknown";
}
