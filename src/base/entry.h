/*
 * entry.h
 *		The one entry to functions that run with their owner's rights.
 */
#ifndef DEVAPP_ENTRY_H
#define DEVAPP_ENTRY_H

#include "postgres.h"

#include "utils/elog.h"

/*
 * Whom a request over HTTP was authenticated as.  Nobody has nothing of all this.
 */
typedef struct EntryCaller
{
	bool		administers;
	bool		reads;			/* what auditors and analysts read */
	bool		verifies;
	const char *email;			/* of the developer who acts, as identity_email_key() makes it; or NULL */
	const char *name;			/* for the audit trail; NULL: nobody's */
	const char *environment;	/* that the key is confined to; NULL: none */
} EntryCaller;

extern void entry_call_for(const EntryCaller *caller);
extern const EntryCaller *entry_caller(void);

extern Oid	entry_role(void);
extern bool entry_by_admin(void);
extern bool entry_by_auditor(void);
extern bool entry_by_superuser(void);
extern bool entry_in_call(void);
extern bool entry_is_refusal(const ErrorData *error);
extern void entry_at_end(void (*work) (void));

#endif							/* DEVAPP_ENTRY_H */
