/*
 * error.c
 *		Errors as answers to a request.
 *
 * The status of an error follows from its SQLSTATE, by one table.  What devapp refuses is said
 * in its own words, without what only somebody at a SQL prompt could use; keys in it are
 * masked.  PostgreSQL's own errors could tell of rows and statements, so only those about a
 * malformed value are told.  What nobody foresaw is a 500 that says nothing, and a line in the
 * log; so is a 503 that somebody has to look after.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/json.h"

#include "api/error.h"
#include "base/compat.h"
#include "base/entry.h"
#include "key/mask.h"

/* ---------- statuses ---------- */

/* Whose errors of a class have its status. */
typedef enum ErrorSource
{
	OF_ANYBODY,
	OF_DEVAPP					/* those that PostgreSQL raises are faults of ours */
} ErrorSource;

typedef struct ErrorStatus
{
	const char *prefix;			/* of the SQLSTATE; the first that fits counts */
	int			status;
	bool		is_fault;		/* somebody has to look after it */
	ErrorSource source;
} ErrorStatus;

static const ErrorStatus statuses[] = {
	{"23505", 409, false, OF_ANYBODY},	/* unique */
	{"23503", 409, false, OF_ANYBODY},	/* foreign key */
	{"23001", 409, false, OF_ANYBODY},	/* restrict */
	{"23P01", 409, false, OF_ANYBODY},	/* exclusion */
	{"22", 400, false, OF_ANYBODY}, /* data */
	{"23", 400, false, OF_ANYBODY}, /* null value, check */
	{"0A000", 400, false, OF_DEVAPP},	/* not supported */
	{"28", 401, false, OF_DEVAPP},	/* authorization */
	{"42501", 403, false, OF_DEVAPP},	/* privilege */
	{"42704", 404, false, OF_DEVAPP},	/* undefined object */
	{"P0002", 404, false, OF_DEVAPP},	/* no data found */
	{"42710", 409, false, OF_DEVAPP},	/* duplicate object */
	{"55P03", 503, false, OF_ANYBODY},	/* lock not available */
	{"55", 409, false, OF_DEVAPP},	/* object not in the state, or in use */
	{"2BP01", 409, false, OF_DEVAPP},	/* dependent objects */
	{"54", 422, false, OF_ANYBODY}, /* limit of the program */
	{"40", 503, false, OF_ANYBODY}, /* rolled back */
	{"25006", 503, true, OF_ANYBODY},	/* read only */
	{"08", 503, true, OF_ANYBODY},	/* connection */
	{"53", 503, true, OF_ANYBODY},	/* resources */
	{"57", 503, true, OF_ANYBODY},	/* intervention */
	{"58", 503, true, OF_ANYBODY},	/* system */
	{"F0", 503, true, OF_ANYBODY},	/* configuration file */
	{"TK", 400, false, OF_DEVAPP},	/* what a token is asked for */
	{"", 500, true, OF_ANYBODY},
};

static int
named_status(const char *sqlstate)
{
	int			status = 0;

	if (strncmp(sqlstate, "DV", 2) == 0 && strspn(sqlstate + 2, "0123456789") == 3)
		status = atoi(sqlstate + 2);
	return status >= 400 && status <= 599 ? status : 0;
}

static bool
has_status(const ErrorData *error, const char *sqlstate, const ErrorStatus *status)
{
	return strncmp(sqlstate, status->prefix, strlen(status->prefix)) == 0 &&
		(status->source == OF_ANYBODY || entry_is_refusal(error));
}

static ErrorStatus
status_of(const ErrorData *error, const char *sqlstate)
{
	int			named = named_status(sqlstate);
	int			i = 0;

	if (named != 0)
		return (ErrorStatus) {sqlstate, named, named >= 500, OF_DEVAPP};
	while (!has_status(error, sqlstate, &statuses[i]))
		i++;
	return statuses[i];
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
	{401, "authentication is required", "keymanagement.service.Unauthorized", "invalid_client"},
	{403, "permission denied", "keymanagement.service.Forbidden", "insufficient_scope"},
	{404, "the resource does not exist", "keymanagement.service.NotFound", "invalid_request"},
	{405, "the method is not allowed", "keymanagement.service.MethodNotAllowed", "invalid_request"},
	{406, "the response is available only as JSON", "keymanagement.service.NotAcceptable", "invalid_request"},
	{409, "the request conflicts with the current state", "keymanagement.service.Conflict", "invalid_request"},
	{413, "the body is too large", "keymanagement.service.RequestTooLarge", "invalid_request"},
	{414, "the URL is too long", "keymanagement.service.RequestTooLarge", "invalid_request"},
	{415, "the body is not JSON", "keymanagement.service.UnsupportedMediaType", "invalid_request"},
	{422, "a limit has been reached", "keymanagement.service.LimitReached", "invalid_request"},
	{429, "too many requests", "policies.ratelimit.QuotaViolation", "temporarily_unavailable"},
	{503, "the service is temporarily unavailable", "keymanagement.service.ServiceUnavailable", "temporarily_unavailable"},
	{500, "internal error", "keymanagement.service.InternalError", "server_error"},	/* the last: for others from 500, as the first is for those below */
};

static const ErrorWords *
words_of(int status)
{
	int			i = 0;

	while (i < (int) lengthof(words) - 1 && words[i].status != status)
		i++;
	return status < 500 && words[i].status != status ? &words[0] : &words[i];
}

/* What OAuth calls an error that has a word of its own, whatever its status. */
static const char *
oauth_code(int status, const char *sqlstate)
{
	if (strcmp(sqlstate, "TK001") == 0)
		return "invalid_scope";
	if (strcmp(sqlstate, "TK002") == 0)
		return "invalid_target";
	return words_of(status)->oauth;
}

/* RFC 6749 lets error_description have printable ASCII, but no double quote and no backslash. */
static const char *
oauth_description(const char *message)
{
	char	   *description = pstrdup(message);

	for (char *c = description; *c != '\0'; c++)
	{
		if (*c == '"')
			*c = '\'';
		else if (*c < ' ' || *c > '~' || *c == '\\')
			*c = '?';
	}
	return description;
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
	return text == NULL || text[0] == '\0' || is_about_sql(text) ? NULL : mask_string(text);
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
	if (named_status(sqlstate) != 0 && error->constraint_name != NULL && error->constraint_name[0] != '\0')
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
			append_member(&body, "error", text->code != NULL ? text->code : oauth_code(status, sqlstate));
			append_member(&body, "error_description", oauth_description(text->message));
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
			 error->hint != NULL && error->hint[0] != '\0' ? errhint("%s", mask_string(error->hint)) : 0,
			 error->context != NULL ? errcontext("%s", mask_string(error->context)) : 0,
			 errhidestmt(true)));
}

/*
 * The answer to a request that ended with this error.  Unproved: nobody has proved to be the client
 * of the request, so what it may not do is a matter of its proof.
 */
ErrorAnswer
error_answer(const ErrorData *error, ErrorForm form, bool is_unproved)
{
	const char *sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	ErrorStatus status = status_of(error, sqlstate);
	ErrorAnswer answer = {.status = is_unproved && status.status == 403 ? 401 : status.status};
	ErrorText	text = text_of(error, answer.status, sqlstate);

	if (status.is_fault)
		log_fault(error, sqlstate);
	answer.body = error_body(&text, answer.status, sqlstate, form);
	answer.message = text.detail == NULL ? text.message : psprintf("%s. %s", text.message, text.detail);
	return answer;
}
