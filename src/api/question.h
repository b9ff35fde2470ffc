/*
 * question.h
 *		What a gateway asks about a call of one of its clients.
 */
#ifndef DEVAPP_QUESTION_H
#define DEVAPP_QUESTION_H

#include "postgres.h"

#include "api/gateway_core.h"
#include "api/http_core.h"
#include "base/compat.h"
#include "decide/verdict.h"

/* Where keys are looked for, unless the gateway says otherwise. */
#define QUESTION_HEADER	"x-api-key"
#define QUESTION_QUERY	"apikey"

typedef struct Question
{
	GatewayOptions options;
	Str			method;
	Str			path;			/* may have a query */
	bool		path_is_uri;	/* as the client sent it, so it is ASCII */
	Str			query;
	Str			header_key;		/* in the field for keys; data NULL: none */
	HttpAuthorization authorization;
	Str			dpop;
	NullableDatum client;		/* an inet */
} Question;

extern GatewayOptions question_options(Str text, const char *where);
extern Verdict question_ask(const Question *question);
extern int64 question_seconds(int64 wait);

#endif							/* DEVAPP_QUESTION_H */
