/*
 * verify_token.h
 *		Verifying tokens.
 */
#ifndef DEVAPP_VERIFY_TOKEN_H
#define DEVAPP_VERIFY_TOKEN_H

#include "postgres.h"

#include "decide/verdict.h"
#include "token/token.h"

extern Verdict verify_token(Str token, const TokenProofs *proofs, const DecideRequest *request);

#endif							/* DEVAPP_VERIFY_TOKEN_H */
