/*
 * route.h
 *		Which function answers a request.
 */
#ifndef DEVAPP_ROUTE_H
#define DEVAPP_ROUTE_H

#include "postgres.h"

#include "base/str.h"

/* Whose key or token a request needs. */
typedef enum RouteNeeds
{
	NEEDS_NOTHING,
	NEEDS_READ,
	NEEDS_ADMIN,
	NEEDS_VERIFY,
	NEEDS_DEVELOPER,
	NEEDS_CLIENT
} RouteNeeds;

/* How the body of an error is written. */
typedef enum ErrorForm
{
	ERROR_FORM_DEVAPP,
	ERROR_FORM_APIGEE,
	ERROR_FORM_OAUTH,
	ERROR_FORM_NONE
} ErrorForm;

typedef struct Route
{
	Str			pattern;
	Str			method;
	const char *function;		/* in devapp_internal */
	RouteNeeds	needs;
	ErrorForm	error_form;
} Route;

/* What a path and method lead to; all of it is the caller's. */
typedef struct RouteFound
{
	bool		path_known;		/* some method has a function there */
	bool		for_gateways;	/* one that verifies: any success lets a call through */
	bool		found;
	Route		route;			/* where it was found */
	ErrorForm	error_form;		/* the route's, or that of its neighbours */
	const char *allow;			/* methods that have one, if path_known */
} RouteFound;

extern void route_init(void);
extern ErrorForm route_error_form(Str path);
extern void route_find(Str method, Str path, RouteFound *found);

#endif							/* DEVAPP_ROUTE_H */
