/*
 * error.c
 *		Errors as answers to a request.
 *
 * The status of an error follows from its SQLSTATE, by one table.  What devapp refuses is said
 * in its own words, without what only somebody at a SQL prompt could use; keys in it are
 * masked.  PostgreSQL's own errors could tell of rows and statements, so only those about a
 * malformed value are told.  What nobody foresaw is a 500 that says nothing, and a line in the
 * log.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/json.h"

#include "api/error.h"
#include "base/compat.h"
#include "base/entry.h"
#include "key/mask.h"

/* ---------- statuses ---------- */

typedef struct ErrorStatus
{
	const char *prefix;			/* of the SQLSTATE; the first that fits counts */
	int			status;
} ErrorStatus;

static const ErrorStatus statuses[] = {
	{"23502", 400},				/* null value */
	{"23514", 400},				/* check */
	{"23505", 409},				/* unique */
	{"23503", 409},				/* foreign key */
	{"23001", 409},				/* restrict */
	{"23P01", 409},				/* exclusion */
	{"22", 400},				/* data */
	{"23", 400},
	{"0A000", 400},				/* not supported */
	{"28", 401},				/* authorization */
	{"42501", 403},				/* privilege */
	{"42704", 404},				/* undefined object */
	{"P0002", 404},				/* no data found */
	{"42710", 409},				/* duplicate object */
	{"55P03", 503},				/* lock not available */
	{"55", 409},				/* object not in the state, or in use */
	{"2BP01", 409},				/* dependent objects */
	{"54", 422},				/* limit of the program */
	{"25006", 503},				/* read only */
	{"08", 503},				/* connection */
	{"40", 503},				/* rolled back */
	{"53", 503},				/* resources */
	{"57", 503},				/* intervention */
	{"58", 503},				/* system */
	{"F0", 503},				/* configuration file */
};

static int
named_status(const char *sqlstate)
{
	int			status = 0;

	if (strncmp(sqlstate, "DV", 2) == 0 && strspn(sqlstate + 2, "0123456789") == 3)
		status = atoi(sqlstate + 2);
	return status >= 400 && status <= 599 ? status : 0;
}

static int
status_of(const char *sqlstate)
{
	int			named = named_status(sqlstate);

	if (named != 0)
		return named;
	for (int i = 0; i < (int) lengthof(statuses); i++)
	{
		if (strncmp(sqlstate, statuses[i].prefix, strlen(statuses[i].prefix)) == 0)
			return statuses[i].status;
	}
	return 500;
}

/* ---------- words ---------- */

typedef struct ErrorWords
{
	int			status;
	const char *message;
	const char *apigee;			/* its "code" */
	const char *oauth;			/* its "error" */
} ErrorWords;

static const ErrorWords words[] = {
	{400, "the request is not valid", "developer.service.InvalidRequest", "invalid_request"},
	{401, "authentication is needed", "keymanagement.service.Unauthorized", "invalid_client"},
	{403, "this is not permitted", "keymanagement.service.Forbidden", "unauthorized_client"},
	{404, "there is no such thing", "keymanagement.service.NotFound", "invalid_request"},
	{405, "the method is not allowed here", "keymanagement.service.MethodNotAllowed", "invalid_request"},
	{406, "the answer is JSON only", "keymanagement.service.NotAcceptable", "invalid_request"},
	{409, "this conflicts with what is there", "keymanagement.service.Conflict", "invalid_request"},
	{413, "the body is too large", "keymanagement.service.RequestTooLarge", "invalid_request"},
	{415, "the body has another type than JSON", "keymanagement.service.UnsupportedMediaType", "invalid_request"},
	{422, "a limit is reached", "keymanagement.service.LimitReached", "invalid_request"},
	{429, "too many requests", "policies.ratelimit.QuotaViolation", "temporarily_unavailable"},
	{503, "the service is not available now, try again later", "keymanagement.service.ServiceUnavailable", "temporarily_unavailable"},
	{500, "internal error", "keymanagement.service.InternalError", "server_error"},	/* the last: for all others */
};

static const ErrorWords *
words_of(int status)
{
	int			i = 0;

	while (i < (int) lengthof(words) - 1 && words[i].status != status)
		i++;
	return &words[i];
}

/* What Apigee calls things that are missing, or there already. */
typedef struct ApigeeThing
{
	const char *thing;			/* the word that our messages begin with */
	const char *missing;
	const char *exists;
} ApigeeThing;

static const ApigeeThing things[] = {
	{"developer ", "developer.service.DeveloperDoesNotExist", "developer.service.DeveloperAlreadyExists"},
	{"app ", "developer.service.AppDoesNotExist", "developer.service.AppAlreadyExists"},
	{"team ", "developer.service.CompanyDoesNotExist", "developer.service.CompanyAlreadyExists"},
	{"product ", "keymanagement.service.apiproduct_doesnot_exist", "keymanagement.service.apiproduct_exists"},
	{"credential ", "keymanagement.service.InvalidClientIdForGivenApp", "keymanagement.service.consumer_key_already_exists"},
};

static bool
means_exists(const char *sqlstate)
{
	return strcmp(sqlstate, "23505") == 0 || strcmp(sqlstate, "42710") == 0;
}

static const char *
apigee_code(int status, const char *sqlstate, const char *message)
{
	for (int i = 0; i < (int) lengthof(things) && (status == 404 || means_exists(sqlstate)); i++)
	{
		if (strncmp(message, things[i].thing, strlen(things[i].thing)) == 0)
			return status == 404 ? things[i].missing : things[i].exists;
	}
	return words_of(status)->apigee;
}

/* ---------- what is told ---------- */

/* What goes into the body; detail and hint may be NULL. */
typedef struct ErrorText
{
	const char *code;			/* that the error brought, or NULL */
	const char *message;
	const char *detail;
	const char *hint;
} ErrorText;

/* Is it about SQL, which nobody sends over HTTP? */
static bool
is_about_sql(const char *text)
{
	return strstr(text, "devapp.") != NULL || strstr(text, "devapp_") != NULL || strstr(text, "SELECT ") != NULL ||
		strstr(text, "=>") != NULL;
}

/* A part of an error, or NULL. */
static const char *
shown_text(const char *text)
{
	return text == NULL || is_about_sql(text) ? NULL : mask_string(text);
}

static ErrorText
text_of(const ErrorData *error, int status, const char *sqlstate)
{
	ErrorText	text = {.message = words_of(status)->message};

	if (status >= 500 && named_status(sqlstate) == 0)
		return text;
	if (!entry_is_refusal(error))
	{
		/* a value that PostgreSQL itself could not read */
		if (strncmp(sqlstate, "22", 2) == 0 && error->message != NULL)
			text.message = mask_string(error->message);
		return text;
	}
	if (named_status(sqlstate) != 0)
		text.code = error->constraint_name;
	if (error->message != NULL)
		text.message = mask_string(error->message);
	text.detail = shown_text(error->detail);
	text.hint = shown_text(error->hint);
	return text;
}

/* ---------- bodies ---------- */

/* A member of a JSON object, unless it is NULL. */
static void
append_member(StringInfo body, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (body->data[body->len - 1] != '{')
		appendStringInfoChar(body, ',');
	escape_json(body, name);
	appendStringInfoChar(body, ':');
	escape_json(body, value);
}

static const char *
error_body(const ErrorText *text, int status, const char *sqlstate, ErrorForm form)
{
	StringInfoData body;

	initStringInfo(&body);
	switch (form)
	{
		case ERROR_FORM_NONE:
			return NULL;
		case ERROR_FORM_APIGEE:
			appendStringInfoChar(&body, '{');
			append_member(&body, "code", text->code != NULL ? text->code : apigee_code(status, sqlstate, text->message));
			append_member(&body, "message", text->message);
			appendStringInfoString(&body, ",\"contexts\":[]}");
			break;
		case ERROR_FORM_OAUTH:
			appendStringInfoChar(&body, '{');
			append_member(&body, "error", text->code != NULL ? text->code : words_of(status)->oauth);
			append_member(&body, "error_description", text->message);
			appendStringInfoChar(&body, '}');
			break;
		case ERROR_FORM_DEVAPP:
			appendStringInfoString(&body, "{\"error\":{");
			append_member(&body, "code", text->code != NULL ? text->code : sqlstate);
			append_member(&body, "message", text->message);
			append_member(&body, "detail", text->detail);
			append_member(&body, "hint", text->hint);
			appendStringInfoString(&body, "}}");
			break;
	}
	return body.data;
}

/* Nobody else learns of it: the transaction goes on. */
static void
log_fault(const ErrorData *error, const char *sqlstate)
{
	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("a request over HTTP failed with SQLSTATE %s: %s", sqlstate,
					error->message != NULL ? mask_string(error->message) : "no message"),
			 error->context != NULL ? errcontext("%s", mask_string(error->context)) : 0,
			 errhidestmt(true)));
}

/* The answer to a request that ended with this error. */
ErrorAnswer
error_answer(const ErrorData *error, ErrorForm form)
{
	const char *sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	ErrorAnswer answer = {.status = status_of(sqlstate)};
	ErrorText	text = text_of(error, answer.status, sqlstate);

	if (answer.status == 500)
		log_fault(error, sqlstate);
	answer.body = error_body(&text, answer.status, sqlstate, form);
	return answer;
}
